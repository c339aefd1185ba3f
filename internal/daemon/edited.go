package daemon

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// calmness is how long the files have to be at rest before they are inspected:
// editors write in several steps, and what is half written is no mistake.
const calmness = time.Second

// refusal is what the host would not take of the files.
type refusal struct {
	wish *state.Wish // nil where it refused nothing
	text string
}

// watchFiles hears of changes of the configuration.
func (a *agent) watchFiles(ctx context.Context) {
	var paths []string
	for _, path := range a.Paths {
		path, err := filepath.Abs(path)
		if err != nil { // the working folder is gone
			continue
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			path += "/"
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return
	}
	a.watchers.Keep(ctx, "configuration", func(ctx context.Context, _ func(resource.Hint)) error { return a.Files(ctx, paths, a.stir) })
}

// watchState hears of a wish or a hold that another vpnd puts in place.
func (a *agent) watchState(ctx context.Context) {
	var paths []string
	for _, name := range []string{"wish.json", "hold.json", "pending.json"} {
		paths = append(paths, filepath.Join(a.StateDir, name))
	}
	a.watchers.Keep(ctx, "state", func(ctx context.Context, kick func(resource.Hint)) error {
		return a.Files(ctx, paths, func() { kick(resource.Hint{}) })
	})
}

// stir has the files inspected once they are at rest.
func (a *agent) stir() {
	select {
	case a.edited <- struct{}{}:
	default:
	}
}

// inspect tells how the files are, and takes nothing of them.
func (a *agent) inspect(noticed string) {
	cfg, diags := a.load()
	now := a.status.Configuration
	now.Valid, now.Changed, now.Withheld, now.Diagnostics = !diags.HasErrors(), false, "", diag.Brief(diags)
	if now.Valid {
		taken, err := a.judgeFiles(cfg)
		if err != nil {
			a.Log.Warn("what is in the files can't be compared with what is in force", "error", err)
			return
		}
		if a.complaint = ""; taken.refused != "" {
			now.Valid, now.Diagnostics = false, taken.refused
		}
		if now.Changed = taken.changed; now.Changed {
			now.Withheld = a.taken().withheld(cfg)
		}
	} else {
		a.complain(now.Diagnostics, noticed)
	}
	old := a.status.Configuration
	if now.Valid == old.Valid && now.Changed == old.Changed && now.Withheld == old.Withheld && now.Diagnostics == old.Diagnostics {
		return
	}
	switch {
	case now.Withheld != "":
		a.Log.Warn("the files have changed since they were taken, and no reload takes them", "reason", now.Withheld)
	case now.Changed:
		a.Log.Info("the files have changed since they were taken; systemctl reload vpnd, or vpnd apply, takes them")
	}
	now.Read = a.Now()
	a.status.Configuration = now
	a.publish()
}

// judgment is how valid files are to what is in force.
type judgment struct {
	changed bool   // a reload would put something else in force
	refused string // why the host refused the same already
}

// judgeFiles compares valid files with what was taken.
func (a *agent) judgeFiles(cfg *config.Config) (judgment, error) {
	w, err := NewWish(cfg)
	if err != nil {
		return judgment{}, err
	}
	store := a.store
	if store == nil {
		if store, err = state.Read(a.StateDir); err != nil {
			return judgment{}, err
		}
	}
	if err := store.Sign(w); err != nil {
		return judgment{}, err
	}
	if f := a.force; f != nil && f.asked != nil { // not in the state yet
		err := store.Sign(f.asked)
		return judgment{changed: !alike(w, f.asked)}, err
	}
	if inForce, err := amounts(store, w); err != nil || inForce {
		return judgment{}, err
	}
	if r := a.refusal; r.wish != nil {
		if err := store.Sign(r.wish); err != nil || alike(w, r.wish) {
			return judgment{refused: r.text}, err
		}
	}
	return judgment{changed: true}, nil
}

// amounts says whether a wish of the files comes to what the state has in force,
// beside what is held.
func amounts(store *state.Store, w *state.Wish) (bool, error) {
	wish, err := store.Wish()
	if err != nil || wish == nil || alike(w, wish) {
		return wish != nil, err
	}
	h, err := store.Hold()
	switch {
	case err != nil || h == nil:
		return false, err
	case h.All:
		return false, nil
	case len(h.Undone) == 0: // of an earlier vpnd
		return h.Fingerprint == w.Fingerprint, nil
	}
	w, _, err = beside(store, h, wish, w)
	return err == nil && alike(w, wish), err
}

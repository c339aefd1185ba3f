package daemon

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/active"
	"vpnd/internal/config"
	"vpnd/internal/config/diag"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// watchFiles hears of changes of the configuration.
func (a *agent) watchFiles(ctx context.Context) {
	var paths []string
	for _, path := range a.opts.Paths {
		path, err := filepath.Abs(path)
		if err != nil { // the working directory is gone
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
	a.events.watchers.Keep(ctx, "configuration", func(ctx context.Context, _ func(resource.Hint)) error { return a.opts.Host.Files(ctx, paths, a.stir) })
}

// watchState hears of a wish or a suppression that another vpnd puts in place.
func (a *agent) watchState(ctx context.Context) {
	var paths []string
	for _, name := range []string{"wish.json", "hold.json", "pending.json"} {
		paths = append(paths, filepath.Join(a.opts.StateDir, name))
	}
	a.events.watchers.Keep(ctx, "state", func(ctx context.Context, kick func(resource.Hint)) error {
		return a.opts.Host.Files(ctx, paths, func() { kick(resource.Hint{}) })
	})
}

// stir has the files inspected once they are at rest.
func (a *agent) stir() {
	select {
	case a.files.edited <- struct{}{}:
	default:
	}
}

// inspect tells how the files are, and takes nothing of them.
func (a *agent) inspect(noticed string) {
	cfg, diags := a.load()
	now := a.out.status.Configuration
	now.Valid, now.Changed, now.Withheld, now.Diagnostics = !diags.HasErrors(), false, "", diag.Brief(diags)
	if now.Valid {
		taken, err := a.judgeFiles(cfg)
		if err != nil {
			a.opts.Log.Warn("what is in the files can't be compared with what is in force", "error", err)
			a.out.status.Configuration.Valid, a.out.status.Configuration.Diagnostics = true, ""
			return
		}
		if a.files.complaint = ""; taken.refused != "" {
			now.Valid, now.Diagnostics = false, taken.refused
		}
		if now.Changed = taken.changed; now.Changed {
			now.Withheld = a.taken().Withheld(cfg)
		}
	} else {
		a.complain(now.Diagnostics, noticed)
	}
	old := a.out.status.Configuration
	if now.Valid == old.Valid && now.Changed == old.Changed && now.Withheld == old.Withheld && now.Diagnostics == old.Diagnostics {
		return
	}
	switch {
	case now.Withheld != "":
		a.opts.Log.Warn("the files have changed since they were taken, and no reload takes them", "reason", now.Withheld)
	case now.Changed:
		a.opts.Log.Info("the files have changed since they were taken; systemctl reload vpnd, or vpnd apply, takes them")
	}
	now.Read = a.opts.Now()
	a.out.status.Configuration, a.files.withheld = now, now.Withheld != ""
	a.publish()
}

// judgment is how valid files are to what is in force.
type judgment struct {
	changed bool   // a reload would put something else in force
	refused string // why the host refused the same already
}

// judgeFiles compares valid files with what was taken.
func (a *agent) judgeFiles(cfg *config.Config) (judgment, error) {
	w, err := active.Wish(cfg)
	if err != nil {
		return judgment{}, err
	}
	store := a.records.store
	if store == nil {
		if store, err = state.Read(a.opts.StateDir); err != nil {
			return judgment{}, err
		}
	}
	if f := a.active; f != nil && f.Unsaved != nil {
		same, err := active.Same(store, w, f.Unsaved.Asked)
		return judgment{changed: !same}, err
	}
	if err := store.Sign(w); err != nil {
		return judgment{}, err
	}
	if is, err := active.Is(store, w); err != nil || is {
		return judgment{}, err
	}
	if r := a.files.refusal; r.wish != nil {
		if same, err := active.Same(store, w, r.wish); err != nil || same {
			return judgment{refused: r.text}, err
		}
	}
	return judgment{changed: true}, nil
}

// mistakes says whether files are wrong, and not only missing. Who starts the
// agent with a typo in them has asked for what they say.
func mistakes(diags hcl.Diagnostics) bool {
	return slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError && d.Subject != nil })
}

// mended says of files that had mistakes when they were to be taken whether they have
// none now and are to be taken, since nothing is in force: there is no last good configuration to
// keep, and nobody is waiting for a reload. Whatever somebody undid needs more
// than an edited file.
func (a *agent) mended() bool {
	if a.active != nil || !a.files.mistaken {
		return false
	}
	if _, diags := a.load(); diags.HasErrors() {
		return false
	}
	store, err := state.Read(a.opts.StateDir)
	if err != nil {
		return false
	}
	h, err := store.Suppression()
	return h == nil && err == nil
}

// takeMended takes files whose mistakes are mended.
func (a *agent) takeMended(ctx context.Context) {
	a.opts.Log.Info("nothing is in force and the mistakes in the files are mended, so they are taken")
	a.read(ctx, byEvent)
	a.reconcile(ctx, byEvent, a.events.queue.Take())
}

package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/diag"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// force is the configuration in force.
type force struct {
	present  []resource.Resource
	settings settings.Settings
	checks   []settings.Check
	version  string      // of the wish in the state that this is
	unsaved  *state.Wish // from files and not in the state yet
	follows  *string     // of an unsaved one: the version of the wish in the state when it was read; nil until that is known
	asked    *state.Wish // what the files asked for: the same, but where something is held
	held     *state.Held // what is held from then on, where that is less than before
	reached  *reach      // see [force.reach]
}

// NewWish returns a configuration as it is kept in the state.
func NewWish(cfg *config.Config) (*state.Wish, error) {
	settings, err := resource.Encode(cfg.Settings, resource.Reveal)
	if err != nil {
		return nil, err
	}
	w := &state.Wish{Settings: settings}
	if w.Checks, err = encodeChecks(cfg.Checks); err != nil {
		return nil, err
	}
	for _, r := range cfg.Desired.Present {
		was, err := state.NewWas(r, r.Want)
		if err != nil {
			return nil, err
		}
		w.Present = append(w.Present, was)
	}
	return w, nil
}

// Enforce puts a configuration in force, as vpnd apply does: what was held is
// so no longer. Where only a part of it was applied, took says which; the rest
// stays as it was.
func Enforce(store *state.Store, cfg *config.Config, took map[resource.ID]bool, now time.Time) error {
	w, err := wishOf(store, cfg, took)
	if err != nil {
		return err
	}
	if w == nil {
		return store.KeepNoWish()
	}
	version := store.WishVersion()
	if err := keep(store, w, now); err != nil {
		return err
	}
	if store.WishVersion() == version {
		// It is there already, and counts as newer than what an agent has read since.
		old, err := store.Wish()
		if err = errors.Join(err, store.KeepWish(old)); err != nil {
			return err
		}
	}
	return store.DropHold()
}

// wishOf returns the wish that an apply puts in force, nil where it puts none:
// without a whole there are no parts.
func wishOf(store *state.Store, cfg *config.Config, took map[resource.ID]bool) (*state.Wish, error) {
	w, err := NewWish(cfg)
	if err != nil || took == nil {
		return w, err
	}
	old, err := store.Wish()
	if err != nil || old == nil {
		return nil, err
	}
	return merge(old, w, took), nil
}

// Resumes returns the snapshot of an apply of the same configuration that was
// killed before its end, and that this one goes on with; none where there is
// none.
func Resumes(store *state.Store, cfg *config.Config, took map[resource.ID]bool) (string, error) {
	w, err := wishOf(store, cfg, took)
	if err != nil || w == nil {
		return "", err
	}
	old, _, err := store.Standing()
	if err != nil || old == nil {
		return "", err
	}
	if err := store.Sign(w); err != nil || w.Fingerprint != old.Fingerprint {
		return "", err
	}
	return store.CutShort()
}

// merge returns old, with what took part in an apply as in w.
func merge(old, w *state.Wish, took map[resource.ID]bool) *state.Wish {
	merged := &state.Wish{Settings: old.Settings, Checks: old.Checks}
	for _, part := range []struct {
		of   *state.Wish
		took bool
	}{{old, false}, {w, true}} {
		for _, was := range part.of.Present {
			if took[was.ID] == part.took {
				merged.Present = append(merged.Present, was)
			}
		}
	}
	slices.SortFunc(merged.Present, func(a, b state.Was) int { return a.ID.Compare(b.ID) })
	return merged
}

// alike says whether two signed wishes ask for the same.
func alike(a, b *state.Wish) bool {
	return a.Fingerprint == b.Fingerprint && bytes.Equal(a.Settings, b.Settings) && bytes.Equal(a.Checks, b.Checks)
}

// keep writes a wish unless it is there already.
func keep(store *state.Store, w *state.Wish, now time.Time) error {
	if err := store.Sign(w); err != nil {
		return err
	}
	old, damage, err := store.Standing()
	if err != nil {
		return err
	}
	if damage != nil {
		if err := store.SetAside(damage); err != nil {
			return err
		}
	}
	if old != nil && alike(old, w) {
		return nil
	}
	if old != nil && old.Fingerprint == w.Fingerprint && bytes.Equal(old.Settings, w.Settings) { // other checks change nothing that an undo goes back to
		w.Since, w.Before = old.Since, old.Before
		return store.KeepWish(w)
	}
	w.Since = now
	if w.Before = old; old != nil {
		w.Before.Before = nil
	}
	return store.KeepWish(w)
}

// recall returns the wish in the state, nil where there is none.
func (a *agent) recall(store *state.Store) (*force, error) {
	version := store.WishVersion()
	w, err := store.Wish()
	if err != nil || w == nil {
		return nil, err
	}
	f, err := a.revive(w)
	if err != nil {
		return nil, err
	}
	f.version = version
	return f, nil
}

// revive returns a wish as it is put in force.
func (a *agent) revive(w *state.Wish) (*force, error) {
	f := &force{}
	var err error
	if f.checks, err = decodeChecks(w.Checks); err != nil {
		return nil, err
	}
	if err := resource.Decode(w.Settings, &f.settings); err != nil {
		return nil, fmt.Errorf("reading the settings in force: %w", err)
	}
	for _, was := range w.Present {
		k, ok := a.Catalog.Kind(was.ID.Kind)
		if !ok {
			return nil, fmt.Errorf("%s: this vpnd knows no kind %q", was.ID, was.ID.Kind)
		}
		want := k.New()
		if err := resource.Decode(was.Shape, want); err != nil {
			return nil, fmt.Errorf("%s: %w", was.ID, err)
		}
		f.present = append(f.present, resource.Resource{ID: was.ID, Want: want, Owners: was.Owners, After: was.After, Triggers: was.Triggers})
	}
	return f, nil
}

// load reads the files, and says too what only a daemon can't take of them.
func (a *agent) load() (*config.Config, hcl.Diagnostics) {
	cfg, diags := a.Load()
	if cfg == nil || diags.HasErrors() {
		return cfg, diags
	}
	if dir := cfg.Settings.StateDir; dir != nil && *dir != a.StateDir {
		diags = append(diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "The state can't move while the daemon runs",
			Detail: fmt.Sprintf("state_dir is %s, and the daemon keeps its state in %s. Restart the daemon.", *dir, a.StateDir),
		})
	}
	return cfg, diags
}

// read reads the files. Where they are wrong, it says so and what was in force
// stays so.
func (a *agent) read(ctx context.Context, cause string) {
	cfg, diags := a.load()
	c := &a.status.Configuration
	c.Read, c.Valid, c.Changed, c.Withheld, c.Diagnostics = a.Now(), !diags.HasErrors(), false, "", diag.Brief(diags)
	a.refusal, a.complaint, a.mistaken = refusal{}, "", mistakes(diags)
	if diags.HasErrors() {
		a.complain(c.Diagnostics, cause)
		return
	}
	w, err := NewWish(cfg)
	if err != nil {
		a.Log.Error("the configuration can't be kept", "error", err)
		return
	}
	if why := a.taken().withheld(cfg); why != "" {
		a.withhold(why, cause)
		return
	}
	a.Log.Info("configuration read", "noticed", cause, "resources", len(cfg.Desired.Present))
	a.enforce(ctx, &force{present: cfg.Desired.Present, settings: cfg.Settings, checks: cfg.Checks, unsaved: w, asked: w})
}

// complain tells of mistakes in the files, once of the same ones.
func (a *agent) complain(diagnostics, cause string) {
	if a.complaint == diagnostics {
		return
	}
	a.complaint = diagnostics
	a.Log.Error("the configuration is invalid and not taken; what was in force stays so", "noticed", cause, "diagnostics", diagnostics)
	a.notify.put(Event{Event: "configuration", Text: "the configuration is invalid and not taken:\n" + diagnostics})
}

// enforce puts a configuration in force.
func (a *agent) enforce(ctx context.Context, f *force) {
	a.force, a.unsure = f, true
	a.status.Configuration.Withheld = ""
	a.watchers.Watch(ctx, f.present)
	a.notify.set(f.settings.Notify)
	a.figures.set(f.settings.Metrics, a.Log)
}

// agree makes the configuration in force and the one in the state the same. Of
// two that differ the newer one counts: one that was just read, or what another
// vpnd has put there since.
func (a *agent) agree(ctx context.Context, store *state.Store, write bool) error {
	version := store.WishVersion()
	if f := a.force; f != nil && f.newer(version) {
		undone, err := a.undone(ctx, store, f, write)
		if err != nil || !undone {
			return err
		}
		a.Log.Warn("the configuration in the files is what was undone; the one before it stays in force until vpnd apply")
	} else if f != nil && f.unsaved == nil && f.version == version {
		return nil
	} else if wish, err := store.Wish(); version == "" && wish == nil && err == nil {
		return nil
	} else {
		a.forgive()
		a.stir() // the files may be as they were taken now, or no longer
	}
	return a.fallBack(ctx, store)
}

// newer says whether it was read from the files after the wish of that version
// was put into the state. What another vpnd has put there since is newer: it may
// have taken the files as they were later.
func (f *force) newer(version string) bool {
	if f.unsaved != nil && f.follows == nil {
		f.follows = &version
	}
	return f.unsaved != nil && *f.follows == version
}

// fallBack puts in force what the state holds: the last good configuration, or
// what another vpnd put there.
func (a *agent) fallBack(ctx context.Context, store *state.Store) error {
	version := store.WishVersion()
	f, err := a.recall(store)
	if err != nil {
		return a.damaged(err, version)
	}
	a.damage = nil
	if f == nil {
		a.force = nil
		return nil
	}
	a.Log.Info("in force is the configuration that the state holds", "resources", len(f.present))
	a.enforce(ctx, f)
	return nil
}

// save writes what was read from the files to the state, once the host did not
// refuse it.
func (a *agent) save(store *state.Store) error {
	f := a.force
	if f.unsaved == nil {
		return nil
	}
	if err := keep(store, f.unsaved, a.Now()); err != nil {
		return err
	}
	if f.held != nil {
		if err := a.release(store, f.held.Hold); err != nil {
			return err
		}
	}
	f.version, f.unsaved, f.follows, f.asked, f.held = store.WishVersion(), nil, nil, nil, nil
	return nil
}

// interval is how often to look at the whole host.
func (a *agent) interval() time.Duration {
	if a.force == nil || a.force.settings.Interval == nil {
		return 5 * time.Minute
	}
	return time.Duration(*a.force.settings.Interval)
}

// observing says whether the host is only looked at.
func (a *agent) observing() bool {
	return a.force != nil && a.force.settings.Mode != nil && *a.force.settings.Mode == "observe"
}

package daemon

import (
	"context"

	"vpnd/internal/active"
	"vpnd/internal/state"
)

// activate makes a configuration the active one.
func (a *agent) activate(ctx context.Context, f *active.Configuration) {
	a.active, a.schedule.unsure = f, true
	a.out.status.Configuration.Withheld, a.files.withheld = "", false
	for _, k := range a.opts.Catalog.Kinds {
		k.MayPrepare(!f.Observing())
	}
	a.events.watchers.Watch(ctx, f.Present)
	a.out.notify.Set(f.Settings.Notify)
	a.out.metrics.Set(f.Settings.Metrics)
}

// agree makes the configuration in force and the one in the state the same. Of
// two that differ the newer one counts: one that was just read, or what another
// vpnd has put there since.
func (a *agent) agree(ctx context.Context, store *state.Store, write bool) error {
	version := store.WishVersion()
	if f := a.active; f != nil && f.Newer(version) {
		undone, err := a.undone(ctx, store, f, write)
		if err != nil || !undone {
			return err
		}
		a.opts.Log.Warn("the configuration in the files is what was undone; the one before it stays in force until vpnd apply")
	} else if f != nil && f.Unsaved == nil && f.Version == version {
		return nil
	} else if wish, err := store.Wish(); version == "" && wish == nil && err == nil {
		return nil
	} else {
		a.forgive()
		a.stir() // the files may be as they were taken now, or no longer
	}
	return a.fallBack(ctx, store)
}

// undone says whether what was read from the files comes to what is active already,
// since somebody undid the rest of it. Where it comes to something else, that is
// activated, without what is suppressed.
func (a *agent) undone(ctx context.Context, store *state.Store, f *active.Configuration, write bool) (bool, error) {
	h, err := store.Suppression()
	if err != nil || h == nil || !write {
		return false, err
	}
	r, err := f.Beside(a.opts.Catalog, store, h)
	if err != nil {
		return false, err
	}
	if r.Released {
		a.released(r.Left)
		if err := store.KeepSuppression(r.Left); err != nil {
			return false, err
		}
	}
	if r.Instead != nil {
		a.opts.Log.Warn("of the configuration in the files, what was undone stays so until vpnd apply; the rest is taken", "suppressed", r.Suppressed, "command", h.Command)
		a.activate(ctx, r.Instead)
	}
	return r.Active, nil
}

// released tells that less is suppressed from now on.
func (a *agent) released(left *state.Suppression) {
	if left == nil {
		a.opts.Log.Info("the configuration asks for something else than what was undone, so nothing is suppressed any more")
		return
	}
	a.opts.Log.Info("the configuration asks for something else than some of what was undone, so that is suppressed no longer", "suppressed", len(left.Resources()))
}

// fallBack puts in force what the state holds: the last good configuration, or
// what another vpnd put there.
func (a *agent) fallBack(ctx context.Context, store *state.Store) error {
	version := store.WishVersion()
	f, err := active.Read(a.opts.Catalog, store)
	if err != nil {
		return a.damaged(err, version)
	}
	a.records.damage = nil
	if f == nil {
		a.active = nil
		return nil
	}
	a.opts.Log.Info("in force is the configuration that the state holds", "resources", len(f.Present))
	a.activate(ctx, f)
	return nil
}

// save writes what was read from the files to the state, once the host did not
// refuse it.
func (a *agent) save(store *state.Store) error {
	u := a.active.Unsaved
	if err := a.active.Save(store, a.opts.Now()); err != nil {
		return err
	}
	if u != nil && u.Left != nil {
		a.released(u.Left.Suppression)
	}
	return nil
}

// taken is what the files would change: the active configuration or, where the state
// has lost that or holds it damaged, what is on record.
func (a *agent) taken() *active.Configuration {
	if a.active != nil {
		return a.active
	}
	store, err := state.Read(a.opts.StateDir)
	if err != nil {
		return nil
	}
	return active.OnRecord(a.opts.Catalog, store)
}

// readSuppressed finds out what is suppressed for this pass.
func (a *agent) readSuppressed(p *pass) (err error) {
	if f := a.active; f != nil && f.Unsaved != nil && f.Unsaved.Left != nil {
		p.suppression = f.Unsaved.Left.Suppression
		return nil
	}
	p.suppression, err = p.store.Suppression()
	return err
}

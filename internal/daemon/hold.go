package daemon

import (
	"context"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// undone says whether what was read from the files comes to what is in force
// already, since somebody undid the rest of it. Where it comes to something
// else, that is put in force, without what is held.
func (a *agent) undone(ctx context.Context, store *state.Store, f *force, write bool) (bool, error) {
	h, err := store.Hold()
	if err != nil || h == nil || !write {
		return false, err
	}
	wish, _, err := store.Standing()
	if err != nil || wish == nil {
		return false, err
	}
	if h.All {
		return true, nil
	}
	if err := store.Sign(f.asked); err != nil {
		return false, err
	}
	if len(h.Undone) == 0 || h.Destroyed() {
		return a.undoneAsAWhole(store, h, wish, f)
	}
	w, held, err := beside(store, h, wish, f.asked)
	switch {
	case err != nil:
		return false, err
	case alike(w, f.unsaved):
		f.holds(held)
		return false, nil
	case alike(w, wish):
		if held.Fewer {
			err = a.release(store, held.Hold)
		}
		return err == nil, err
	}
	now, err := a.revive(w)
	if err != nil {
		return false, err
	}
	now.unsaved, now.follows, now.asked = w, f.follows, f.asked
	now.holds(held)
	a.Log.Warn("of the configuration in the files, what was undone stays so until vpnd apply; the rest is taken", "held", len(held.Things), "command", h.Command)
	a.enforce(ctx, now)
	return false, nil
}

// undoneAsAWhole is for what was destroyed, of which nothing is left to lean on,
// and for a hold of an earlier vpnd, which does not say of what.
func (a *agent) undoneAsAWhole(store *state.Store, h *state.Hold, wish *state.Wish, f *force) (bool, error) {
	if h.Fingerprint == f.asked.Fingerprint {
		return wish.Fingerprint != h.Fingerprint, nil
	}
	return false, a.release(store, nil)
}

// beside returns what a wish of the files comes to beside a hold: what is held
// stays as the wish in force has it.
func beside(store *state.Store, h *state.Hold, old, w *state.Wish) (*state.Wish, state.Held, error) {
	held, err := store.Beside(h, w)
	if err != nil || held.Hold == nil {
		return w, held, err
	}
	took := make(map[resource.ID]bool)
	for _, of := range []*state.Wish{old, w} {
		for _, was := range of.Present {
			took[was.ID] = !held.Things[was.ID]
		}
	}
	merged := merge(old, w, took)
	if !held.Settings {
		merged.Settings = w.Settings
	}
	if !held.Checks {
		merged.Checks = w.Checks
	}
	return merged, held, store.Sign(merged)
}

// holds notes what is held once the configuration is in force for good. Until
// then the host may refuse it, and what was undone is held as before.
func (f *force) holds(held state.Held) {
	if f.held = nil; held.Fewer {
		f.held = &held
	}
}

// release makes a hold smaller, or ends it.
func (a *agent) release(store *state.Store, left *state.Hold) error {
	if left == nil {
		a.Log.Info("the configuration asks for something else than what was undone, so nothing is held any more")
	} else {
		a.Log.Info("the configuration asks for something else than some of what was undone, so that is held no longer", "held", len(left.Holds()))
	}
	return store.KeepHold(left)
}

// readHold finds out what is held for this look.
func (l *look) readHold() (err error) {
	if f := l.force; f != nil && f.held != nil {
		l.hold = f.held.Hold
		return nil
	}
	l.hold, err = l.store.Hold()
	return err
}

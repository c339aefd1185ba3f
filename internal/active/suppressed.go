package active

import (
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A Remainder is what a configuration of the files comes to beside what was undone.
type Remainder struct {
	Active     bool               // what is active already: the rest of it was undone
	Instead    *Configuration     // what is to be active in its place; nil where it is so as a whole
	Suppressed int                // how many things stay as they are active, where there is one in its place
	Released   bool               // less is suppressed from now on
	Left       *state.Suppression // namely this; nil is nothing
}

// Beside returns what a configuration of the files comes to beside a suppression, which
// that may end or make smaller.
func (c *Configuration) Beside(catalog resource.Catalog, store *state.Store, h *state.Suppression) (Remainder, error) {
	wish, _, err := store.Standing()
	if err != nil || wish == nil {
		return Remainder{}, err
	}
	if h.All {
		return Remainder{Active: true}, nil
	}
	if err := store.Sign(c.Unsaved.Asked); err != nil {
		return Remainder{}, err
	}
	if len(h.Undone) == 0 || h.Destroyed() {
		return c.besideAWhole(h, wish), nil
	}
	w, rest, err := beside(store, h, wish, c.Unsaved.Asked)
	switch {
	case err != nil:
		return Remainder{}, err
	case alike(w, c.Unsaved.Wish):
		c.leaves(rest)
		return Remainder{}, nil
	case alike(w, wish):
		return Remainder{Active: true, Released: rest.Fewer, Left: rest.Suppression}, nil
	}
	now, err := decode(catalog, w)
	if err != nil {
		return Remainder{}, err
	}
	now.Unsaved = &Unsaved{Wish: w, Follows: c.Unsaved.Follows, Asked: c.Unsaved.Asked}
	now.leaves(rest)
	return Remainder{Instead: now, Suppressed: len(rest.Things)}, nil
}

// besideAWhole is for what was destroyed, of which nothing is left to lean on,
// and for a suppression of an earlier vpnd, which does not say of what.
func (c *Configuration) besideAWhole(h *state.Suppression, wish *state.Wish) Remainder {
	if h.Fingerprint == c.Unsaved.Asked.Fingerprint {
		return Remainder{Active: wish.Fingerprint != h.Fingerprint}
	}
	c.leaves(state.Remaining{Fewer: true})
	return Remainder{}
}

// leaves notes what is suppressed once the configuration is active for good. Until
// then the host may refuse it, and what was undone is suppressed as before.
func (c *Configuration) leaves(rest state.Remaining) {
	if c.Unsaved.Left = nil; rest.Fewer {
		c.Unsaved.Left = &rest
	}
}

// beside returns what a wish of the files comes to beside a suppression: what is
// suppressed stays as the active wish has it.
func beside(store *state.Store, h *state.Suppression, old, w *state.Wish) (*state.Wish, state.Remaining, error) {
	rest, err := store.Beside(h, w)
	if err != nil || rest.Suppression == nil {
		return w, rest, err
	}
	took := make(map[resource.ID]bool)
	for _, of := range []*state.Wish{old, w} {
		for _, was := range of.Present {
			took[was.ID] = !rest.Things[was.ID]
		}
	}
	merged := merge(old, w, took)
	if !rest.Settings {
		merged.Settings = w.Settings
	}
	if !rest.Checks {
		merged.Checks = w.Checks
	}
	return merged, rest, store.Sign(merged)
}

// Is says whether a signed wish of the files comes to what the state has as active,
// beside what is suppressed.
func Is(store *state.Store, w *state.Wish) (bool, error) {
	wish, err := store.Wish()
	if err != nil || wish == nil || alike(w, wish) {
		return wish != nil, err
	}
	h, err := store.Suppression()
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

// Same says whether two wishes ask for the same, and signs both for that.
func Same(store *state.Store, a, b *state.Wish) (bool, error) {
	for _, w := range []*state.Wish{a, b} {
		if err := store.Sign(w); err != nil {
			return false, err
		}
	}
	return alike(a, b), nil
}

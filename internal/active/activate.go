package active

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Activate makes a wish the active configuration, as vpnd apply does: what was
// suppressed is so no longer. Where there is none, none is active.
func Activate(store *state.Store, w *state.Wish, now time.Time) error {
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
	return store.DropSuppression()
}

// Resumes returns the snapshot of an apply of the same signed wish that was killed
// before its end, and that this one goes on with; none where there is none.
func Resumes(store *state.Store, w *state.Wish) (string, error) {
	if w == nil {
		return "", nil
	}
	old, _, err := store.Standing()
	if err != nil || old == nil || w.Fingerprint != old.Fingerprint {
		return "", err
	}
	return store.CutShort()
}

// Next returns the signed wish that an apply of a configuration activates, nil where it
// activates none. Where only a part of it is applied, took says which; the rest stays as
// it was, and without a whole there are no parts.
func Next(store *state.Store, cfg *config.Config, took map[resource.ID]bool) (*state.Wish, error) {
	w, err := Wish(cfg)
	if err != nil {
		return nil, err
	}
	if took != nil {
		old, err := store.Wish()
		if err != nil || old == nil {
			return nil, err
		}
		w = merge(old, w, took)
	}
	return w, store.Sign(w)
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

// keep writes a signed wish unless it is there already.
func keep(store *state.Store, w *state.Wish, now time.Time) error {
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

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

// Activate makes a configuration the active one, as vpnd apply does: what was
// suppressed is so no longer. Where only a part of it was applied, took says which;
// the rest stays as it was.
func Activate(store *state.Store, cfg *config.Config, took map[resource.ID]bool, now time.Time) error {
	w, err := part(store, cfg, took)
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
	return store.DropSuppression()
}

// Follows writes into the snapshot of an apply which configuration its undo makes
// active again. It comes before [Activate], of the same.
func Follows(store *state.Store, snapshot string, cfg *config.Config, took map[resource.ID]bool) error {
	w, err := part(store, cfg, took)
	if err != nil {
		return err
	}
	return store.Follows(snapshot, w)
}

// Resumes returns the snapshot of an apply of the same configuration that was
// killed before its end, and that this one goes on with; none where there is
// none.
func Resumes(store *state.Store, cfg *config.Config, took map[resource.ID]bool) (string, error) {
	w, err := part(store, cfg, took)
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

// part returns the wish that an apply activates, nil where it activates none:
// without a whole there are no parts.
func part(store *state.Store, cfg *config.Config, took map[resource.ID]bool) (*state.Wish, error) {
	w, err := Wish(cfg)
	if err != nil || took == nil {
		return w, err
	}
	old, err := store.Wish()
	if err != nil || old == nil {
		return nil, err
	}
	return merge(old, w, took), nil
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

package daemon

import (
	"vpnd/internal/config"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Follows writes into the snapshot of an apply which configuration its undo puts
// in force again. It comes before [Enforce], of the same.
func Follows(store *state.Store, snapshot string, cfg *config.Config, took map[resource.ID]bool) error {
	w, err := wishOf(store, cfg, took)
	if err != nil {
		return err
	}
	return store.Follows(snapshot, w)
}

package transaction

import (
	"context"
	"errors"

	"vpnd/internal/active"
	"vpnd/internal/state"
)

// Mend goes on where records of the state are damaged: they are set aside, and
// what is active is put on record again. Only an apply does, the undo of one, and
// the agent; who takes things off the host has to know all of them.
func (h *Host) Mend(ctx context.Context) error {
	var damage *state.DamageError
	known, err := h.Read(h.Dir)
	if err == nil {
		h.known = known
	}
	if !errors.As(err, &damage) {
		return nil // what else is wrong, who opens it to change it is told
	}
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := state.Lock(wait, h.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := state.Open(h.Dir)
	if err == nil {
		return store.Close() // the agent was quicker
	}
	if !errors.As(err, &damage) {
		return err
	}
	if store, err = state.Mend(h.Dir); err != nil {
		return err
	}
	defer store.Close()
	h.People.Tell(Mended{damage})
	e := h.Engine(store)
	was, err := active.Read(e.Catalog, store)
	switch {
	case err != nil && !errors.As(err, &damage):
		return err
	case was == nil:
		return e.Readopt(ctx, nil)
	}
	return e.Readopt(ctx, was.Present)
}

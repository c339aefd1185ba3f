package cli

import (
	"context"
	"errors"

	"vpnd/internal/active"
	"vpnd/internal/state"
)

// mend goes on where records of the state are damaged: they are set aside, and
// what is in force is put on record again. Only an apply does, the undo of one, and
// the agent; who takes things off the host has to know all of them.
func (a *app) mend(ctx context.Context, dir string) error {
	var damage *state.DamageError
	if _, err := state.Read(dir); !errors.As(err, &damage) {
		return nil // what else is wrong, who opens it to change it is told
	}
	wait, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := state.Lock(wait, dir)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := state.Open(dir)
	if err == nil {
		return store.Close() // the agent was quicker
	}
	if !errors.As(err, &damage) {
		return err
	}
	if store, err = state.Mend(dir); err != nil {
		return err
	}
	defer store.Close()
	a.say("%s was damaged: %s; it is set aside as %[1]s.damaged, and what is in force is put on record again", damage.Path, damage.What)
	e := a.engine(store)
	was, err := active.Read(e.Catalog, store)
	switch {
	case err != nil && !errors.As(err, &damage):
		return err
	case was == nil:
		return e.Readopt(ctx, nil)
	}
	return e.Readopt(ctx, was.Present)
}

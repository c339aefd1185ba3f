package daemon

import (
	"context"
	"errors"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// mend goes on where the records are damaged, with what can still be read of them:
// a host must not go without its rules since a disk was. It is told loudly.
func (l *look) mend(err error) error {
	var damage *state.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	l.Log.Error("the records are set aside, and what is in force is put on record again", "path", damage.Path+".damaged", "error", damage.What)
	l.notify.put(Event{Event: "failure", Text: damage.Path + " was damaged: " + damage.What + "; it is set aside as " + damage.Path + ".damaged, and what is in force was put on record again"})
	if l.agent.store, err = state.Mend(l.StateDir); err != nil {
		l.agent.store = nil
		return err
	}
	l.store, l.lost, l.unsure = l.agent.store, true, true
	return nil
}

// readopt puts on record again what is in force, where records were lost.
func (l *look) readopt(ctx context.Context) error {
	if !l.lost {
		return nil
	}
	l.lost = false
	return l.engine().Readopt(ctx, l.force.present)
}

// damaged has the agent keep what it has in force where that is damaged in the
// state: it is told until somebody applies, and all is kept meanwhile.
func (a *agent) damaged(err error, version string) error {
	var damage *state.DamageError
	if a.force == nil || !errors.As(err, &damage) {
		return err
	}
	a.damage, a.force.version = err, version
	return nil
}

// InForce returns what the state has in force, none where nothing is.
func InForce(c resource.Catalog, store *state.Store) ([]resource.Resource, error) {
	f, err := (&agent{Options: Options{Catalog: c}}).recall(store)
	if err != nil || f == nil {
		return nil, err
	}
	return f.present, nil
}

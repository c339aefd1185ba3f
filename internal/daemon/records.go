package daemon

import (
	"context"
	"errors"
	"time"

	"vpnd/internal/state"
)

// lockPatience is how long a pass waits for another vpnd before it only looks
// and tries again later.
const lockPatience = 20 * time.Millisecond

// records is what the agent knows of the state from pass to pass.
type records struct {
	store  *state.Store // nil where it is to be read anew
	apart  bool         // no secret of an earlier vpnd is left in it
	lost   bool         // records were damaged, and what is active is to be put on record again
	damage error        // of what is active as the state has it; nil where that is well
}

// open opens the state for changing, or, where only looking is allowed now,
// for reading. What is known of it is kept from pass to pass.
func (a *agent) open(ctx context.Context, p *pass) (release func(), err error) {
	a.out.status.Waiting, a.schedule.waiting = "", false
	if a.active.Observing() {
		return func() {}, a.recollect(p, (*state.Store).Reread, state.Read)
	}
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := state.Lock(wait, a.opts.StateDir)
	var busy *state.ErrBusy
	switch {
	case errors.As(err, &busy):
		a.out.status.Waiting, a.schedule.waiting = "another vpnd ("+busy.Holder+")", true
		return func() {}, a.recollect(p, (*state.Store).Reread, state.Read)
	case err != nil:
		return nil, err
	}
	if err := a.mend(p, a.recollect(p, (*state.Store).Reopen, state.Open)); err != nil {
		unlock()
		return nil, err
	}
	p.Facts.Locked = true
	if err := a.setApart(p); err != nil {
		err = errors.Join(err, p.store.Close())
		unlock()
		return nil, err
	}
	return func() { _ = p.store.Close(); unlock() }, nil
}

// setApart brings a state of an earlier vpnd into today's form, once.
func (a *agent) setApart(p *pass) error {
	if a.records.apart {
		return nil
	}
	err := a.engine(p).SetApart()
	a.records.apart = err == nil
	return err
}

// recollect brings what is known of the state up to date, and begins anew where
// nothing is or the last time came to nothing.
func (a *agent) recollect(p *pass, again func(*state.Store) error, anew func(string) (*state.Store, error)) error {
	var err error
	r := &a.records
	if r.store == nil {
		r.store, err = anew(a.opts.StateDir)
	} else {
		err = again(r.store)
	}
	if p.store = r.store; err != nil {
		r.store = nil
	}
	return err
}

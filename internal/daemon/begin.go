package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"vpnd/internal/state"
)

// begin finds out what an agent that starts has to go on with. What is in force
// changes by a person's word alone, and that an agent starts is none: it may have
// crashed, its package been upgraded, the host booted. The files are taken where
// nothing is in force yet, or no more since vpnd destroy.
func (a *agent) begin(ctx context.Context) {
	if a.resumes() {
		a.inspect(atStart)
		return
	}
	a.read(ctx, atStart)
}

// resumes says whether the state holds a configuration to go on with. Where that is
// damaged, the first pass finds out whether the files are it; where the state can't
// be read at all, it tells.
func (a *agent) resumes() bool {
	store, err := state.Read(a.opts.StateDir)
	if err != nil {
		return true
	}
	wish, err := store.Wish()
	if err != nil {
		return true
	}
	h, err := store.Suppression()
	return err != nil || wish != nil && !h.Destroyed()
}

// keepInForce writes down what is in force, once the host did not refuse it.
func (a *agent) keepInForce(ctx context.Context, p *pass) error {
	if p.Facts.Locked {
		return a.save(p.store)
	}
	return a.observed(ctx, p)
}

// observed has an observer, which writes nothing else, put down what a reload has
// put in force, where the state holds something else that its next start would go
// on with. Beside a suppression it is only that it observes.
func (a *agent) observed(ctx context.Context, p *pass) error {
	f := a.active
	if !a.active.Observing() || f.Unsaved == nil || p.store.WishVersion() == "" {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := state.Lock(wait, a.opts.StateDir)
	if err != nil {
		return nil // the next pass does
	}
	defer unlock()
	store, err := state.Open(a.opts.StateDir)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := a.putDown(store); err != nil {
		return err
	}
	return p.store.Reread() // what it wrote itself is no other vpnd's doing
}

func (a *agent) putDown(store *state.Store) error {
	f := a.active
	if h, err := store.Suppression(); err != nil || h == nil {
		return errors.Join(err, a.save(store))
	}
	wish, err := store.Wish()
	if err != nil || bytes.Equal(wish.Settings, f.Unsaved.Wish.Settings) {
		return err
	}
	wish.Settings = f.Unsaved.Wish.Settings
	if err := store.KeepWish(wish); err != nil {
		return err
	}
	version := store.WishVersion()
	f.Unsaved.Follows = &version
	return nil
}

// restrict makes the directory of the state root's alone: what is in it is for nobody
// else, and a copy or a careless chmod opens it.
func (a *agent) restrict() {
	was, err := state.Restrict(a.opts.StateDir)
	switch {
	case err != nil:
		a.opts.Log.Warn("others may be able to look into the state", "error", err)
	case was != 0:
		a.opts.Log.Warn("the state directory was open to others, and is for root alone again", "path", a.opts.StateDir, "mode", fmt.Sprintf("%04o", was))
	}
}

// first is the way to readiness. While the host boots, the network waits for
// it, and every unit that needs the network waits for that: so the first pass
// makes true only what guards the host, and the rest follows at once.
func (a *agent) first(ctx context.Context) {
	a.life.guarding = a.life.booting
	a.reconcile(ctx, atStart, nil)
	a.life.guarding = false
	a.life.ready = true
	a.opts.Service.Tell("READY=1\nWATCHDOG=1")
	a.publish()
	if a.life.booting {
		a.reconcile(ctx, atStart, a.events.queue.Take())
	}
}

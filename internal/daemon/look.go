package daemon

import (
	"context"
	"errors"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/notify"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// look is one look at the host.
type look struct {
	*agent
	noticed     string
	hints       []resource.Hint
	ripe        []resource.ID // what is to be renewed now
	begun       time.Time
	scope       scope
	store       *state.Store
	write       bool                  // the state is open for changing
	beside      bool                  // another vpnd is at work, or was just now
	busy        string                // the package manager at work
	pending     *state.Pending        // an apply that waits for confirmation
	undoing     policy.Set            // what an undo is about to change; nil where none is
	planned     bool                  // the host could be looked at
	refused     map[resource.ID]error // wishes that the host does not take
	hold        *state.Hold
	lost        bool             // records, and what is in force is to be put on record again
	drift       []status.Drift   // all that the plan says drifted, with what is done about it
	news        []resource.ID    // of these, what was not told before
	newlyUnseen []status.Unknown // what could be looked at before, or failed otherwise
	decisions   policy.Decisions
	retried     []resource.ID        // what failed before, and works now
	repeated    map[resource.ID]bool // what failed as it did before
	mended      map[resource.ID]bool // what it has made as it shall be so far
	within      map[resource.ID]bool // what the look has that waits for a step meanwhile
	inner       bool                 // another look waits for a step meanwhile
	doubted     bool                 // another vpnd may have done what is seen
	judged      bool                 // and the status tells of it
	touched     []resource.ID        // by its repairs
}

// newLook begins a look.
func (a *agent) newLook(noticed string, hints []resource.Hint) *look {
	for _, id := range a.damping.Ended() {
		a.Log.Info("the other writer has given up; repairs go on as ever", "id", id)
	}
	return &look{
		agent: a, noticed: noticed, hints: hints, begun: a.Now(), scope: scope{whole: true},
		repeated: make(map[resource.ID]bool),
		mended:   make(map[resource.ID]bool),
	}
}

// look plans what its hints are about, tells what it sees, and makes it so where
// it may.
func (a *agent) look(ctx context.Context, noticed string, hints []resource.Hint) {
	l := a.newLook(noticed, hints)
	l.ripe = a.ripe()
	err := l.do(ctx)
	if ctx.Err() != nil {
		return
	}
	if l.scope.whole || err != nil {
		a.looked()
		a.metrics.Listen()
		// What could not be seen, or not be put on record, must not be passed over.
		a.unsure = err != nil || len(l.refused) > 0 || a.status.Booting || a.waiting && !l.write
	}
	a.unsure = a.unsure || l.doubted
	l.end(err)
	if !a.waiting || l.write { // an apply is at work, and its checks are its own
		a.watchChecks(ctx)
	}
}

// end tells what came of a look.
func (l *look) end(err error) {
	a := l.agent
	l.shut()
	took := a.Now().Sub(l.begun)
	a.status.Reconcile = &status.Pass{Time: l.begun, Seconds: took.Seconds(), Noticed: l.noticed}
	a.metrics.Reconciled(*a.status.Reconcile)
	a.failing(err)
	a.debounce.Passed(took, len(l.drift) > 0)
	a.publish()
	l.announce()
	l.warn()
	l.handouts()
}

// failing tells of an error once, and of its end.
func (a *agent) failing(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == a.status.Error:
	case text == "":
		a.Log.Info("looking at the host works again")
	default:
		a.Log.Error("looking at the host failed", "error", err)
		a.notify.Tell(notify.Event{Event: notify.Failure, Text: text})
	}
	a.status.Error = text
}

// do is the work of a look.
func (l *look) do(ctx context.Context) error {
	release, err := l.open(ctx)
	if err != nil {
		return err
	}
	defer release()
	l.heedOthers()
	if err := l.agree(ctx, l.store, l.write); err != nil {
		if err = l.bereaved(ctx, err); err != nil {
			return err
		}
	}
	if !l.write && !l.waiting && !l.active.Observing() {
		return l.do(ctx) // another vpnd has put an end to observing
	}
	if l.active == nil {
		if l.status.Configuration.Withheld != "" {
			l.shutBlindly(ctx)
		}
		return nil
	}
	if err := l.readopt(ctx); err != nil {
		return err
	}
	l.scope = l.aim()
	if err := l.awaitUndo(ctx); err != nil {
		return err
	}
	if err := l.readHold(); err != nil {
		return err
	}
	e := l.engine()
	e.Meanwhile = func(w engine.Work) []resource.ID { return l.meanwhile(ctx, w) }
	p, err := l.plan(ctx, e)
	if err == nil {
		p, err = l.widen(ctx, e, p)
	}
	if err != nil || p == nil {
		return err
	}
	l.planned = true
	l.status.Configuration.Planned = l.Now()
	if err := l.keepInForce(ctx); err != nil {
		return err
	}
	err = errors.Join(l.act(ctx, e, p), l.damage, l.hold.Damage())
	if l.scope.whole {
		l.ask(ctx, p)
	}
	return err
}

func (l *look) engine() *engine.Engine {
	return &engine.Engine{Catalog: l.Catalog, Store: l.store, Now: l.Now, Spares: true, Started: l.started, Done: l.done}
}

// act judges a plan, tells of it and makes true what it may.
func (l *look) act(ctx context.Context, e *engine.Engine, p *engine.Plan) error {
	l.busy = l.Busy()
	l.forget(p)
	l.catchUp(p)
	facts := l.facts(p)
	l.decisions = policy.Decide(p, facts)
	l.heed(p)
	l.tell(p)
	l.judged = true
	if len(p.Changes) > 0 {
		l.publish()
	}
	var err error
	if l.write {
		err = l.converge(ctx, e, p.Without(func(c engine.Change) bool { return l.decisions[c.ID].Outcome != status.Repaired }).Barring(policy.Bars(p, l.decisions, facts)...))
	}
	l.noteLeft(ctx)
	return err
}

// lockPatience is how long a look waits for another vpnd before it only looks
// and tries again later.
const lockPatience = 20 * time.Millisecond

// open opens the state for changing, or, where only looking is allowed now,
// for reading. What is known of it is kept from look to look.
func (l *look) open(ctx context.Context) (release func(), err error) {
	l.status.Waiting, l.waiting = "", false
	if l.active.Observing() {
		return func() {}, l.recollect((*state.Store).Reread, state.Read)
	}
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := state.Lock(wait, l.StateDir)
	var busy *state.ErrBusy
	switch {
	case errors.As(err, &busy):
		l.status.Waiting, l.waiting = "another vpnd ("+busy.Holder+")", true
		return func() {}, l.recollect((*state.Store).Reread, state.Read)
	case err != nil:
		return nil, err
	}
	if err := l.mend(l.recollect((*state.Store).Reopen, state.Open)); err != nil {
		unlock()
		return nil, err
	}
	l.write = true
	if err := l.setApart(); err != nil {
		err = errors.Join(err, l.store.Close())
		unlock()
		return nil, err
	}
	return func() { _ = l.store.Close(); unlock() }, nil
}

// setApart brings a state of an earlier vpnd into today's form, once.
func (l *look) setApart() error {
	if l.apart {
		return nil
	}
	err := l.engine().SetApart()
	l.agent.apart = err == nil
	return err
}

// recollect brings what is known of the state up to date, and begins anew where
// nothing is or the last time came to nothing.
func (l *look) recollect(again func(*state.Store) error, anew func(string) (*state.Store, error)) error {
	var err error
	if l.agent.store == nil {
		l.agent.store, err = anew(l.StateDir)
	} else {
		err = again(l.agent.store)
	}
	l.store = l.agent.store
	if err != nil {
		l.agent.store = nil
	}
	return err
}

package daemon

import (
	"context"
	"errors"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/notify"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// A pass compares the host with the active configuration once and makes it so where
// it may: it gathers facts, plans, has the policy decide, acts, and makes findings of
// all that. It is data; what it needs of the host is the agent's.
type pass struct {
	findings.Pass
	noticed     string          // how it came about
	hints       []resource.Hint // what about
	due         []resource.ID   // what is to be renewed now
	store       *state.Store
	suppression *state.Suppression
	blame       bool // another vpnd is not at work: who writes rules may be named
	told        bool // its findings are out
	news        findings.News
	acts        acts
}

// acts is what a pass has done.
type acts struct {
	mended   map[resource.ID]bool // made as it shall be
	repeated map[resource.ID]bool // failed as it did before
	retried  []resource.ID        // failed before, and works now
	touched  []resource.ID
}

// newPass begins a pass.
func (a *agent) newPass(noticed string, hints []resource.Hint) *pass {
	for _, id := range a.backoff.damping.Ended() {
		a.opts.Log.Info("the other writer has given up; repairs go on as ever", "id", id)
	}
	p := &pass{noticed: noticed, hints: hints, blame: true, acts: acts{mended: make(map[resource.ID]bool), repeated: make(map[resource.ID]bool)}}
	p.Begun, p.Scope, p.How, p.By = a.opts.Now(), findings.Scope{Whole: true}, p.how, p.by
	p.Facts = policy.Facts{Traits: a.opts.Catalog.Traits, Booting: a.life.booting, Guarding: a.life.guarding}
	return p
}

// reconcile makes a pass over what the hints are about.
func (a *agent) reconcile(ctx context.Context, noticed string, hints []resource.Hint) {
	p := a.newPass(noticed, hints)
	p.due = a.takeDue()
	err := a.do(ctx, p)
	if ctx.Err() != nil {
		return
	}
	a.backoff.damping.Looked(p.Begun)
	s := &a.schedule
	if p.Scope.Whole || err != nil {
		s.passed(a.opts.Now())
		a.out.metrics.Listen()
		// What could not be seen, or not be put on record, must not be passed over.
		s.unsure = err != nil || len(p.Refused) > 0 || a.life.booting || s.waiting && !p.Facts.Locked
	}
	s.unsure = s.unsure || p.Doubted
	a.end(p, err)
	if !s.waiting || p.Facts.Locked { // an apply is at work, and its checks are its own
		a.checks.watch(ctx, a.active)
	}
}

// end tells what came of a pass.
func (a *agent) end(p *pass, err error) {
	a.failClosed(p)
	took := a.opts.Now().Sub(p.Begun)
	a.out.status.Reconcile = &status.Pass{Time: p.Begun, Seconds: took.Seconds(), Noticed: p.noticed}
	a.out.metrics.Reconciled(*a.out.status.Reconcile)
	a.failing(err)
	a.events.debounce.Passed(took, len(p.news.Drift) > 0)
	a.publish()
	a.announce(p)
	a.warn(p)
	a.handouts(p)
}

// failing tells of an error once, and of its end.
func (a *agent) failing(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == a.out.tale.failure:
	case text == "":
		a.opts.Log.Info("passes work again")
	default:
		a.opts.Log.Error("a pass failed", "error", err)
		a.out.notify.Tell(notify.Event{Event: notify.Failure, Text: text})
	}
	a.out.tale.failure, a.out.status.Error, a.schedule.failed = text, text, err != nil
}

// do is the work of a pass.
func (a *agent) do(ctx context.Context, p *pass) error {
	release, err := a.open(ctx, p)
	if err != nil {
		return err
	}
	defer release()
	a.heedOthers(p)
	if err := a.agree(ctx, p.store, p.Facts.Locked); err != nil {
		if err = a.resumeDamaged(ctx, p, err); err != nil {
			return err
		}
	}
	if !p.Facts.Locked && !a.schedule.waiting && !a.active.Observing() {
		return a.do(ctx, p) // another vpnd has put an end to observing
	}
	if a.active == nil {
		if a.files.withheld {
			a.failClosedBlindly(ctx, p)
		}
		return nil
	}
	if err := a.readopt(ctx, p); err != nil {
		return err
	}
	p.Scope = a.aim(p)
	if err := errors.Join(a.awaitUndo(ctx, p), a.readSuppressed(p)); err != nil {
		return err
	}
	e := a.engine(p)
	e.Glance = a.glances(p)
	e.Meanwhile = func(w engine.Work) []resource.ID { return a.await(p, w) }
	plan, err := a.plan(ctx, p, e)
	if err == nil {
		plan, err = a.widen(ctx, p, e, plan)
	}
	if err != nil || plan == nil {
		return err
	}
	p.Plan = plan
	a.out.status.Configuration.Planned = a.opts.Now()
	if err := a.keepInForce(ctx, p); err != nil {
		return err
	}
	err = errors.Join(a.act(ctx, p, e), a.records.damage, p.suppression.Damage())
	if p.Scope.Whole {
		a.ask(ctx, p)
	}
	return err
}

func (a *agent) engine(p *pass) *engine.Engine {
	return &engine.Engine{
		Catalog: a.opts.Catalog, Store: p.store, Now: a.opts.Now, Protects: true, Started: a.started,
		Done: func(c engine.Change, err error) { a.done(p, c, err) },
	}
}

// act has the policy decide about the plan of a pass, tells what comes and makes true
// what it may.
func (a *agent) act(ctx context.Context, p *pass, e *engine.Engine) error {
	a.gather(p)
	p.Decisions = policy.Decide(p.Plan, p.Facts)
	a.waitsFor(p)
	a.heed(p)
	a.findings, p.news = a.findings.Seen(p.Pass)
	p.told = true
	a.tell(p)
	if len(p.Plan.Changes) > 0 {
		a.publish()
	}
	var err error
	if p.Facts.Locked {
		repair := func(c engine.Change) bool { return p.Decisions[c.ID].Outcome == status.Repaired }
		err = a.converge(ctx, p, e, p.Plan.Without(func(c engine.Change) bool { return !repair(c) }).Barring(policy.Bars(p.Plan, p.Decisions, p.Facts)...))
	} else {
		a.settle(p, engine.Report{})
	}
	a.noteLeft(ctx, p)
	a.outages(ctx, p)
	return err
}

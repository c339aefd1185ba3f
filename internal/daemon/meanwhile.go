package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/status"
	"vpnd/internal/watch"
)

// stuck is how long one step is taken for progress. Then the service manager
// hears no more of it.
const stuck = 15 * time.Minute

// meanwhile keeps what is quick while a step of a pass takes long: a service
// that starts, a package that is installed, thousands of files that are looked
// at. It returns once the step is done, with what it has touched. What it can't
// see to waits in the queue for the next pass.
func (a *agent) meanwhile(ctx context.Context, p *pass, w engine.Work) (touched []resource.ID) {
	later := watch.NewQueue(a.guards)
	defer func() {
		for _, h := range later.Take() {
			a.events.queue.Put(h)
		}
	}()
	limit := a.Now().Add(stuck)
	again := time.NewTimer(a.nextTry())
	defer again.Stop()
	var f *freedom // found when it is first asked for
	for {
		select {
		case <-w.Done:
			return touched
		case <-a.life.beat.C:
			if a.Now().Before(limit) {
				a.Tell("WATCHDOG=1")
			}
			continue
		case failures := <-a.checks.rounds:
			a.found(failures)
			continue
		case <-a.events.queue.Wake():
			a.events.debounce.Settle(w.Done)
		case <-again.C:
		}
		if f == nil {
			f = a.freedom(p, w)
		}
		touched = append(touched, a.between(ctx, p, f, a.events.queue.Take(), later)...)
		again.Reset(a.nextTry())
	}
}

// nextTry is how long until something that failed, or is flapping, is to be
// tried again.
func (a *agent) nextTry() time.Duration {
	due := a.Now().Add(time.Hour)
	for _, next := range []func() (time.Time, bool){a.backoff.damping.Next, a.backoff.retries.Next} {
		if at, ok := next(); ok {
			due = earlier(due, at)
		}
	}
	return max(due.Sub(a.Now()), backoff.Gap)
}

// between is a pass over what is free while another one waits for a step.
func (a *agent) between(ctx context.Context, outer *pass, f *freedom, hints []resource.Hint, later *watch.Queue) (touched []resource.ID) {
	p := a.newPass(byEvent, f.part(hints, later))
	p.outer, p.store, p.hold = outer, outer.store, outer.hold
	p.Facts.Locked, p.Facts.Unconfirmed, p.Facts.Undoing = true, outer.Facts.Unconfirmed, outer.Facts.Undoing
	p.blame = a.mayBlame(p.Begun)
	near := a.near(p).ids
	maps.DeleteFunc(near, func(id resource.ID, _ bool) bool { return !f.free(id) })
	if len(near) == 0 || ctx.Err() != nil {
		return nil
	}
	p.Scope = findings.Scope{IDs: near}
	e := a.engine(p)
	plan, err := e.PlanPart(ctx, resource.Desired{Present: p.Scope.Of(f.present)})
	if err == nil {
		p.Plan = plan
		err = a.act(ctx, p, e)
	}
	a.end(p, err)
	if err != nil {
		later.Put(resource.Hint{})
	}
	for _, id := range p.acts.touched {
		later.Put(resource.Hint{Kind: id.Kind, Name: id.Name}) // some who read it may not have been free
	}
	if outer.told {
		outer.yield(p.Scope)
	}
	return p.acts.touched
}

// part returns the hints about what is free, and puts off those that are about
// anything else too.
func (f *freedom) part(hints []resource.Hint, later *watch.Queue) (now []resource.Hint) {
	for _, h := range hints {
		some, all := f.covers(h)
		if some {
			now = append(now, h)
		}
		if !all {
			later.Put(h)
		}
	}
	return now
}

// yield leaves to a pass in between what that has seen since. What was repaired
// before that stays this one's repair.
func (p *pass) yield(seen findings.Scope) {
	p.Scope = p.Scope.Without(seen)
	p.news.Drift = slices.DeleteFunc(p.news.Drift, func(d status.Drift) bool { return seen.Holds(d.ID) && !p.acts.mended[d.ID] })
}

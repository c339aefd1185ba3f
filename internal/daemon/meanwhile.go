package daemon

import (
	"context"
	"slices"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
	"vpnd/internal/watch"
)

// stuck is how long one step is taken for progress. Then the service manager
// hears no more of it.
const stuck = 15 * time.Minute

// meanwhile keeps what is quick while a step of a look takes long: a service
// that starts, a package that is installed, thousands of files that are looked
// at. It returns once the step is done, with what it has touched. What it can't
// see to waits in the queue for the next look.
func (l *look) meanwhile(ctx context.Context, w engine.Work) (touched []resource.ID) {
	later := watch.NewQueue(l.guards)
	defer func() {
		for _, h := range later.Take() {
			l.queue.Put(h)
		}
	}()
	limit := l.Now().Add(stuck)
	again := time.NewTimer(l.nextTry())
	defer again.Stop()
	var f *freedom // found when it is first asked for
	for {
		select {
		case <-w.Done:
			return touched
		case <-l.beat.C:
			if l.Now().Before(limit) {
				l.Tell("WATCHDOG=1")
			}
			continue
		case failures := <-l.checked:
			l.found(failures)
			continue
		case <-l.queue.Wake():
			l.debounce.Settle(w.Done)
		case <-again.C:
		}
		if f == nil {
			f = l.freedom(w)
		}
		touched = append(touched, l.between(ctx, f, l.queue.Take(), later)...)
		again.Reset(l.nextTry())
	}
}

// nextTry is how long until something that failed, or is flapping, is to be
// tried again.
func (a *agent) nextTry() time.Duration {
	due := a.Now().Add(time.Hour)
	for _, next := range []func() (time.Time, bool){a.damping.Next, a.retries.Next} {
		if at, ok := next(); ok {
			due = earlier(due, at)
		}
	}
	return max(due.Sub(a.Now()), backoff.Gap)
}

// between is a look at what is free while another one waits for a step.
func (l *look) between(ctx context.Context, f *freedom, hints []resource.Hint, later *watch.Queue) (touched []resource.ID) {
	in := l.newLook(byEvent, nil)
	in.inner, in.within, in.store, in.write = true, l.mended, l.store, true
	in.pending, in.undoing, in.hold = l.pending, l.undoing, l.hold
	in.beside = in.begun.Sub(l.others) < aftermath
	for _, h := range hints {
		some, all := f.covers(h)
		if some {
			in.hints = append(in.hints, h)
		}
		if !all {
			later.Put(h)
		}
	}
	in.scope = in.near().among(f.free)
	if len(in.scope.ids) == 0 || ctx.Err() != nil {
		return nil
	}
	e := in.engine()
	p, err := e.PlanPart(ctx, resource.Desired{Present: in.scope.cut(f.present)})
	if in.planned = err == nil; in.planned {
		err = in.act(ctx, e, p)
	}
	in.end(err)
	if err != nil {
		later.Put(resource.Hint{})
	}
	for _, id := range in.touched {
		later.Put(resource.Hint{Kind: id.Kind, Name: id.Name}) // some who read it may not have been free
	}
	if l.judged {
		l.yield(in.scope)
	}
	return in.touched
}

// yield leaves to a look in between what that has seen since. What was repaired
// before that stays this one's repair.
func (l *look) yield(seen scope) {
	if l.scope.except == nil {
		l.scope.except = make(map[resource.ID]bool)
	}
	for id := range seen.ids {
		l.scope.except[id] = true
	}
	l.drift = slices.DeleteFunc(l.drift, func(d status.Drift) bool { return seen.holds(d.ID) && !l.mended[d.ID] })
}

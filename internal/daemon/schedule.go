package daemon

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// schedule is what the time of the next pass, and how much that looks at, depend on.
type schedule struct {
	last    time.Time // pass over everything
	jitter  float64   // of the interval to the next one, around 1
	waiting bool      // for somebody else: try again soon
	unsure  bool      // the next pass is over everything
	failed  bool      // the last pass came to nothing
	others  time.Time // when another vpnd was last known to be at work
	besides time.Time // since when it is, as far as passes have seen it; zero where none is
	asked   time.Time // the servers, who is connected
}

// tick is a pass because its time has come, or only another try of what had to
// wait.
func (a *agent) tick(ctx context.Context) {
	if a.life.booting && (!a.opts.Service.Booting(ctx) || a.opts.Now().Sub(a.life.since) > longestBoot) {
		a.life.booting, a.schedule.unsure = false, true
	} else if a.stillWaiting(ctx) {
		return
	}
	a.reconcile(ctx, byTimer, a.events.queue.Take())
}

// stillWaiting says whether there is no point in another pass yet: the interval
// is not over, and who keeps repairs waiting is still at work.
func (a *agent) stillWaiting(ctx context.Context) bool {
	if !a.schedule.waiting || a.life.booting || !a.opts.Now().Before(a.intervalEnds()) {
		return false
	}
	if a.opts.Host.Busy() != "" {
		return true
	}
	wait, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	unlock, err := state.Lock(wait, a.opts.StateDir)
	if err != nil {
		return true
	}
	unlock()
	return false
}

const (
	longestBoot = 5 * time.Minute  // a host that takes longer to start is stuck, and kept all the same
	again       = time.Second      // how soon to try again what had to wait
	retry       = 10 * time.Second // how soon after a pass that failed: a full disk, a lock, too few descriptors
)

// wait is how long the loop waits for anything to come.
func (a *agent) wait() time.Duration {
	if a.lane.step != nil {
		return a.nextTry()
	}
	return a.pause()
}

// nextTry is how long until something that failed, or is flapping, is to be tried
// again while a step takes long.
func (a *agent) nextTry() time.Duration {
	due := a.opts.Now().Add(time.Hour)
	for _, next := range []func() (time.Time, bool){a.backoff.damping.Next, a.backoff.retries.Next} {
		if at, ok := next(); ok {
			due = earlier(due, at)
		}
	}
	return max(due.Sub(a.opts.Now()), backoff.Gap)
}

// pause is how long until the next pass that nobody kicks: the interval with
// its jitter, so that hosts that started together don't do that together, or
// sooner where something waits.
func (a *agent) pause() time.Duration {
	now := a.opts.Now()
	due := a.intervalEnds()
	if a.schedule.failed || len(a.closed) > 0 {
		due = earlier(due, now.Add(retry))
	}
	if slices.ContainsFunc(a.findings.Unknown, func(u status.Unknown) bool { return a.opts.guards(u.ID) }) {
		due = earlier(due, now.Add(backoff.LongestGuardRetry))
	}
	if a.schedule.waiting || a.life.booting {
		due = earlier(due, now.Add(again))
	}
	for _, next := range []func() (time.Time, bool){a.backoff.damping.Next, a.backoff.retries.Next, a.nextUndo, a.nextDue} {
		if at, ok := next(); ok {
			due = earlier(due, at)
		}
	}
	return max(due.Sub(now), time.Millisecond)
}

// intervalEnds is when the interval is over.
func (a *agent) intervalEnds() time.Time {
	return a.schedule.last.Add(time.Duration(float64(a.active.Interval()) * a.schedule.jitter))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// passed is called after each pass over everything.
func (s *schedule) passed(now time.Time) {
	s.last, s.jitter = now, 0.9+0.2*rand.Float64()
}

// nextDue is when the first thing is to be renewed, or there will be news of a tunnel
// that is as it was. While repairs wait for somebody else, those wait too.
func (a *agent) nextDue() (at time.Time, ok bool) {
	if a.schedule.waiting {
		return at, false
	}
	at, ok = a.findings.NextDue()
	if news, some := a.out.tale.tunnels.Next(); some && (!ok || news.Before(at)) {
		return news, true
	}
	return at, ok
}

// takeDue returns what is to be renewed since it was last asked, and the tunnels of
// which there will be news where they are as they were.
func (a *agent) takeDue() (ids []resource.ID) {
	a.findings, ids = a.findings.TakeDue(a.opts.Now())
	return append(ids, a.out.tale.tunnels.Take(a.opts.Now())...)
}

// forget ends the retries of what a plan found to be as it shall be: somebody
// else did it.
func (a *agent) forget(plan *engine.Plan) {
	failed := a.backoff.retries.IDs()
	if len(failed) == 0 {
		return
	}
	well := plan.Took()
	for _, id := range plan.IDs() {
		delete(well, id)
	}
	for _, problem := range plan.Problems {
		delete(well, problem.ID)
	}
	for _, id := range failed {
		if well[id] {
			a.backoff.retries.Tried(id, nil)
		}
	}
}

// heed notes what the decisions mean for later ones: what waits for a key needs no
// other try, and what would be repaired moved once more.
func (a *agent) heed(p *pass) {
	heeded := make(map[resource.ID]bool)
	for _, c := range p.Plan.Changes {
		o := p.Decisions[c.ID].Outcome
		if o != status.Suppressed && o != status.Reported && c.Lacks != (resource.ID{}) {
			a.backoff.retries.Tried(c.ID, nil)
		}
		if heeded[c.ID] || o != status.Repaired && o != status.Flapping {
			continue
		}
		heeded[c.ID] = true
		if a.backoff.damping.Moved(c.ID, p.by(c.ID)) {
			a.flapping(p, c)
		}
	}
}

// waitsFor notes for whom the decisions wait, and so when to try again.
func (a *agent) waitsFor(p *pass) {
	a.schedule.waiting = a.schedule.waiting || p.Decisions.Soon()
	if who := p.Decisions.For(); a.out.status.Waiting == "" || who != "" && who == p.Facts.Busy {
		a.out.status.Waiting = who
	}
}

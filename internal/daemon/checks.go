package daemon

import (
	"context"
	"slices"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/notify"
	"vpnd/internal/status"
)

// checks are those of the active configuration. They are tried beside the loop: a
// check may wait for its time-outs and retries, and repairs must not wait for it.
type checks struct {
	try     func(context.Context, []settings.Check) []confirm.Failure
	rounds  chan round
	end     func()                // ends the rounds; nil before the first
	of      *active.Configuration // whose they are
	failing []status.Failing      // as of the last round
}

// round is what trying all checks came to.
type round struct {
	over     <-chan struct{} // closed once others are watched
	checks   []settings.Check
	failures []confirm.Failure
}

// broken says whether it was broken off, and tells nothing.
func (r round) broken() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// watch has the checks of a configuration tried at once and then at each of its
// intervals, in place of those of another one.
func (c *checks) watch(ctx context.Context, active *active.Configuration) {
	if active == c.of {
		return
	}
	if c.end != nil {
		c.end()
	}
	var all []settings.Check
	if c.of = active; active != nil {
		all = active.Checks
	}
	ctx, c.end = context.WithCancel(ctx)
	go c.turn(ctx, all, active.Interval())
}

// turn tries checks until ctx ends; that there are none it tells once.
func (c *checks) turn(ctx context.Context, all []settings.Check, interval time.Duration) {
	again := time.NewTicker(interval)
	defer again.Stop()
	for {
		select {
		case c.rounds <- round{ctx.Done(), all, c.try(ctx, all)}:
		case <-ctx.Done():
			return
		}
		if len(all) == 0 {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

// turned is what a round has turned.
type turned struct {
	fails []status.Failing // from now on
	holds []string         // again
	gone  []string         // did not hold, and is watched no longer
}

// compare returns what fails after a round, and what that has turned.
func compare(before []status.Failing, r round, now time.Time) (failing []status.Failing, t turned) {
	known := func(name string) int {
		return slices.IndexFunc(before, func(f status.Failing) bool { return f.Check == name })
	}
	for _, failure := range r.failures {
		f := status.Failing{Check: failure.Check.Name, Since: now, Error: failure.Err.Error()}
		if i := known(f.Check); i >= 0 {
			f.Since = before[i].Since
		} else {
			t.fails = append(t.fails, f)
		}
		failing = append(failing, f)
	}
	for _, f := range before {
		switch {
		case slices.ContainsFunc(failing, func(now status.Failing) bool { return now.Check == f.Check }):
		case slices.ContainsFunc(r.checks, func(c settings.Check) bool { return c.Name == f.Check }):
			t.holds = append(t.holds, f.Check)
		default:
			t.gone = append(t.gone, f.Check)
		}
	}
	return failing, t
}

// found tells of checks that fail from now on, and of those that hold again.
func (a *agent) found(r round) {
	if r.broken() {
		return
	}
	var t turned
	a.checks.failing, t = compare(a.checks.failing, r, a.opts.Now())
	for _, f := range t.fails {
		a.opts.Log.Error("a check does not hold", "check", f.Check, "error", f.Error)
		a.out.notify.Tell(notify.Event{Event: notify.Check, Text: "check " + f.Check + " does not hold: " + f.Error})
	}
	for _, name := range t.gone {
		a.opts.Log.Info("a check that did not hold is watched no longer", "check", name)
	}
	for _, name := range t.holds {
		a.opts.Log.Info("a check holds again", "check", name)
		a.out.notify.Tell(notify.Event{Event: notify.Check, Text: "check " + name + " holds again"})
	}
	a.out.status.Failing, a.out.status.Watched = a.checks.failing, nil
	for _, c := range r.checks {
		a.out.status.Watched = append(a.out.status.Watched, c.Name)
	}
	a.publish()
}

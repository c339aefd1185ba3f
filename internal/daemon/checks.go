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

// checks are those of the active configuration, at work beside the loop.
type checks struct {
	found chan round            // what a round of them came to
	end   func()                // ends the rounds
	of    *active.Configuration // whose they are
}

// watchChecks has those checks tried that belong to what is in force now.
func (a *agent) watchChecks(ctx context.Context) {
	if a.active == a.checks.of {
		return
	}
	var checks []settings.Check
	if a.checks.of = a.active; a.active != nil {
		checks = a.active.Checks
	}
	a.check(ctx, checks, a.active.Interval())
}

// check has the checks of a configuration tried at once and then at each
// interval, beside the loop: a check may wait for its time-outs and retries, and
// repairs must not wait for it.
func (a *agent) check(ctx context.Context, checks []settings.Check, interval time.Duration) {
	if a.checks.end != nil {
		a.checks.end()
	}
	ctx, a.checks.end = context.WithCancel(ctx)
	over := ctx.Done()
	go func() {
		again := time.NewTicker(interval)
		defer again.Stop()
		for {
			failures := a.Check(ctx, checks)
			select {
			case a.checks.found <- round{over, checks, failures}:
			case <-ctx.Done():
				return
			}
			if len(checks) == 0 {
				return
			}
			select {
			case <-again.C:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// round is what trying all checks came to.
type round struct {
	over     <-chan struct{} // closed once others are watched
	checks   []settings.Check
	failures []confirm.Failure
}

// found tells of checks that fail from now on, and of those that hold again.
func (a *agent) found(r round) {
	select {
	case <-r.over: // it was broken off, and tells nothing
		return
	default:
	}
	before := make(map[string]status.Failing)
	for _, f := range a.status.Failing {
		before[f.Check] = f
	}
	a.status.Watched, a.status.Failing = nil, nil
	for _, c := range r.checks {
		a.status.Watched = append(a.status.Watched, c.Name)
	}
	for _, failure := range r.failures {
		f := status.Failing{Check: failure.Check.Name, Since: a.Now(), Error: failure.Err.Error()}
		if old, known := before[f.Check]; known {
			f.Since = old.Since
		} else {
			a.Log.Error("a check does not hold", "check", f.Check, "error", f.Error)
			a.notify.Tell(notify.Event{Event: notify.Check, Text: "check " + f.Check + " does not hold: " + f.Error})
		}
		delete(before, f.Check)
		a.status.Failing = append(a.status.Failing, f)
	}
	for name := range before {
		if !slices.Contains(a.status.Watched, name) {
			a.Log.Info("a check that did not hold is watched no longer", "check", name)
			continue
		}
		a.Log.Info("a check holds again", "check", name)
		a.notify.Tell(notify.Event{Event: notify.Check, Text: "check " + name + " holds again"})
	}
	a.publish()
}

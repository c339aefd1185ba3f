package daemon

import (
	"context"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/confirm"
)

// Failing is a check of the configuration that does not hold.
type Failing struct {
	Check string    `json:"check"`
	Since time.Time `json:"since"`
	Error string    `json:"error"`
}

// check has the checks of a configuration tried at once and then at each
// interval, beside the loop: a check may wait for its time-outs and retries, and
// repairs must not wait for it. The checks are those of the files as they were
// last valid.
func (a *agent) check(ctx context.Context, checks []config.Check, interval time.Duration) {
	if a.unchecked != nil {
		a.unchecked()
	}
	ctx, a.unchecked = context.WithCancel(ctx)
	go func() {
		again := time.NewTicker(interval)
		defer again.Stop()
		for {
			failures := a.Check(ctx, checks)
			select {
			case a.checked <- round{checks, failures}:
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
	checks   []config.Check
	failures []confirm.Failure
}

// found tells of checks that fail from now on, and of those that hold again.
func (a *agent) found(r round) {
	before := make(map[string]Failing)
	for _, f := range a.status.Failing {
		before[f.Check] = f
	}
	a.status.Checks, a.status.Failing = nil, nil
	for _, c := range r.checks {
		a.status.Checks = append(a.status.Checks, c.Name)
	}
	for _, failure := range r.failures {
		f := Failing{Check: failure.Check.Name, Since: a.Now(), Error: failure.Err.Error()}
		if old, known := before[f.Check]; known {
			f.Since = old.Since
		} else {
			a.Log.Error("a check does not hold", "check", f.Check, "error", f.Error)
			a.notify.put(Event{Event: "check", Text: "check " + f.Check + " does not hold: " + f.Error})
		}
		delete(before, f.Check)
		a.status.Failing = append(a.status.Failing, f)
	}
	for name := range before {
		a.Log.Info("a check holds again", "check", name)
		a.notify.put(Event{Event: "check", Text: "check " + name + " holds again"})
	}
	a.publish()
}

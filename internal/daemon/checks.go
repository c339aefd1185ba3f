package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/status"
)

// watchChecks has those checks tried that belong to what is in force now.
func (a *agent) watchChecks(ctx context.Context) {
	if a.force == a.checking {
		return
	}
	var checks []settings.Check
	if a.checking = a.force; a.force != nil {
		checks = a.force.checks
	}
	a.check(ctx, checks, a.interval())
}

// encodeChecks returns checks as a wish keeps them: where they stand in the
// files is no part of it. None are nothing.
func encodeChecks(checks []settings.Check) (json.RawMessage, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	bare := slices.Clone(checks)
	for i := range bare {
		bare[i].Range = hcl.Range{}
	}
	data, err := json.Marshal(bare)
	if err != nil {
		return nil, fmt.Errorf("keeping the checks: %w", err)
	}
	return data, nil
}

// decodeChecks reads what encodeChecks wrote. A wish of an earlier vpnd has none.
func decodeChecks(data json.RawMessage) (checks []settings.Check, err error) {
	if data == nil {
		return nil, nil
	}
	if err := json.Unmarshal(data, &checks); err != nil {
		return nil, fmt.Errorf("reading the checks in force: %w", err)
	}
	return checks, nil
}

// check has the checks of a configuration tried at once and then at each
// interval, beside the loop: a check may wait for its time-outs and retries, and
// repairs must not wait for it.
func (a *agent) check(ctx context.Context, checks []settings.Check, interval time.Duration) {
	if a.unchecked != nil {
		a.unchecked()
	}
	ctx, a.unchecked = context.WithCancel(ctx)
	over := ctx.Done()
	go func() {
		again := time.NewTicker(interval)
		defer again.Stop()
		for {
			failures := a.Check(ctx, checks)
			select {
			case a.checked <- round{over, checks, failures}:
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
			a.notify.put(Event{Event: "check", Text: "check " + f.Check + " does not hold: " + f.Error})
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
		a.notify.put(Event{Event: "check", Text: "check " + name + " holds again"})
	}
	a.publish()
}

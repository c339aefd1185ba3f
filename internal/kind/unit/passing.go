package unit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// Somebody who runs systemctl restart leaves a unit inactive for a moment. That
// is no state to tell of, nor one to be put right: a job of vpnd's in between
// would cancel theirs.
const (
	patience = 10 * time.Second // how long a look waits for units on their way
	justNow  = 10 * time.Second // a start that waits for longer is one of a boot
	pollTime = 50 * time.Millisecond
)

// passing says whether the unit is on its way: it ends, or has just ended and is
// to start again.
func (s state) passing() bool {
	switch s.active {
	case "deactivating":
		return true
	case "inactive", "failed":
		return s.queued && time.Since(s.since) < justNow
	default:
		return false
	}
}

// arrived waits until the unit is where it is on its way to, or for as long as
// there is time, and returns how it is then.
func arrived(ctx context.Context, m Manager, s state, until time.Time) (state, error) {
	for s.passing() && time.Now().Before(until) {
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-time.After(pollTime):
		}
		var err error
		if s, err = look(ctx, m, s.id); err != nil {
			return s, err
		}
	}
	return s, nil
}

// The results of a job that did not come to its end since somebody wanted
// something else of the unit: theirs came later, or was there before.
const (
	canceled = "canceled"
	opposed  = "opposed"
)

// opposes says whether systemd refused a job rather than to cancel another one.
func opposes(err error) bool {
	var said dbus.Error
	return errors.As(err, &said) && said.Name == "org.freedesktop.systemd1.TransactionIsDestructive"
}

// attempts is how often a job gives way to those of others.
const attempts = 5

// yielding runs a job and gives way to those of others, which are waited for.
// Where the unit runs after that, nothing is left to do.
func yielding(ctx context.Context, m Manager, job Job, s state) (now state, result string, err error) {
	for range attempts {
		if s, err = arrived(ctx, m, s, time.Now().Add(jobTime)); err != nil {
			return s, "", fmt.Errorf("asking systemd: %w", err)
		}
		now, result, err = run(ctx, m, job, s.id)
		if err != nil || result != canceled && result != opposed {
			return now, result, err
		}
		if s = now; s.running() {
			return s, "done", nil
		}
		select {
		case <-ctx.Done():
			return s, "", ctx.Err()
		case <-time.After(pollTime):
		}
	}
	return s, result, nil
}

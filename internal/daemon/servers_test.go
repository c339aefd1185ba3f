package daemon

import (
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
)

// A server speaks with one at a time, so that events are no reason to ask it.
func TestServersAreAskedOnceAMinute(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := &agent{opts: Options{Now: func() time.Time { return now }}}
	for _, c := range []struct {
		after   time.Duration
		noticed string
		asked   bool
	}{{0, byEvent, true}, {59 * time.Second, byEvent, false}, {time.Second, byEvent, true}, {time.Second, byTimer, true}} {
		now = now.Add(c.after)
		a.ask(t.Context(), &pass{noticed: c.noticed, Pass: findings.Pass{Plan: &engine.Plan{}}})
		if got := a.schedule.asked.Equal(now); got != c.asked {
			t.Errorf("%s after %s: asked %v", c.noticed, c.after, got)
		}
	}
}

package daemon

import (
	"slices"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// What is wrong and stays so for now keeps what needs it from going ahead.
func TestWhatBarsOthers(t *testing.T) {
	undone := resource.ID{Kind: "file", Name: "/undone"}
	l := &look{agent: &agent{Options: real}, undoing: func(id resource.ID) bool { return id == undone }}
	for _, c := range []struct {
		id   resource.ID
		now  status.Outcome
		bars bool
	}{
		{nat, status.Repaired, false},
		{nat, status.Failed, true},
		{nat, status.Flapping, false},
		{filter, status.Flapping, true},
		{filter, status.Repaired, false},
		{nat, status.Suppressed, false},
		{undone, status.Waits, true},
	} {
		l.verdicts = map[resource.ID]status.Outcome{c.id: c.now}
		if got := l.bars(&engine.Plan{Changes: []engine.Change{{ID: c.id}}}); slices.Contains(got, c.id) != c.bars {
			t.Errorf("%s, %s: bars %v", c.id, c.now, got)
		}
	}
}

// Events elsewhere are no reason to try again what has just failed.
func TestEventsDoNotHurryWhatFailed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "")
		for range 60 {
			r.touch("b", "1", "")
			time.Sleep(time.Second)
		}
		if n := r.logged(`msg="not done again" id=thing.a`); n < 3 || n > 7 {
			t.Errorf("tried again %d times in a minute", n)
		}
	})
}

package watch

import (
	"testing"
	"time"

	"vpnd/internal/resource"
)

func guards(id resource.ID) bool { return id.Kind == "chain" }

// A minute of peace ends the long waits after passes that found nothing.
func TestPeaceMakesEager(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := NewDebounce(NewQueue(guards), func() time.Time { return now })
	for range 100 {
		d.Passed(0, false)
	}
	now = now.Add(time.Second)
	if got := d.quiet(false); got != Longest {
		t.Errorf("beside a busy neighbour: %s", got)
	}
	now = now.Add(2 * time.Minute)
	if got := d.quiet(false); got != Quiet {
		t.Errorf("after peace: %s", got)
	}
}

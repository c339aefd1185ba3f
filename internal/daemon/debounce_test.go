package daemon

import (
	"testing"
	"time"
)

// Rules are put right soon also beside one who writes others all the time, and
// that costs no more than a part of the time.
func TestBusyNeighbourKeepsNoGuardWaiting(t *testing.T) {
	for _, c := range []struct {
		look        time.Duration
		most, looks int // milliseconds until a repair; looks in a minute
	}{{0, 250, 400}, {50 * time.Millisecond, 800, 130}} {
		bubble(t, func(r *rig) {
			r.wish(map[string]string{"chain:large": "1"})
			r.alter(func() { r.looking = c.look })
			r.start()
			time.Sleep(2 * time.Minute)
			before := r.looked()
			for range 400 { // a minute of rules of somebody else
				r.touch("", "1", "")
				time.Sleep(150 * time.Millisecond)
			}
			looks := r.looked() - before
			r.alter(func() { r.things["large"] = "2" })
			begun := time.Now()
			for r.text("large") != "1" && time.Since(begun) < time.Minute {
				r.touch("", "1", "")
				time.Sleep(150 * time.Millisecond)
			}
			if took := time.Since(begun); took.Milliseconds() > int64(c.most)+150 || looks > c.looks {
				t.Errorf("looks of %v: the repair took %v, and a minute %d looks", c.look, took, looks)
			}
			t.Logf("looks of %v: the repair took %v, and a minute %d looks", c.look, time.Since(begun), looks)
		})
	}
}

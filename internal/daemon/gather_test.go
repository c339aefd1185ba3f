package daemon

import (
	"testing"
	"time"
)

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
		if n := r.logged(`msg="change not done again" id=thing.a`); n < 3 || n > 7 {
			t.Errorf("tried again %d times in a minute", n)
		}
	})
}

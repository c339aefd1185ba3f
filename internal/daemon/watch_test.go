package daemon

import (
	"errors"
	"testing"
	"time"
)

// A watcher that failed may have missed what concerns more than its kind.
func TestLookIsAtEverythingAfterAWatcherFailed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.faults = make(chan error)
		r.wish(map[string]string{"a": "1", "sysctl:s": "1", "chain:c": "1"})
		r.start()
		move := func() { r.alter(func() { r.things = map[string]string{"a": "2", "s": "2", "c": "2"} }) }
		put := map[string]string{"a": "1", "s": "1", "c": "1"}
		move()
		r.faults <- errors.New("the buffer is full")
		time.Sleep(soonest / 2)
		r.want(put)
		move() // before it listens again
		r.rest()
		r.want(put)
		if r.logged("events were lost") != 1 {
			t.Error(r.logs.String())
		}
	})
}

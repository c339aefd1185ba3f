package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/watch"
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
		time.Sleep(watch.FirstRestart / 2)
		r.want(put)
		move() // before it listens again
		r.rest()
		r.want(put)
		if r.logged("events were lost") != 1 {
			t.Error(r.logs.String())
		}
	})
}

// What another vpnd puts in place is heard of.
func TestTheStateIsWatched(t *testing.T) {
	var heard []string
	queue := watch.NewQueue(real.guards)
	files := func(_ context.Context, paths []string, kick func()) error {
		heard = paths
		kick()
		return nil
	}
	a := &agent{
		events: events{queue: queue, watchers: watch.NewWatchers(resource.Catalog{}, queue, slog.New(slog.DiscardHandler))},
		opts:   Options{StateDir: "/s", Host: Host{Files: files}},
	}
	a.watchState(t.Context())
	a.events.watchers.Stop()
	if want := []string{"/s/wish.json", "/s/hold.json", "/s/pending.json"}; !slices.Equal(heard, want) {
		t.Errorf("heard of %q", heard)
	}
	if hints := queue.Take(); len(hints) != 1 || hints[0] != (resource.Hint{}) {
		t.Errorf("it is a hint to look at %+v", hints)
	}
}

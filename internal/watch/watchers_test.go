package watch

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vpnd/internal/resource"
)

// A watcher that fails is started again, later each time, and everything is to be
// looked at both when events were lost and when it hears again.
func TestWatcherIsKeptGoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(guards)
		w := NewWatchers(resource.Catalog{}, q, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		begun := time.Now()
		var starts []time.Duration
		w.Keep(ctx, "file", func(ctx context.Context, kick func(resource.Hint)) error {
			starts = append(starts, time.Since(begun))
			kick(resource.Hint{Kind: "file", Name: "/a"})
			kick(resource.Hint{Kind: "file", Name: "/b"})
			if len(starts) < 4 {
				return errors.New("the buffer is full")
			}
			<-ctx.Done()
			return nil
		})
		time.Sleep(time.Minute)
		cancel()
		w.Stop()
		if want := []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}; !slices.Equal(starts, want) {
			t.Errorf("started after %v instead of %v", starts, want)
		}
		want := []resource.Hint{{Kind: "file", Name: "/a"}, {Kind: "file", Name: "/b"}}
		for range 3 {
			want = append(want, resource.Hint{}, resource.Hint{}, resource.Hint{Kind: "file", Name: "/b"})
		}
		if got := q.Take(); !slices.Equal(got, want) {
			t.Errorf("hints: %+v", got)
		}
	})
}

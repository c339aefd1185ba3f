package daemon

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/lock"
	"vpnd/internal/status"
)

// Events are no reason to try checks: each may take long, and cost others.
func TestChecksAreTriedOnceAnInterval(t *testing.T) {
	bubble(t, func(r *rig) {
		var tries atomic.Int32
		r.Host.Check = func(context.Context, []settings.Check) []confirm.Failure { tries.Add(1); return nil }
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		r.start()
		for range 20 {
			r.touch("b", "1", "")
			time.Sleep(time.Second)
		}
		if n := tries.Load(); n != 1 {
			t.Errorf("tried %d times", n)
		}
		time.Sleep(5 * time.Minute)
		if n := tries.Load(); n != 2 {
			t.Errorf("tried %d times after an interval", n)
		}
	})
}

func TestARoundThatWasBrokenOffTellsNothing(t *testing.T) {
	a := newAgent(Options{Log: slog.New(slog.DiscardHandler), RunDir: t.TempDir()})
	instance, err := lock.Acquire(a.opts.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	defer instance.Release()
	a.life.instance = instance
	over := make(chan struct{})
	close(over)
	door := settings.Check{Name: "door"}
	a.found(round{over, []settings.Check{door}, []confirm.Failure{{Check: door, Err: errors.New("nobody answers")}}})
	if len(a.out.status.Watched)+len(a.out.status.Failing) > 0 {
		t.Errorf("status: %+v", a.out.status)
	}
}

// A check is news when it begins to fail, or holds again, and keeps since when it
// fails meanwhile.
func TestWhatARoundOfChecksTurns(t *testing.T) {
	door, window := settings.Check{Name: "door"}, settings.Check{Name: "window"}
	at := func(hour int) time.Time { return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC) }
	fails := func(c settings.Check, why string) confirm.Failure {
		return confirm.Failure{Check: c, Err: errors.New(why)}
	}
	var failing []status.Failing
	for hour, c := range []struct {
		round round
		want  turned
		since int
	}{
		{round{checks: []settings.Check{door, window}}, turned{}, 0},
		{round{checks: []settings.Check{door, window}, failures: []confirm.Failure{fails(door, "shut")}}, turned{fails: []status.Failing{{Check: "door", Since: at(1), Error: "shut"}}}, 1},
		{round{checks: []settings.Check{door, window}, failures: []confirm.Failure{fails(door, "locked")}}, turned{}, 1},
		{round{checks: []settings.Check{door, window}, failures: []confirm.Failure{fails(window, "shut")}}, turned{fails: []status.Failing{{Check: "window", Since: at(3), Error: "shut"}}, holds: []string{"door"}}, 3},
		{round{checks: []settings.Check{door}}, turned{gone: []string{"window"}}, 0},
	} {
		var got turned
		failing, got = compare(failing, c.round, at(hour))
		if !reflect.DeepEqual(got, c.want) || len(failing) != len(c.round.failures) || len(failing) > 0 && !failing[0].Since.Equal(at(c.since)) {
			t.Errorf("round %d: %+v instead of %+v; failing: %+v", hour, got, c.want, failing)
		}
	}
}

// While an apply is at work its checks are its own: what they would find now is
// half done.
func TestChecksOfAnApplyWaitForItsEnd(t *testing.T) {
	bubble(t, func(r *rig) {
		var tries atomic.Int32
		r.Host.Check = func(_ context.Context, checks []settings.Check) []confirm.Failure {
			tries.Add(int32(len(checks)))
			return nil
		}
		r.start()
		r.wish(map[string]string{"a": "1", "b": "1"})
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		var held func()
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) }, func(unlock func()) { held = unlock })
		r.rest()
		if n := tries.Load(); n > 0 {
			t.Errorf("tried %d times while the apply is at work", n)
		}
		held()
		r.rest()
		if n := tries.Load(); n != 1 {
			t.Errorf("tried %d times after its end", n)
		}
	})
}

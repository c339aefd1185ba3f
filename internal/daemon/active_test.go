package daemon

import (
	"errors"
	"testing"
	"time"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// every has the files ask for a look so often.
func every(d time.Duration) func(*settings.Settings) {
	return func(s *settings.Settings) { s.Interval = resource.Ptr(resource.Duration(d)) }
}

// Settings are taken where nothing else changes, and are in force across
// restarts as all else.
func TestSettingsAloneAreTakenAndStay(t *testing.T) {
	bubble(t, func(r *rig) {
		looks := func() {
			t.Helper()
			r.alter(func() { r.things["a"] = "2" }) // nobody hears of it
			time.Sleep(90 * time.Second)
			r.want(map[string]string{"a": "1"})
		}
		r.start()
		r.wish(map[string]string{"a": "1", "b": "1"}, every(time.Minute), func(s *settings.Settings) { s.Mode = resource.Ptr("enforce") })
		r.reload()
		looks()
		r.stop()
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		r.start()
		looks()
	})
}

func TestAnApplyForgives(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 10 {
			r.touch("a", "2", "evil")
			time.Sleep(time.Second)
		}
		r.want(map[string]string{"a": "2"})
		r.wish(map[string]string{"a": "1", "b": "2"})
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "1", "b": "2"})
	})
}

// Whoever hears of another wish only by chance looks at all of it.
func TestAnotherWishIsSeenWithoutAHint(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.choose(func() { r.kickState = nil })
		r.wish(map[string]string{"a": "1", "b": "2", "c": "1"})
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.touch("a", "2", "")
		r.rest()
		r.want(map[string]string{"a": "1", "b": "2", "c": "1"})
	})
}

// A mistake is told of at each reload: somebody waits for the answer.
func TestEachReloadIsAnswered(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		for range 2 {
			r.reload()
		}
		if n := r.logged("the configuration is invalid and not taken"); n != 2 {
			t.Errorf("told %d times", n)
		}
	})
}

// Files that were read while an apply was at work are older than what the next
// apply asked for.
func TestANewerApplyWinsOverFilesReadBefore(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1"})
		unlock, err := state.Lock(t.Context(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		r.reload()
		r.want(map[string]string{"a": "1"})
		r.wish(map[string]string{"a": "3", "b": "1"})
		store, err := state.Open(r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(activate(store, r.cfg, nil), store.Close()); err != nil {
			t.Fatal(err)
		}
		unlock()
		r.rest()
		r.want(map[string]string{"a": "3"})
		r.wish(map[string]string{"a": "4", "b": "1"})
		r.reload()
		r.want(map[string]string{"a": "4"})
	})
}

// Without a newer apply, what was read beside one is taken once that has ended.
func TestFilesReadDuringAnApplyAreTakenAfterIt(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1"})
		var end func()
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) }, func(unlock func()) { end = unlock })
		r.wish(map[string]string{"a": "3", "b": "1"})
		r.reload()
		end()
		r.rest()
		r.want(map[string]string{"a": "3"})
	})
}

// Who only observes puts nothing into the state, and takes what an apply put
// there.
func TestAnObserverTakesWhatAnApplyMadeTrue(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1"}, observe)
		r.start()
		if s := r.status(); len(s.Pending) != 2 {
			t.Errorf("status: %+v", s)
		}
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		if s := r.status(); s.Mode != "enforce" || len(s.Pending) != 0 {
			t.Errorf("status: %+v", s)
		}
		r.want(map[string]string{"a": "2", "b": "1"})

		// Also where it asks for the same as the one before.
		r.wish(map[string]string{"a": "2", "b": "1"}, observe)
		r.reload()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		if s := r.status(); s.Mode != "enforce" {
			t.Errorf("status: %+v", s)
		}
	})
}

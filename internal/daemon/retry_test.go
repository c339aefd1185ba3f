package daemon

import (
	"testing"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

func TestFailedRepairIsToldOnceAndTriedAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "evil")
		r.touch("b", "2", "evil")
		time.Sleep(time.Minute)
		r.want(map[string]string{"a": "2", "b": "1"})
		s := r.status()
		if len(s.Drift) != 1 || s.Drift[0].ID.Name != "a" || s.Drift[0].Outcome != status.Failed || s.Drift[0].Error != "it is broken" || s.Drift[0].By != "evil" {
			t.Errorf("drift: %+v", s.Drift)
		}
		if n := r.logged(`msg="change not done" id=thing.a`); n != 1 {
			t.Errorf("the failure was told %d times\n%s", n, r.logs.String())
		}
		if n := r.logged(`msg="change not done again" id=thing.a`); n < 3 || n > 7 {
			t.Errorf("it was tried again %d times in a minute", n)
		}
		r.alter(func() { r.broken["a"] = false })
		time.Sleep(40 * time.Second)
		r.want(map[string]string{"a": "1"})
		if s := r.status(); len(s.Drift) > 0 || s.Recent[0].ID.Name != "a" || s.Recent[0].By != "evil" {
			t.Errorf("status: %+v", s)
		}
		r.as(func(e *engine.Engine) error {
			failed := 0
			entries, err := e.Store.History()
			for _, entry := range entries {
				if entry.Error != "" || entry.Changes[0].Error != "" || len(entry.Changes) > 1 && entry.Changes[1].Error != "" {
					failed++
				}
			}
			if failed != 1 {
				t.Errorf("the failure is %d times in the history", failed)
			}
			return err
		})
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "3", "")
		time.Sleep(10 * time.Second)
		if n := r.logged(`msg="change not done" id=thing.a`); n != 2 {
			t.Errorf("another failure was not told")
		}
	})
}

func TestWhatSomebodyElseMendedIsNoFailureAnyMore(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "")
		time.Sleep(time.Minute)
		r.alter(func() { r.broken["a"] = false })
		r.touch("a", "1", "")
		r.rest()
		r.touch("a", "3", "")
		time.Sleep(200 * time.Millisecond)
		r.want(map[string]string{"a": "1"})
	})
}

// A failed thing that waits for its next try is left out of a plan, and must
// keep what needs it from going ahead all the same: forwarding without rules.
func TestWhatNeedsSomethingThatFailedWaits(t *testing.T) {
	bubble(t, func(r *rig) {
		r.broken["ip/filter/X"] = true
		r.wish(map[string]string{"chain:ip/filter/X": "1", "forward": "1"})
		r.cfg.Desired = needs(r.cfg.Desired, resource.ID{Kind: "thing", Name: "forward"}, resource.ID{Kind: "chain", Name: "ip/filter/X"})
		r.start()
		for range 60 {
			r.touch("forward", "0", "")
			time.Sleep(500 * time.Millisecond)
			if r.text("forward") == "1" {
				t.Fatalf("it was done although what it needs was not\n%s", r.logs.String())
			}
		}
		r.alter(func() { r.broken["ip/filter/X"] = false })
		time.Sleep(11 * time.Second)
		r.want(map[string]string{"ip/filter/X": "1", "forward": "1"})
	})
}

// needs makes one wish need another.
func needs(d resource.Desired, first, second resource.ID) resource.Desired {
	for i := range d.Present {
		if d.Present[i].ID == first {
			d.Present[i].After = append(d.Present[i].After, second)
		}
	}
	return d
}

func TestMakingSomethingIsNotFlapping(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range backoff.MostRepairs {
			r.touch("a", "9", "")
			r.rest()
			r.want(map[string]string{"a": "1"})
		}
		if s := r.status(); len(s.Flapping) > 0 {
			t.Errorf("flapping: %+v", s.Flapping)
		}
	})
}

// Whoever reloads has looked into it.
func TestReloadTriesAgainWhatFailed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "")
		time.Sleep(20 * time.Minute)
		r.reload()
		if n := r.logged(`msg="change not done" id=thing.a`); n != 2 {
			t.Errorf("the failure was told %d times", n)
		}
		time.Sleep(20 * time.Minute)
		r.alter(func() { r.broken["a"] = false })
		r.reload()
		r.want(map[string]string{"a": "1"})
	})
}

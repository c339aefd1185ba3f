package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// soonIs waits until a thing is so, and no longer than an agent at rest would
// take.
func (r *rig) soonIs(name, text string) {
	r.Helper()
	begun := time.Now()
	for r.text(name) != text {
		if time.Since(begun) > 200*time.Millisecond {
			r.Errorf("%s is still %q\n%s", name, r.text(name), r.logs.String())
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// busyHost has an agent that starts a service for a minute.
func (r *rig) busyHost(more map[string]string, set ...func()) {
	texts := map[string]string{"a": "1", "chain:ip/nat/X": "1", "chain:ip/filter/Y": "1", "unit:u.service": "1"}
	for name, text := range more {
		texts[name] = text
	}
	r.wish(texts)
	for _, do := range set {
		do()
	}
	r.start()
	r.took()
	r.alter(func() { r.starts = time.Minute })
	r.touch("u.service", "2", "")
	time.Sleep(time.Second)
}

func TestNothingQuickWaitsForAService(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		if s := r.status(); len(s.Drift) != 1 || s.Drift[0].ID.Name != "u.service" {
			t.Errorf("status while it starts: %+v", s.Drift)
		}
		r.touch("ip/nat/X", "2", "evil (process 7)")
		r.soonIs("ip/nat/X", "1")
		r.touch("a", "2", "")
		r.soonIs("a", "1")
		r.touch("ip/filter/Y", "2", "")
		r.soonIs("ip/filter/Y", "1")
		r.want(map[string]string{"u.service": "2"})
		s := r.status()
		if len(s.Recent) != 3 || len(s.Drift) != 1 || s.Drift[0].ID.Name != "u.service" {
			t.Errorf("status meanwhile: %+v", s)
		}
		time.Sleep(time.Minute)
		r.rest()
		r.want(map[string]string{"u.service": "1"})
		if did := r.took(); did != "ip/nat/X a ip/filter/Y u.service" {
			t.Errorf("repaired: %q", did)
		}
		if s := r.status(); len(s.Recent) != 4 || len(s.Drift)+len(s.Pending) > 0 || s.Error != "" {
			t.Errorf("status afterwards: %+v", s)
		}
		if n := r.logged("msg=\"drift repaired\""); n != 4 {
			t.Errorf("%d repairs in the journal\n%s", n, r.logs.String())
		}
		r.as(func(e *engine.Engine) error {
			var done []string
			entries, err := e.Store.History()
			for _, entry := range entries[1:] {
				for _, c := range entry.Changes {
					done = append(done, entry.Command+" "+c.ID.Name+" "+c.By)
				}
			}
			if got := strings.Join(done, ", "); got != "repair ip/nat/X evil (process 7), repair a , repair ip/filter/Y , repair u.service " {
				t.Errorf("history: %s", got)
			}
			for _, record := range e.Store.Records() {
				if record.Open {
					t.Errorf("%s is on record as unfinished", record.ID)
				}
			}
			return err
		})
	})
}

// read makes the unit a reader of a file.
func (r *rig) read(source string) func() {
	return func() {
		for i, one := range r.cfg.Desired.Present {
			if one.ID.Kind == "unit" {
				on := resource.ID{Kind: "thing", Name: source}
				r.cfg.Desired.Present[i].Triggers = []resource.Trigger{{On: on, Do: resource.Restart}}
			}
		}
	}
}

func TestWhatAServiceReadsWaitsForItsStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(map[string]string{"conf": "1", "other": "1"}, r.read("conf"))
		r.touch("conf", "2", "")
		r.touch("other", "2", "")
		r.soonIs("other", "1")
		r.want(map[string]string{"conf": "2"})
		r.alter(func() { r.starts = 0 })
		time.Sleep(time.Minute)
		r.rest()
		r.want(map[string]string{"conf": "1"})
		if did := r.took(); did != "other u.service conf restarted:u.service" {
			t.Errorf("done: %q", did)
		}
		r.as(func(e *engine.Engine) error {
			if owed := e.Store.Owed(resource.ID{Kind: "unit", Name: "u.service"}); owed != resource.None {
				t.Errorf("still owed: %v", owed)
			}
			return nil
		})
	})
}

func TestWhatNeedsBrokenRulesWaitsToo(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(map[string]string{"forwarding": "1"}, func() {
			for i, one := range r.cfg.Desired.Present {
				if one.ID.Name == "forwarding" {
					r.cfg.Desired.Present[i].After = []resource.ID{{Kind: "chain", Name: "ip/filter/Y"}}
					r.cfg.Desired.Present[i].Owners[0].Block.Name = "other"
				}
			}
		})
		r.alter(func() { r.broken["ip/filter/Y"] = true })
		r.touch("ip/filter/Y", "2", "")
		r.touch("forwarding", "2", "")
		time.Sleep(5 * time.Second)
		r.want(map[string]string{"ip/filter/Y": "2", "forwarding": "2"})
		r.alter(func() { r.broken["ip/filter/Y"] = false })
		time.Sleep(backoff.LongestGuardRetry)
		r.want(map[string]string{"ip/filter/Y": "1", "forwarding": "1", "u.service": "2"})
		time.Sleep(time.Minute)
		if s := r.status(); len(s.Drift)+len(s.Pending) > 0 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestRulesDoNotWaitForTheServiceTheyComeAfter(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil, func() {
			for i := range r.cfg.Desired.Present {
				one := &r.cfg.Desired.Present[i]
				if one.Owners[0].Block.Name = one.ID.Kind; one.ID.Kind != "unit" {
					one.After = []resource.ID{{Kind: "block", Name: "unit"}}
				}
			}
		})
		r.touch("a", "2", "") // as a route by the interface that the service makes
		r.touch("ip/nat/X", "2", "")
		r.soonIs("ip/nat/X", "1")
		time.Sleep(5 * time.Second)
		r.want(map[string]string{"a": "2", "u.service": "2"})
		time.Sleep(time.Minute)
		r.want(map[string]string{"a": "1", "u.service": "1"})
	})
}

func TestNothingQuickWaitsForALongLook(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"large": "1", "a": "1", "chain:ip/nat/X": "1"})
		r.start()
		r.took()
		r.alter(func() { r.looking = 10 * time.Second; r.things["large"] = "2" })
		r.kickState() // look everywhere
		time.Sleep(time.Second)
		r.touch("ip/nat/X", "2", "evil (process 7)")
		r.soonIs("ip/nat/X", "1")
		r.want(map[string]string{"large": "2"})
		time.Sleep(2 * time.Minute)
		r.want(map[string]string{"large": "1"})
		if did := r.took(); did != "ip/nat/X large" {
			t.Errorf("repaired: %q", did)
		}
		if s := r.status(); len(s.Recent) != 2 || len(s.Drift)+len(s.Pending) > 0 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestLostEventWaitsForTheStep(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		r.alter(func() { r.things["a"] = "2" }) // nobody heard of it
		r.kickState()
		time.Sleep(10 * time.Second)
		r.want(map[string]string{"a": "2"})
		time.Sleep(time.Minute)
		r.want(map[string]string{"a": "1", "u.service": "1"})
	})
}

func TestLongStepsGiveSignsOfLife(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"unit:u.service": "1"})
		r.start()
		r.alter(func() { r.starts = time.Hour })
		r.touch("u.service", "2", "")
		beats := func() (n int) {
			r.choose(func() { n = strings.Count(strings.Join(r.told, "\n"), "WATCHDOG=1") })
			return n
		}
		time.Sleep(time.Second)
		before := beats()
		time.Sleep(10 * time.Minute)
		if n := beats() - before; n < 9 {
			t.Errorf("%d signs of life in ten minutes", n)
		}
		time.Sleep(10 * time.Minute)
		before = beats()
		time.Sleep(10 * time.Minute)
		if n := beats() - before; n > 0 {
			t.Errorf("%d signs of life of a step that hangs", n)
		}
		time.Sleep(time.Hour)
		r.want(map[string]string{"u.service": "1"})
	})
}

func TestStepOfANewWishLetsGoOn(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		time.Sleep(2 * time.Minute)
		r.took()
		r.wish(map[string]string{"a": "1", "chain:ip/nat/X": "1", "chain:ip/filter/Z": "1", "unit:u.service": "9"})
		r.hups <- nil
		time.Sleep(5 * time.Second) // the new chain stands, the service starts, the old chain waits
		r.touch("ip/nat/X", "2", "")
		r.soonIs("ip/nat/X", "1")
		r.touch("ip/filter/Z", "2", "")
		r.soonIs("ip/filter/Z", "1")
		service := func(p status.Pending) bool { return p.ID.Name == "u.service" && p.Outcome == status.UnderWay }
		if s := r.status(); !slices.ContainsFunc(s.Pending, service) {
			t.Errorf("pending meanwhile: %+v", s.Pending)
		}
		time.Sleep(2 * time.Minute)
		r.want(map[string]string{"ip/nat/X": "1", "ip/filter/Z": "1", "u.service": "9", "ip/filter/Y": ""})
		r.as(func(e *engine.Engine) error {
			if _, ok := e.Store.Record(resource.ID{Kind: "chain", Name: "ip/filter/Y"}); ok {
				t.Error("what left is still on record")
			}
			return nil
		})
		if s := r.status(); len(s.Drift)+len(s.Pending) > 0 {
			t.Errorf("status: %+v", s)
		}
	})
}

// While another vpnd has the lock nothing is changed, however long a look takes.
func TestNothingIsDoneMeanwhileWithoutTheLock(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"large": "1", "a": "1", "chain:ip/filter/X": "1"})
		r.start()
		unlock, err := state.Lock(t.Context(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		r.alter(func() { r.looking = 10 * time.Second })
		r.kickState()
		time.Sleep(time.Second)
		r.touch("a", "2", "")
		r.touch("ip/filter/X", "2", "")
		time.Sleep(5 * time.Second)
		r.want(map[string]string{"a": "2", "ip/filter/X": "2"})
		r.alter(func() { r.looking = 0 })
		unlock()
		time.Sleep(time.Minute)
		r.want(map[string]string{"a": "1", "ip/filter/X": "1"})
	})
}

// A hint about a whole kind of which only a part is free is heard of again.
func TestRestOfAKindIsLookedAtAfterTheStep(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(map[string]string{"conf": "1", "other": "1"}, r.read("conf"))
		r.alter(func() { r.things["conf"], r.things["other"] = "2", "2" })
		r.touch("", "", "")
		r.soonIs("other", "1")
		r.want(map[string]string{"conf": "2"})
		r.alter(func() { r.starts = 0 })
		time.Sleep(time.Minute)
		r.rest()
		r.want(map[string]string{"conf": "1"})
	})
}

// What a look in between has put right is no business of the one that waits: its
// own view of that is out of date.
func TestWhatWorksMeanwhileIsOver(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "unit:u.service": "1"})
		r.start()
		for range 10 {
			r.touch("a", "2", "evil")
			time.Sleep(time.Second)
		}
		r.alter(func() { r.starts = 10 * time.Minute })
		r.touch("u.service", "2", "")
		time.Sleep(2 * time.Minute)
		r.want(map[string]string{"a": "1", "u.service": "2"})
		if s := r.status(); len(s.Drift) != 1 || s.Drift[0].ID.Name != "u.service" {
			t.Errorf("drift meanwhile: %+v", s.Drift)
		}
		told := r.tells(func() { time.Sleep(10 * time.Minute) })
		r.want(map[string]string{"u.service": "1"})
		if s := r.status(); len(s.Drift) > 0 || r.logged("and vpnd did not do it") > 0 || strings.Contains(told, "drifted") {
			t.Errorf("status afterwards: %+v\ntold: %s\n%s", s, told, r.logs.String())
		}
	})
}

// Filter rules are fought for while a service starts, too.
func TestFlappingMeanwhile(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		for range 100 {
			r.touch("ip/filter/Y", "2", "evil")
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * backoff.Gap)
		r.want(map[string]string{"ip/filter/Y": "1", "u.service": "2"})
	})
}

// What is about to be undone is left to that while a service starts, too.
func TestUndoIsAwaitedMeanwhile(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "unit:u.service": "1"})
		r.start()
		r.stop()
		fake := r.waits()
		fake.set(func() { fake.ticking, fake.undoing = false, true })
		r.start()
		r.alter(func() { r.starts = time.Minute })
		r.touch("u.service", "2", "")
		time.Sleep(time.Second)
		r.touch("a", "2", "")
		r.touch("b", "2", "")
		r.soonIs("b", "1")
		r.want(map[string]string{"a": "2", "u.service": "2"})
	})
}

func TestChecksAreHeardOfMeanwhile(t *testing.T) {
	bubble(t, func(r *rig) {
		var broken atomic.Bool
		r.Host.Check = func(_ context.Context, checks []settings.Check) []confirm.Failure {
			if !broken.Load() {
				return nil
			}
			return []confirm.Failure{{Check: checks[0], Err: errors.New("nobody answers")}}
		}
		r.wish(map[string]string{"a": "1", "unit:u.service": "1"})
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		r.start()
		r.alter(func() { r.starts = 10 * time.Minute })
		r.touch("u.service", "2", "")
		time.Sleep(time.Second)
		broken.Store(true)
		time.Sleep(6 * time.Minute)
		r.want(map[string]string{"u.service": "2"})
		if s := r.status(); len(s.Failing) != 1 {
			t.Errorf("failing: %+v", s.Failing)
		}
	})
}

// What a look has repaired before the step that takes long stays its repair,
// although a look in between sees that it is well.
func TestARepairBeforeALongStepIsTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "unit:u.service": "1"})
		r.start()
		r.alter(func() {
			r.starts = time.Minute
			r.things["a"], r.things["u.service"] = "2", "2"
		})
		r.touch("a", "2", "evil (process 7)")
		r.touch("u.service", "2", "")
		time.Sleep(2 * time.Minute)
		r.rest()
		r.want(map[string]string{"a": "1", "u.service": "1"})
		s := r.status()
		if len(s.Recent) != 2 || s.Recent[0].ID.Name != "u.service" && s.Recent[1].ID.Name != "u.service" {
			t.Errorf("repaired: %+v", s.Recent)
		}
		if n := r.logged("vpnd did not do it"); n != 0 {
			t.Errorf("who repaired is told wrong:\n%s", r.logs.String())
		}
	})
}

// Whoever reloads while a service starts is heard once that has started.
func TestReloadWaitsForTheStep(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		r.wish(map[string]string{"a": "9", "unit:u.service": "1"})
		told := r.tells(func() {
			r.hups <- nil
			time.Sleep(30 * time.Second)
		})
		if r.want(map[string]string{"a": "1", "u.service": "2"}); strings.Contains(told, "RELOADING=1") {
			t.Errorf("told during the step: %q", told)
		}
		time.Sleep(time.Minute)
		r.want(map[string]string{"a": "9", "u.service": "1"})
	})
}

// An agent that is stopped brings the step at work to its end, with what is on record
// about it.
func TestTheEndWaitsForTheStep(t *testing.T) {
	bubble(t, func(r *rig) {
		r.busyHost(nil)
		r.end()
		time.Sleep(30 * time.Second)
		if r.want(map[string]string{"u.service": "2"}); r.logged("vpnd ends") > 0 {
			t.Error("it ended in the middle of a step")
		}
		r.stop()
		r.want(map[string]string{"u.service": "1"})
		r.as(func(e *engine.Engine) error {
			for _, record := range e.Store.Records() {
				if record.Open {
					t.Errorf("%s is on record as unfinished", record.ID)
				}
			}
			return nil
		})
	})
}

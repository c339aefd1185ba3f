package daemon

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/lock"
	"vpnd/internal/report"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

func TestReadyOnceConverged(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.want(map[string]string{"a": "1", "b": "1"})
		if !r.everTold("READY=1") {
			t.Error("systemd was not told")
		}
		if s := r.status(); !s.Ready || s.Mode != "enforce" || len(s.Drift)+len(s.Pending) > 0 || s.Apply.Changed != 2 {
			t.Errorf("status: %+v", s)
		}
		if err := Run(t.Context(), r.Options); err == nil || !strings.Contains(err.Error(), "already runs") {
			t.Errorf("a second daemon: %v", err)
		}
		if !lock.AgentRuns(r.RunDir) {
			t.Error("it does not pass for running")
		}
		r.stop()
		if lock.AgentRuns(r.RunDir) {
			t.Error("it passes for running")
		}
		if s := r.status(); !s.Stopped || !r.everTold("STOPPING=1") {
			t.Errorf("the end was not told: %+v", s)
		}
	})
}

func TestDriftIsRepairedAndExplained(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.took()
		begun := time.Now()
		r.touch("a", "2", "evil (process 7)")
		for r.text("a") != "1" {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(begun); took > 50*time.Millisecond {
			t.Errorf("the repair of one event took %v", took)
		}
		r.rest()
		if did := r.took(); did != "a" {
			t.Errorf("repaired: %q", did)
		}
		s := r.status()
		if len(s.Recent) != 1 || len(s.Drift) != 0 {
			t.Fatalf("status: %+v", s)
		}
		d := s.Recent[0]
		if d.By != "evil (process 7)" || d.Noticed != "event" || d.Reason != "drift" || d.Outcome != status.Repaired || report.Moved(d.Diffs) != `text 2 instead of 1` {
			t.Errorf("record: %+v", d)
		}
		if r.logged("vpnd did not do it") > 0 {
			t.Errorf("a repair passes for somebody else's:\n%s", r.logs.String())
		}
		if r.logged(`drift repaired" id=thing.a action=update reason=drift attr="text 2 instead of 1" noticed=event by="evil (process 7)"`) != 1 {
			t.Error(r.logs.String())
		}
		r.as(func(e *engine.Engine) error {
			entries, err := e.Store.History()
			last := entries[len(entries)-1]
			if entries[0].Command != "converge" || last.Command != "repair" || last.Changes[0].By != "evil (process 7)" || last.Changes[0].Noticed != "event" || last.Snapshot != "" {
				t.Errorf("history: %+v", last)
			}
			return err
		})
	})
}

func TestEventsAreGathered(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 5 { // a program that works for a while
			r.touch("a", "2", "")
			r.touch("b", "2", "")
			time.Sleep(15 * time.Millisecond)
		}
		time.Sleep(30 * time.Millisecond)
		r.want(map[string]string{"a": "1", "b": "1"})
		if did := r.took(); strings.Count(did, "a") > 2 {
			t.Errorf("repaired: %q", did)
		}
	})
}

func TestKicksWhileAtWorkAreNotLost(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.slow = time.Second })
		r.touch("a", "2", "")
		time.Sleep(1100 * time.Millisecond) // a is repaired, and b not looked at any more
		r.touch("b", "3", "")
		time.Sleep(4 * time.Second)
		r.want(map[string]string{"a": "1", "b": "1"})
	})
}

func TestBusyNeighbourMakesLazy(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		time.Sleep(2 * time.Minute)
		before := r.looked()
		for range 600 { // a minute of events that change nothing
			r.touch("x", "1", "")
			time.Sleep(100 * time.Millisecond)
		}
		if looks := (r.looked() - before) / 2; looks > 100 {
			t.Errorf("%d looks at the host in a minute", looks)
		}
	})
}

func TestLooksWithoutEvents(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.things["a"] = "2" })
		time.Sleep(4 * time.Minute)
		r.want(map[string]string{"a": "2"})
		time.Sleep(2 * time.Minute)
		r.want(map[string]string{"a": "1"})
		if s := r.status(); len(s.Recent) != 1 || s.Recent[0].Noticed != "timer" {
			t.Errorf("status: %+v", s.Recent)
		}
		if r.logged("WATCHDOG") != 0 || !r.everTold("WATCHDOG=1") {
			t.Error("no sign of life")
		}
	})
}

func invalid() hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Nonsense", Detail: "Way out."}}
}

func TestInvalidConfigurationIsNotTaken(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		again := func() {
			t.Helper()
			r.touch("a", "2", "")
			r.rest()
			r.want(map[string]string{"a": "1"})
			if s := r.status(); s.Configuration.Valid || !strings.Contains(s.Configuration.Diagnostics, "Nonsense") || !strings.Contains(s.Configuration.Diagnostics, "Way out.") {
				t.Errorf("status: %+v", s.Configuration)
			}
		}
		r.reload()
		again()
		r.stop()
		r.start() // a typo before a boot
		again()
		r.wish(map[string]string{"a": "9", "b": "1"})
		r.reload()
		r.want(map[string]string{"a": "9"})
		if s := r.status(); !s.Configuration.Valid || s.Configuration.Diagnostics != "" {
			t.Errorf("status: %+v", s.Configuration)
		}
	})
}

func TestNothingInForce(t *testing.T) {
	bubble(t, func(r *rig) {
		r.diags = invalid()
		r.things["a"] = "2"
		r.start()
		r.want(map[string]string{"a": "2"})
		if s := r.status(); s.Mode != "" || s.Configuration.Valid || !s.Ready || s.Summary() != "Nothing is in force; the configuration in the files is invalid." {
			t.Errorf("status: %+v, %s", s, s.Summary())
		}
		// Then somebody applies.
		cfg := &config.Config{Desired: resource.Desired{Present: []resource.Resource{{ID: resource.ID{Kind: "thing", Name: "a"}, Want: &thing{Text: resource.Ptr("7")}}}}}
		r.as(func(e *engine.Engine) error { return activate(e.Store, cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "7"})
	})
}

func TestConfigurationThatTheHostRefuses(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "refused", "b": "2"})
		r.reload()
		r.want(map[string]string{"a": "1", "b": "1"})
		if s := r.status(); s.Configuration.Valid || !strings.Contains(s.Configuration.Diagnostics, "thing.a") {
			t.Errorf("status: %+v", s.Configuration)
		}
		r.touch("b", "3", "")
		r.rest()
		r.want(map[string]string{"b": "1"})
	})
}

func TestRefusedInForceStopsOnlyWhatNeedsIt(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.refuses = "a" }) // which was fine yesterday
		time.Sleep(6 * time.Minute)
		r.touch("b", "3", "")
		r.rest()
		r.want(map[string]string{"a": "1", "b": "1"}) // what is left out is no leftover
		if s := r.status(); len(s.Unknown) != 1 || s.Unknown[0].ID.Name != "a" {
			t.Errorf("status: %+v", s.Unknown)
		}
		time.Sleep(time.Hour)
		if n := r.logged("a resource can't be looked at"); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// What was left out since it needs something that the host refused is not passed
// over once the host takes that.
func TestWhatNeededTheRefusedIsSeenAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "c": "1"})
		r.cfg.Desired = needs(r.cfg.Desired, resource.ID{Kind: "thing", Name: "c"}, resource.ID{Kind: "thing", Name: "a"})
		r.start()
		r.alter(func() { r.refuses = "a" })
		r.kickState()
		r.touch("c", "2", "")
		r.rest()
		r.want(map[string]string{"c": "2"})
		r.alter(func() { r.refuses = "" })
		r.touch("b", "1", "")
		r.rest()
		r.want(map[string]string{"c": "1"})
	})
}

func TestObserver(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1", "b": "1"}, observe)
		r.reload()
		r.touch("a", "2", "evil")
		r.rest()
		r.want(map[string]string{"a": "2"})
		s := r.status()
		if s.Mode != "observe" || len(s.Drift) != 1 || s.Drift[0].Outcome != status.Reported || s.Drift[0].By != "evil" {
			t.Errorf("status: %+v", s)
		}
		time.Sleep(30 * time.Minute)
		if r.logged("msg=\"resource drifted\"") != 1 {
			t.Errorf("told more than once, or never:\n%s", r.logs.String())
		}
		r.as(func(e *engine.Engine) error {
			past, err := e.Store.History()
			if last := past[len(past)-1]; len(past) != 2 || last.Command != state.Noticed || len(last.Changes) != 1 || last.Changes[0].By != "evil" || last.Changes[0].Outcome != "reported" || len(last.Changes[0].Diffs) != 1 {
				t.Errorf("history: %+v", past)
			}
			return err
		})
		if d := r.status().Drift[0]; d.By != "evil" || d.Noticed != "event" || !d.Since.Equal(s.Drift[0].Since) {
			t.Errorf("half an hour later: %+v", d)
		}
		r.touch("a", "1", "")
		r.rest()
		if s := r.status(); len(s.Drift) != 0 || r.logged("a drift is gone") != 1 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestAnotherVPNDIsWaitedFor(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		unlock, err := state.Lock(context.Background(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		r.touch("a", "2", "")
		time.Sleep(10 * time.Second)
		r.want(map[string]string{"a": "2"})
		if s := r.status(); !strings.HasPrefix(s.Waiting, "another vpnd (") || len(s.Drift) != 1 || s.Drift[0].Outcome != status.Waits {
			t.Errorf("status: %+v", s)
		}
		unlock()
		r.rest()
		r.want(map[string]string{"a": "1"})
		if s := r.status(); s.Waiting != "" || len(s.Drift) != 0 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestPackageManagerIsWaitedForButNotByTheFirewall(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "chain:ip/nat/X": "1"})
		r.start()
		r.choose(func() { r.busy = "apt-get (process 7)" })
		r.touch("a", "2", "vi (process 9)")
		r.touch("ip/nat/X", "2", "")
		time.Sleep(10 * time.Second)
		r.want(map[string]string{"a": "2", "ip/nat/X": "1"})
		if s := r.status(); s.Waiting != "apt-get (process 7)" {
			t.Errorf("status: %+v", s)
		}
		r.choose(func() { r.busy = "" })
		r.rest()
		r.want(map[string]string{"a": "1"})
		// A repair that had to wait is still told as what was heard of then.
		r.as(func(e *engine.Engine) error {
			entries, err := e.Store.History()
			if last := entries[len(entries)-1].Changes[0]; last.Noticed != "event" || last.By != "vi (process 9)" {
				t.Errorf("history: %+v", last)
			}
			return err
		})
		if r.logged("by=\"vi (process 9)\"") == 0 {
			t.Error("the journal does not say by whom")
		}
	})
}

func TestBoot(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "chain:c": "1", "unit:u": "1"})
		r.boots = true
		var ready map[string]string
		r.Service.Tell = func(s string) {
			if strings.Contains(s, "READY=1") && ready == nil {
				ready = map[string]string{"a": r.text("a"), "c": r.text("c"), "u": r.text("u")}
			}
		}
		r.start()
		if ready["c"] != "1" || ready["a"] != "" || ready["u"] != "" {
			t.Errorf("when the network was let go on: %v", ready)
		}
		r.want(map[string]string{"a": "1", "u": ""})
		if s := r.status(); len(s.Drift)+len(s.Pending) != 0 || !s.Booting {
			t.Errorf("status: %+v", s)
		}
		r.choose(func() { r.boots = false })
		r.rest()
		r.want(map[string]string{"u": "1"})
	})
}

func TestStopInTheMiddle(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "unit:u": "1"})
		r.start()
		r.alter(func() { r.slow = 10 * time.Second })
		r.touch("a", "2", "")
		r.touch("u", "2", "")
		time.Sleep(time.Second)
		r.stop()
		if a, u := r.text("a"), r.text("u"); a != "1" || u != "2" {
			t.Errorf("the step at work and the next one: %q, %q", a, u)
		}
		if s := r.status(); len(s.Drift) != 1 || s.Drift[0].ID.Name != "u" || s.Drift[0].Outcome != status.Waits {
			t.Errorf("status: %+v", s.Drift)
		}
		r.alter(func() { r.slow = 0 })
		r.start()
		r.want(map[string]string{"a": "1", "u": "1"})
	})
}

// rollback undoes an apply as the command does.
func (r *rig) rollback() {
	r.Helper()
	r.as(func(e *engine.Engine) error {
		snap, err := e.Store.Snapshot("")
		if err != nil {
			return err
		}
		p, err := e.PlanUndo(context.Background(), snap)
		if err != nil {
			return err
		}
		if err := e.Store.Undo("rollback", time.Now(), snap, p.Touched()); err != nil {
			return err
		}
		return e.Apply(context.Background(), p).Failed()
	})
	r.rest()
}

func TestRolledBackIsSuppressed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1", "c": "1"})
		r.reload()
		r.reload() // of the same is no other apply
		r.want(map[string]string{"a": "2", "c": "1"})
		r.rollback()
		held := func() {
			t.Helper()
			r.want(map[string]string{"a": "1", "c": ""})
			r.touch("a", "8", "") // what was in force before is kept all the same
			r.touch("b", "8", "")
			r.rest()
			r.want(map[string]string{"a": "1", "b": "1", "c": ""})
			if r.status().Suppressed == nil {
				t.Error("nothing is said of it")
			}
		}
		held()
		r.reload()
		held()
		r.stop()
		r.start()
		held()
		r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
		r.rest()
		r.want(map[string]string{"a": "2", "c": "1"})
		if r.status().Suppressed != nil {
			t.Error("it is still held")
		}
	})
}

func TestHoldEndsWithAnotherConfiguration(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.rollback() // of the first apply: nothing was before it
		r.want(map[string]string{"a": "", "b": ""})
		r.reload()
		r.want(map[string]string{"a": "", "b": ""})
		if h := r.status().Suppressed; h == nil || len(h.IDs) != 2 {
			t.Errorf("held: %+v", h)
		}
		r.wish(map[string]string{"a": "1", "b": "3", "c": "1"})
		r.reload()
		r.want(map[string]string{"a": "", "b": "3", "c": "1"})
		if h := r.status().Suppressed; h == nil || len(h.IDs) != 1 || h.IDs[0].Name != "a" {
			t.Errorf("held: %+v", h)
		}
		r.wish(map[string]string{"a": "2", "b": "3", "c": "1"})
		r.reload()
		r.want(map[string]string{"a": "2", "b": "3", "c": "1"})
		if h := r.status().Suppressed; h != nil {
			t.Errorf("held: %+v", h)
		}
	})
}

// What was undone stays as it was before, whatever else the files ask for, until
// they ask for something else of it.
func TestHoldIsPerThing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "gone": "1"})
		r.start()
		fast := func(s *settings.Settings) { s.Interval = resource.Ptr(resource.Duration(time.Minute)) }
		r.wish(map[string]string{"a": "2", "b": "2", "new": "1"}, fast)
		r.reload()
		r.want(map[string]string{"a": "2", "b": "2", "new": "1", "gone": ""})
		r.rollback()
		asked := map[string]string{"a": "2", "b": "2", "new": "1", "other": "1"}
		held := func(left int, want map[string]string) {
			t.Helper()
			r.wish(asked, fast)
			again := []func(){r.reload, func() { r.stop(); r.start() }, func() { r.touch("a", "8", ""); r.rest() }}
			for i, do := range again {
				do()
				r.want(want)
				if h := r.status().Suppressed; h == nil && left > 0 || h != nil && len(h.IDs) != left {
					t.Errorf("step %d: held: %+v", i, h)
				}
				if r.status().Configuration.Changed {
					t.Error("the files pass for changed")
				}
			}
		}
		interval := func(want string) {
			t.Helper()
			r.as(func(e *engine.Engine) error {
				w, err := e.Store.Wish()
				if got := string(w.Settings); !strings.Contains(got, want) {
					t.Errorf("settings: %s instead of %s", got, want)
				}
				return err
			})
		}
		held(4, map[string]string{"a": "1", "b": "1", "new": "", "gone": "1", "other": "1"})
		interval("{}") // settings too
		asked["a"] = "3"
		fast = func(s *settings.Settings) { s.Interval = resource.Ptr(resource.Duration(2 * time.Minute)) }
		held(3, map[string]string{"a": "3", "b": "1", "new": "", "gone": "1", "other": "1"})
		interval(`"interval":"2m`)
		asked["b"] = "refused" // and so nothing of it is taken
		asked["new"] = "7"
		r.wish(asked, fast)
		r.reload()
		asked["b"], asked["new"] = "2", "1"
		held(3, map[string]string{"a": "3", "b": "1", "new": "", "gone": "1", "other": "1"})
		delete(asked, "new")
		asked["gone"] = "2"
		held(1, map[string]string{"a": "3", "b": "1", "new": "", "gone": "2", "other": "1"})
		asked["b"] = "1" // as it is
		held(0, map[string]string{"a": "3", "b": "1", "new": "", "gone": "2", "other": "1"})
		asked["b"] = "2" // what was held is over for good
		held(0, map[string]string{"a": "3", "b": "2", "other": "1"})
	})
}

// A suppression that an earlier vpnd wrote does not say of what: it ends as a whole.
func TestHoldOfAnEarlierVersion(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "2"})
		r.reload()
		r.rollback()
		r.as(func(e *engine.Engine) error {
			h, err := e.Store.Suppression()
			if err != nil {
				return err
			}
			h.Undone, h.Settings, h.Checks = nil, nil, nil
			return e.Store.KeepSuppression(h)
		})
		r.reload()
		r.want(map[string]string{"a": "1", "b": "1"})
		if r.edited(); r.status().Configuration.Changed {
			t.Error("the files pass for changed")
		}
		r.wish(map[string]string{"a": "2", "b": "3"})
		r.reload()
		r.want(map[string]string{"a": "2", "b": "3"})
	})
}

func TestTargetsOfAnApply(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2", "b": "2"})
		r.as(func(e *engine.Engine) error {
			return activate(e.Store, r.cfg, map[resource.ID]bool{{Kind: "thing", Name: "a"}: true})
		})
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
	})
}

func TestUnconfirmedApplyIsNotBuiltOn(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.as(func(e *engine.Engine) error {
			return e.Store.SetPending(state.Pending{Snapshot: "x", Deadline: time.Now().Add(time.Hour)})
		})
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		r.touch("b", "7", "")
		r.rest()
		r.want(map[string]string{"a": "1", "b": "1"})
		if s := r.status(); len(s.Pending) != 1 || s.Pending[0].Outcome != status.Waits {
			t.Errorf("status: %+v", s.Pending)
		}
	})
}

func TestStateDirCanNotMove(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "2"}, func(s *settings.Settings) { s.StateDir = resource.Ptr("/elsewhere") })
		r.reload()
		r.want(map[string]string{"a": "1"})
		if d := r.status().Configuration.Diagnostics; !strings.Contains(d, "Restart the daemon") {
			t.Errorf("diagnostics: %s", d)
		}
	})
}

func TestNothingSecretIsReadable(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "hush", "b": "1"})
		r.reload()
		r.rollback()
		if held, err := os.ReadFile(r.StateDir + "/hold.json"); err != nil || strings.Contains(string(held), "hush") {
			t.Errorf("held: %s, %v", held, err)
		}
		for _, path := range []string{r.RunDir + "/status.json", r.StateDir + "/hold.json", r.StateDir + "/wish.json", r.StateDir + "/history.jsonl"} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", path, info, err)
			}
		}
	})
}

func TestFailedLookIsTriedAgain(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		hold := r.StateDir + "/hold.json"
		if err := os.WriteFile(hold, []byte("garbage\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r.touch("a", "2", "")
		time.Sleep(time.Minute)
		if s := r.status(); !strings.Contains(s.Error, "damaged") || r.logged("a pass failed") != 1 {
			t.Errorf("status: %q", s.Error)
		}
		if err := os.Remove(hold); err != nil {
			t.Fatal(err)
		}
		time.Sleep(15 * time.Second)
		r.want(map[string]string{"a": "1"})
		if s := r.status(); s.Error != "" {
			t.Errorf("status: %q", s.Error)
		}
	})
}

func TestChecksAreWatched(t *testing.T) {
	bubble(t, func(r *rig) {
		var broken atomic.Bool
		r.Host.Check = func(_ context.Context, checks []settings.Check) []confirm.Failure {
			if !broken.Load() {
				return nil
			}
			return []confirm.Failure{{Check: checks[0], Err: errors.New("nobody answers")}}
		}
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		r.start()
		r.rest()
		if s := r.status(); len(s.Failing) > 0 {
			t.Errorf("failing: %+v", s.Failing)
		}
		broken.Store(true)
		time.Sleep(6 * time.Minute) // an interval
		if s := r.status(); len(s.Failing) != 1 || s.Failing[0].Check != "door" || s.Failing[0].Error != "nobody answers" {
			t.Errorf("failing: %+v", s.Failing)
		}
		since := r.status().Failing[0].Since
		time.Sleep(20 * time.Minute)
		if n := r.logged("msg=\"a check does not hold\" check=door"); n != 1 {
			t.Errorf("told %d times", n)
		}
		if s := r.status(); len(s.Failing) != 1 || !s.Failing[0].Since.Equal(since) {
			t.Errorf("it has failed since %s: %+v", since, s.Failing)
		}
		broken.Store(false)
		time.Sleep(6 * time.Minute)
		if s := r.status(); len(s.Failing) > 0 || r.logged("msg=\"a check holds again\" check=door") != 1 {
			t.Errorf("failing: %+v", s.Failing)
		}
	})
}

// The checks that are watched are those of what is in force, however that came.
func TestChecksAreOfWhatIsInForce(t *testing.T) {
	bubble(t, func(r *rig) {
		r.Host.Check = func(_ context.Context, checks []settings.Check) (failures []confirm.Failure) {
			for _, c := range checks {
				failures = append(failures, confirm.Failure{Check: c, Err: errors.New("nobody answers")})
			}
			return failures
		}
		watched := func(names ...string) {
			t.Helper()
			time.Sleep(6 * time.Minute) // for whoever is still at others
			s := r.status()
			if !slices.Equal(s.Watched, names) || len(s.Failing) != len(names) {
				t.Errorf("watched: %q, failing: %+v, instead of %q", s.Watched, s.Failing, names)
			}
		}
		checks := func(names ...string) (all []settings.Check) {
			for _, name := range names {
				all = append(all, settings.Check{Name: name, Unit: resource.Ptr("u.service"), Command: []string{"/bin/true"}, Timeout: resource.Ptr(resource.Duration(time.Second))})
			}
			return all
		}
		apply := func() {
			t.Helper()
			r.as(func(e *engine.Engine) error { return activate(e.Store, r.cfg, nil) })
			r.rest()
		}
		r.start()
		watched()
		r.cfg.Checks = checks("door", "window")
		apply()
		watched("door", "window")
		r.cfg.Checks = checks("door")
		apply()
		watched("door")
		if r.logged("holds again") > 0 {
			t.Error("a check that is gone holds again")
		}
		good := r.cfg
		r.choose(func() { r.cfg, r.diags = &config.Config{}, invalid() })
		r.reload()
		watched("door")
		r.stop()
		r.start() // with a mistake in the files
		watched("door")
		r.choose(func() { r.cfg, r.diags = good, nil })
		r.wish(map[string]string{"a": "refused", "b": "1"})
		r.cfg.Checks = checks("other")
		r.reload()
		watched("door")
		r.choose(func() { r.cfg = good })
		r.cfg.Checks = nil
		r.reload()
		watched()
	})
}

// That checks change is nothing that an undo goes back to.
func TestChecksAloneAreNoOtherApply(t *testing.T) {
	bubble(t, func(r *rig) {
		r.Host.Check = func(context.Context, []settings.Check) []confirm.Failure { return nil }
		r.start()
		r.wish(map[string]string{"a": "2", "b": "1"})
		r.reload()
		r.cfg.Checks = []settings.Check{{Name: "door"}}
		r.reload()
		r.rollback()
		r.want(map[string]string{"a": "1", "b": "1"})
		if s := r.status(); len(s.Watched) != 0 {
			t.Errorf("watched: %q", s.Watched)
		}
		r.reload() // and what was undone with it is as before too
		if s := r.status(); len(s.Watched) != 0 {
			t.Errorf("watched: %q", s.Watched)
		}
	})
}

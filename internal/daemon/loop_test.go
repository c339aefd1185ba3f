package daemon

import (
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/backoff"
	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
	"vpnd/internal/watch"
)

// tells returns what systemd is told while something is done.
func (r *rig) tells(do func()) string {
	r.Helper()
	r.choose(func() { r.told = nil })
	do()
	var told string
	r.choose(func() { told = strings.Join(r.told, "|") })
	return told
}

// A loop that lives says so also where there is nothing to do.
func TestIdleAgentGivesSignsOfLife(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1"}, every(24*time.Hour))
		r.start()
		if n := strings.Count(r.tells(func() { time.Sleep(10 * time.Minute) }), "WATCHDOG=1"); n < 9 || n > 11 {
			t.Errorf("%d signs of life in ten minutes", n)
		}
	})
}

// Whoever has systemd reload waits until that is told to be over.
func TestReloadIsTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		told := r.tells(r.reload)
		begins, ends := strings.Index(told, "RELOADING=1\nMONOTONIC_USEC="), strings.LastIndex(told, "READY=1")
		if begins < 0 || ends < begins {
			t.Errorf("told: %q", told)
		}
	})
}

// A host whose boot never comes to its end is kept all the same.
func TestBootThatHangs(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"unit:u": "1"})
		r.boots = true
		r.start()
		time.Sleep(longestBoot / 2)
		r.want(map[string]string{"u": ""})
		time.Sleep(longestBoot/2 + 5*time.Second)
		r.want(map[string]string{"u": "1"})
	})
}

// Who waits for a package manager does not look all the while.
func TestWaitingCostsNothing(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.choose(func() { r.busy = "apt-get (process 7)" })
		r.touch("a", "2", "")
		r.rest()
		before := r.looked()
		time.Sleep(2 * time.Minute)
		if looks := r.looked() - before; looks > 0 {
			t.Errorf("%d looks while it waits", looks)
		}
	})
}

// Something that was found ends the laziness that a busy neighbour causes.
func TestWhatIsFoundMakesEager(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 60 {
			r.touch("b", "1", "")
			time.Sleep(time.Second)
		}
		r.touch("a", "2", "")
		time.Sleep(watch.Longest + 100*time.Millisecond)
		r.want(map[string]string{"a": "1"})
		r.touch("a", "3", "")
		r.soonIs("a", "1")
	})
}

// That a thing is left to another writer is a matter for the history.
func TestHistoryTellsOfFlapping(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 10 {
			r.touch("a", "2", "evil (process 7)")
			time.Sleep(time.Second)
		}
		r.as(func(e *engine.Engine) error {
			past, err := e.Store.History()
			last := past[len(past)-1]
			if last.Command != state.Noticed || last.Changes[0].Outcome != string(status.Flapping) || last.Changes[0].By != "evil (process 7)" {
				t.Errorf("history: %+v", last)
			}
			return err
		})
	})
}

// An observer writes the history only where nobody else is at it; for a while it
// takes what it sees for the other's doing.
func TestObserverWritesUnderTheLock(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1"}, observe)
		r.reload()
		unlock, err := state.Lock(t.Context(), r.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		r.touch("a", "2", "")
		time.Sleep(doubtful)
		r.touch("a", "3", "")
		r.rest()
		unlock()
		if r.logged("the history can't be written") != 1 {
			t.Error(r.logs.String())
		}
	})
}

// The first plan may take longer than systemd waits for a service to start.
func TestLongStartIsGivenTime(t *testing.T) {
	bubble(t, func(r *rig) {
		r.alter(func() { r.slow = time.Minute })
		told := r.tells(func() {
			r.start()
			time.Sleep(5 * time.Minute)
		})
		extended, ready := strings.Index(told, "EXTEND_TIMEOUT_USEC=300000000\n"), strings.Index(told, "READY=1")
		if extended < 0 || ready < extended {
			t.Errorf("told: %q", told)
		}
	})
}

// What waits, and what guards the host, is looked at sooner than the interval says.
func TestPause(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	unknown := func(id resource.ID) findings.Findings {
		return findings.Findings{Unknown: []status.Unknown{{ID: id}}}
	}
	for what, c := range map[string]struct {
		so   func(a *agent)
		want time.Duration
	}{
		"a file is unknown":      {func(a *agent) { a.findings = unknown(resource.ID{Kind: "file", Name: "/a"}) }, 5 * time.Minute},
		"a rule is unknown":      {func(a *agent) { a.findings = unknown(filter) }, backoff.LongestGuardRetry},
		"the host boots":         {func(a *agent) { a.life.booting = true }, again},
		"the last pass failed":   {func(a *agent) { a.schedule.failed = true }, retry},
		"forwarding is off":      {func(a *agent) { a.closed = []resource.ID{forwards} }, retry},
		"it failed and it waits": {func(a *agent) { a.schedule.failed, a.schedule.waiting = true, true }, again},
		"it waits, being closed": {func(a *agent) { a.closed, a.schedule.waiting = []resource.ID{forwards}, true }, again},
	} {
		a := newAgent(Options{Catalog: real.Catalog, Now: func() time.Time { return now }})
		a.schedule.last = now
		if c.so(a); a.pause() != c.want {
			t.Errorf("where %s: %s instead of %s", what, a.pause(), c.want)
		}
	}
}

func TestTheStateIsClosedToOthersAtTheStart(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		if err := os.Chmod(r.StateDir, 0o777); err != nil {
			t.Fatal(err)
		}
		r.start()
		info, err := os.Stat(r.StateDir)
		if err != nil || info.Mode().Perm() != 0o700 || r.logged("the state directory was open to others") != 1 {
			t.Errorf("%v, %v\n%s", info.Mode(), err, r.logs.String())
		}
	})
}

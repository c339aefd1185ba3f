package daemon

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// timers is a systemd that knows which timers tick and whether an undo is at
// work.
type timers struct {
	mu               sync.Mutex
	ticking, undoing bool
	begun            []time.Time
	err              error
}

func (t *timers) StartTimer(context.Context, string, time.Duration, []string) error {
	defer t.alone()()
	t.begun = append(t.begun, time.Now())
	return t.err
}

func (t *timers) Ticking(context.Context, string) (bool, error) {
	defer t.alone()()
	return t.ticking, nil
}

func (t *timers) Undoing(context.Context) (bool, error) {
	defer t.alone()()
	return t.undoing, nil
}

func (t *timers) tries() []time.Time {
	defer t.alone()()
	return slices.Clone(t.begun)
}

func (t *timers) set(so func()) {
	defer t.alone()()
	so()
}

func (t *timers) alone() (done func()) {
	t.mu.Lock()
	return t.mu.Unlock
}

func (t *timers) StopTimer(context.Context, string) error         { return nil }
func (t *timers) Enabled(context.Context, string) (string, error) { return "", nil }
func (t *timers) Active(context.Context, string) (string, error)  { return "", nil }
func (t *timers) Cancel(context.Context, string) error            { return nil }
func (t *timers) Close()                                          {}

func undoFails(*state.Store) (*confirm.Deadline, error) { return nil, errors.New("no") }

// waits has an apply wait for confirmation that changed a.
func (r *rig) waits() *timers {
	r.Helper()
	fake := &timers{ticking: true}
	r.Host.Undo = func(store *state.Store) (*confirm.Deadline, error) {
		return &confirm.Deadline{Store: store, Connect: func(context.Context) (confirm.Manager, error) { return fake, nil }}, nil
	}
	r.as(func(e *engine.Engine) error {
		snap := &state.Snapshot{Taken: time.Now(), Absent: []resource.ID{{Kind: "thing", Name: "a"}}}
		if err := e.Store.SaveSnapshot(snap); err != nil {
			return err
		}
		return e.Store.SetPending(state.Pending{Snapshot: snap.Name, Deadline: time.Now().Add(time.Hour), Timer: "t.timer"})
	})
	return fake
}

func TestUnconfirmedIsTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		r.waits()
		r.start()
		r.touch("a", "2", "")
		r.rest()
		r.want(map[string]string{"a": "1"}) // it is what somebody may confirm
		s := r.status()
		if u := s.Unconfirmed; u == nil || u.Overdue || u.Snapshot == "" || time.Until(u.Until) < 50*time.Minute {
			t.Errorf("%+v", s.Unconfirmed)
		}
		if !strings.Contains(s.Summary(), "an apply waits for confirmation until ") {
			t.Error(s.Summary())
		}
		r.as(func(e *engine.Engine) error { return e.Store.DropPending() })
		r.rest()
		if s := r.status(); s.Unconfirmed != nil {
			t.Errorf("confirmed: %+v", s.Unconfirmed)
		}
	})
}

// What is about to be undone is not put in place again, and the rest is kept.
func TestUndoIsAwaited(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		fake := r.waits()
		r.start()
		fake.set(func() { fake.ticking, fake.undoing = false, true })
		r.touch("a", "2", "")
		r.touch("b", "2", "")
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
		s := r.status()
		if s.Unconfirmed == nil || !s.Unconfirmed.Overdue || !strings.Contains(s.Waiting, "undo") || len(s.Drift) != 1 || s.Drift[0].Outcome != status.Waits {
			t.Errorf("%+v %q %+v", s.Unconfirmed, s.Waiting, s.Drift)
		}
		time.Sleep(20 * time.Minute)
		if len(fake.tries()) > 0 {
			t.Error("begun beside another")
		}
		fake.set(func() { fake.undoing = false })
		time.Sleep(patientUndoRetry + 2*time.Second)
		if len(fake.tries()) == 0 {
			t.Error("not begun once the other one has ended")
		}
		r.as(func(e *engine.Engine) error { return e.Store.DropPending() })
		r.rest()
		r.want(map[string]string{"a": "1"})
	})
}

// An undo that nobody begins is begun, again and again, ever more rarely.
func TestUndoIsBegun(t *testing.T) {
	bubble(t, func(r *rig) {
		fake := r.waits()
		fake.set(func() { fake.ticking = false })
		r.start()
		began := time.Now()
		time.Sleep(20 * time.Minute)
		var after []time.Duration
		for _, at := range fake.tries() {
			after = append(after, at.Sub(began).Round(5*time.Second))
		}
		if len(after) < 5 || len(after) > 12 || after[0] > 5*time.Second || !slices.IsSorted(after) || after[len(after)-1]-after[len(after)-2] < 4*time.Minute {
			t.Errorf("begun after %s", after)
		}
		if u := r.status().Unconfirmed; u == nil || u.Begun != len(after) || u.Error != "" {
			t.Errorf("%+v", u)
		}
		fake.set(func() { fake.err = errors.New("systemd has enough") })
		time.Sleep(10 * time.Minute)
		if u := r.status().Unconfirmed; u == nil || !strings.Contains(u.Error, "systemd has enough") {
			t.Errorf("%+v", u)
		}
		fake.set(func() { fake.err, fake.begun = nil, nil })
		time.Sleep(3 * time.Hour)
		if n := len(fake.tries()); n < 30 {
			t.Errorf("begun %d times in three hours", n)
		}
		if u := r.status().Unconfirmed; u == nil || u.Error != "" {
			t.Errorf("%+v", u)
		}
	})
}

// Without its snapshot nobody knows what the apply changed.
func TestUndoWithoutItsSnapshot(t *testing.T) {
	bubble(t, func(r *rig) {
		fake := r.waits()
		fake.set(func() { fake.ticking, fake.undoing = false, true })
		r.as(func(e *engine.Engine) error {
			names, err := e.Store.Snapshots()
			if err != nil {
				return err
			}
			return e.Store.DropSnapshot(names[0])
		})
		r.start()
		r.touch("b", "2", "")
		r.rest()
		if r.text("b") == "1" {
			t.Error("repaired what may be about to be undone")
		}
	})
}

// An apply that was killed is brought to its end by the agent, and what undoes it
// is still what goes back to before it.
func TestConvergingWhatWasCutShort(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.stop()
		r.wish(map[string]string{"a": "2", "c": "2"})
		var snapshot string
		r.as(func(e *engine.Engine) error {
			if err := activate(e.Store, r.cfg, nil); err != nil {
				return err
			}
			snap := &state.Snapshot{Taken: time.Now(), Absent: []resource.ID{{Kind: "thing", Name: "before"}}}
			err := e.Store.SaveSnapshot(snap)
			snapshot = snap.Name
			return err
		})
		r.start()
		r.want(map[string]string{"a": "2", "c": "2"})
		r.as(func(e *engine.Engine) error {
			entries, err := e.Store.History()
			if last := entries[len(entries)-1]; last.Snapshot != snapshot {
				t.Errorf("undone by %q instead of %q", last.Snapshot, snapshot)
			}
			snap, err2 := e.Store.Snapshot(snapshot)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			if !slices.Contains(snap.Absent, resource.ID{Kind: "thing", Name: "before"}) || !slices.Contains(snap.Absent, resource.ID{Kind: "thing", Name: "c"}) {
				t.Errorf("%+v", snap)
			}
			if again, err := e.Store.CutShort(); again != "" || err != nil {
				t.Errorf("still cut short: %q, %v", again, err)
			}
			return nil
		})
	})
}

func TestWhatAnUndoTouches(t *testing.T) {
	store, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	thing := func(name string) resource.ID { return resource.ID{Kind: "thing", Name: name} }
	snap := &state.Snapshot{Taken: time.Now(), Present: []state.Was{{ID: thing("changed")}}, Absent: []resource.ID{thing("made")}}
	if err := store.SaveSnapshot(snap); err != nil {
		t.Fatal(err)
	}
	touched := touchedBy(store, snap.Name)
	for name, want := range map[string]bool{"changed": true, "made": true, "other": false} {
		if touched.Has(thing(name), resource.Traits{}) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

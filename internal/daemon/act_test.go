package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/watch"
)

// What is quick does not wait for a service, in whatever order they stand in the
// files.
func TestWhatIsQuickIsRepairedFirst(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "unit:u.service": "1"})
		slices.Reverse(r.cfg.Desired.Present)
		for i, one := range r.cfg.Desired.Present {
			r.cfg.Desired.Present[i].Owners = []resource.Owner{{Block: resource.ID{Kind: "block", Name: one.ID.Name}}}
		}
		r.start()
		r.alter(func() { r.starts = time.Minute })
		r.touch("u.service", "2", "")
		r.touch("a", "2", "")
		r.soonIs("a", "1")
		r.want(map[string]string{"u.service": "2"})
		time.Sleep(time.Minute)
		r.rest()
		r.want(map[string]string{"u.service": "1"})
	})
}

// A file that its program would refuse keeps no rule waiting.
func TestWhatGuardsTheHostDoesNotWaitForAnotherMistake(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "chain:ip/filter/X": "1"})
		r.start()
		r.alter(func() { r.rejects = "a" })
		r.touch("a", "2", "")
		r.touch("ip/filter/X", "2", "")
		r.rest()
		r.want(map[string]string{"a": "2", "ip/filter/X": "1"})
		if s := r.status(); !strings.Contains(s.Error, "its program refuses this") {
			t.Errorf("status: %+v", s)
		}
		r.alter(func() { r.rejects = "" })
		time.Sleep(retry + time.Second)
		r.want(map[string]string{"a": "1"})
	})
}

// The status tells how the host is after a repair, so that is looked at.
func TestWhatWasChangedIsLookedAtAgain(t *testing.T) {
	id := resource.ID{Kind: "tun", Name: "tun0"}
	for _, c := range []struct {
		result engine.Result
		want   []resource.Hint
	}{
		{engine.Result{Change: engine.Change{ID: id, IsDrift: true}}, []resource.Hint{{Kind: "tun", Name: "tun0"}}},
		{engine.Result{Change: engine.Change{ID: id}}, []resource.Hint{{}}},
		{engine.Result{Change: engine.Change{ID: id}, Err: errors.New("no")}, nil},
	} {
		a, p := &agent{events: events{queue: watch.NewQueue(real.guards)}}, &pass{}
		a.passAgain(p, engine.Report{Results: []engine.Result{c.result}})
		if got := a.events.queue.Take(); !slices.Equal(got, c.want) || !slices.Equal(p.acts.touched, []resource.ID{id}) {
			t.Errorf("%+v: %+v, %+v", c.result, got, p.acts.touched)
		}
	}
}

// Of repairs, and of what an earlier run left, there is nothing to go back to.
func TestRepairsAreNotUndone(t *testing.T) {
	for reason, want := range map[engine.Reason]bool{
		engine.New: true, engine.Configuration: true, engine.TakesOver: true, engine.Dropped: true,
		engine.Unfinished: false, engine.Owed: false,
	} {
		if got := undoable(&engine.Plan{Changes: []engine.Change{{Reason: reason}}}); got != want {
			t.Errorf("%s can be undone: %v", reason, got)
		}
	}
	if undoable(&engine.Plan{Changes: []engine.Change{{Reason: engine.Drift, IsDrift: true}}}) {
		t.Error("a repair can be undone")
	}
}

func TestOfRepairsTheLastOnesAreTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for i := range findings.MostRecent + 5 {
			r.touch("a", fmt.Sprint("moved ", i), "")
			time.Sleep(time.Minute)
		}
		s := r.status()
		if len(s.Recent) != findings.MostRecent || s.Recent[0].Diffs[0].Before != fmt.Sprint("moved ", findings.MostRecent+4) {
			t.Errorf("%d repairs, the newest: %+v", len(s.Recent), s.Recent[0])
		}
	})
}

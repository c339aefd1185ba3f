package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/watch"
)

// sees returns what is looked at while something is done, and until rest.
func (r *rig) sees(do func()) string {
	r.alter(func() { r.seen = make(map[string]bool) })
	do()
	r.rest()
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(r.seen)), " ")
}

// reads makes a thing of the next wish follow another one.
func (r *rig) reads(name, source string) {
	for i, one := range r.cfg.Desired.Present {
		if one.ID.Name == name {
			on := resource.ID{Kind: "thing", Name: source}
			r.cfg.Desired.Present[i].Triggers = []resource.Trigger{{On: on, Do: resource.Rebuild}}
		}
	}
}

func (r *rig) expectSeen(what, got, want string) {
	r.Helper()
	if got != want {
		r.Errorf("%s: looked at %q instead of %q", what, got, want)
	}
}

func TestEventIsALookThereAndAtWhoReadsIt(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "copy": "1", "print": "1", "chain:ip/nat/X": "1", "chain:ip/filter/Y": "1", "unit:u": "1"})
		r.reads("copy", "a")
		r.reads("print", "copy")
		r.start()
		r.expectSeen("a file", r.sees(func() { r.touch("a", "2", "") }), "a copy print")
		r.expectSeen("its reader", r.sees(func() { r.touch("print", "2", "") }), "print")
		r.expectSeen("a chain", r.sees(func() { r.touch("ip/nat/X", "2", "") }), "ip/filter/Y ip/nat/X")
		r.expectSeen("what nobody asked for", r.sees(func() { r.touch("foreign", "2", "") }), "")
		r.expectSeen("a lost event", r.sees(r.kickState), "a b copy ip/filter/Y ip/nat/X print u")
		r.want(map[string]string{"a": "1", "print": "1", "ip/nat/X": "1"})
		if s := r.status(); len(s.Recent) != 5 || len(s.Drift)+len(s.Pending) > 0 {
			t.Errorf("status: %+v", s)
		}
	})
}

func TestLostEventFindsWhatWasMissed(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.things["a"] = "2" })
		r.touch("b", "2", "")
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
		for i := range watch.MostHints + 1 {
			r.touch(fmt.Sprint("foreign", i), "1", "")
		}
		r.rest()
		r.want(map[string]string{"a": "1"})
	})
}

func TestIntervalIsKeptWhileEventsGoOn(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.alter(func() { r.things["a"] = "2" })
		for range 12 {
			r.touch("b", "1", "")
			time.Sleep(30 * time.Second)
		}
		r.want(map[string]string{"a": "1"})
	})
}

func TestWhatIsWrongElsewhereIsTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "c": "1"}, observe)
		r.alter(func() { r.things = map[string]string{"a": "1", "b": "1", "c": "1"} })
		r.start()
		told := func(want ...string) {
			t.Helper()
			var names []string
			for _, d := range r.status().Drift {
				names = append(names, d.ID.Name)
			}
			for _, p := range r.status().Pending {
				names = append(names, p.ID.Name)
			}
			if slices.Sort(names); !slices.Equal(names, want) {
				t.Errorf("wrong is said to be %q, not %q", names, want)
			}
		}
		told()
		r.touch("a", "2", "")
		r.rest()
		told("a")
		r.expectSeen("a second one", r.sees(func() { r.touch("b", "2", "") }), "a b")
		told("a", "b")
		r.alter(func() { r.things["a"] = "1" }) // nobody heard of it
		r.touch("c", "2", "")
		r.rest()
		told("b", "c")
	})
}

func TestAnotherWishIsLookedAtWhole(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1", "b": "2", "c": "1"})
		r.choose(func() { r.busy = "apt-get (process 7)" })
		r.reload()
		r.want(map[string]string{"b": "1"})
		r.expectSeen("while it waits", r.sees(func() { r.touch("a", "1", "") }), "a b c")
		r.choose(func() { r.busy = "" })
		r.rest()
		r.want(map[string]string{"b": "2", "c": "1"})
	})
}

// What leaves and had to wait is in the next look, though no wish is left of it.
func TestWhatLeavesIsNotForgotten(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		r.wish(map[string]string{"a": "1"})
		r.choose(func() { r.busy = "apt-get (process 7)" })
		r.reload()
		r.want(map[string]string{"b": "1"})
		r.choose(func() { r.busy = "" })
		r.rest()
		r.want(map[string]string{"b": ""})
	})
}

// Another try of what failed is a look at that and at nothing else.
func TestAnotherTryLooksNowhereElse(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "c": "1"})
		r.start()
		r.alter(func() { r.broken["a"] = true })
		r.touch("a", "2", "")
		r.rest()
		r.expectSeen("another try", r.sees(func() { time.Sleep(10 * time.Second) }), "a")
	})
}

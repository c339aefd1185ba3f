package backoff

import (
	"testing"
	"time"

	"vpnd/internal/resource"
)

var (
	nat    = resource.ID{Kind: "chain", Name: "ip/nat/X"}
	filter = resource.ID{Kind: "chain", Name: "ip/filter/X"}
	useful = resource.ID{Kind: "file", Name: "/etc/x"}
)

// guards stands for what the kinds say: only rules guard the host, and are
// essential.
func guards(id resource.ID) bool { return id.Kind == "chain" }

// ring is flapping in slow motion: every step something moves the thing, and it is
// repaired where damping admits that.
type ring struct {
	now time.Time
	d   *Damping
}

func newRing() *ring {
	r := &ring{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.d = NewDamping(func() time.Time { return r.now }, guards)
	return r
}

// hit is one move; it returns whether it was repaired.
func (r *ring) hit(id resource.ID, after time.Duration) bool {
	r.now = r.now.Add(after)
	r.d.Ended()
	r.d.Looked(r.now)
	ok := r.d.Admits(id)
	r.d.Moved(id, "evil")
	if ok {
		r.d.Repaired(id, "evil")
	}
	return ok
}

func TestGivesInAndWaitsLonger(t *testing.T) {
	r := newRing()
	for i := range 3 {
		if !r.hit(useful, Flurry) {
			t.Fatalf("repair %d was not let", i)
		}
	}
	var waits []time.Duration
	last := r.now
	for range 6 * 1200 { // the other writer goes on for hours, every flurry
		if r.hit(useful, Flurry) {
			waits = append(waits, r.now.Sub(last).Round(time.Minute))
			last = r.now
		}
	}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60, 60}
	if len(waits) != len(want) {
		t.Fatalf("waits: %v", waits)
	}
	for i := range want {
		if waits[i] != want[i]*time.Minute {
			t.Errorf("wait %d: %v instead of %v minutes", i, waits[i], want[i])
		}
	}
	if all := r.d.All(); len(all) != 1 || all[0].By != "evil" || all[0].ID != useful {
		t.Errorf("flapping: %+v", all)
	}
}

func TestSlowChangesDoNotFlap(t *testing.T) {
	r := newRing()
	for range 100 {
		if !r.hit(useful, 31*time.Second) {
			t.Fatal("a repair every half minute was not let")
		}
	}
}

func TestFlappingEnds(t *testing.T) {
	r := newRing()
	for range 10 {
		r.hit(useful, Flurry)
	}
	at, ok := r.d.Next()
	if !ok || at.Sub(r.now) > time.Minute {
		t.Fatalf("next look at %v, %v", at, ok)
	}
	r.now = at
	if !r.hit(useful, 0) {
		t.Fatal("no repair was tried after the wait")
	}
	if at, ok = r.d.Next(); !ok || at.Sub(r.now) != stableAfter {
		t.Fatalf("it is stable at %v, %v", at, ok)
	}
	r.now = at
	if over := r.d.Ended(); len(over) != 1 || over[0] != useful {
		t.Errorf("over: %v", over)
	}
	if _, ok := r.d.Next(); ok || len(r.d.things) != 0 {
		t.Error("something is remembered")
	}
}

func TestWhatIsEssentialIsNeverGivenUp(t *testing.T) {
	for _, id := range []resource.ID{filter, nat, {Kind: "chain", Name: "ip6/mangle/X"}} {
		r := newRing()
		repairs := 0
		for range 3600 { // flushed once a second for an hour
			if r.hit(id, time.Second) {
				repairs++
			}
		}
		if repairs != 3600 {
			t.Errorf("%s: %d of 3600 repairs", id, repairs)
		}
		for range 100 { // and by somebody who is as fast as vpnd: not faster than a gap apart
			r.hit(id, 10*time.Millisecond)
		}
		if f := r.d.Flap(id); f.Repairs > 3600+10 || !f.Until.IsZero() {
			t.Errorf("%s: %d repairs in a second, left alone until %s", id, f.Repairs-3600, f.Until)
		}
	}
}

// What one program does within a moment is one event, however many repairs it
// takes; another program's is another.
func TestOneFlurryIsOneEvent(t *testing.T) {
	reload := func(r *ring, by ...string) {
		for i := range 6 {
			r.now = r.now.Add(400 * time.Millisecond)
			r.d.Repaired(useful, by[i%len(by)])
		}
	}
	r := newRing()
	for i := range 3 {
		reload(r, "iptables (process 7)", "iptables (process 8)")
		ok, begins := r.d.Admits(useful), r.d.Moved(useful, "iptables (process 9)")
		if flaps := i == 2; ok == flaps || begins != flaps {
			t.Errorf("reload %d: %v, %v", i, ok, begins)
		}
		r.now = r.now.Add(10 * time.Second)
	}
	r = newRing()
	reload(r, "iptables (process 7)", "evil (process 8)")
	if ok, begins := r.d.Admits(useful), r.d.Moved(useful, ""); ok || !begins {
		t.Error("two programs are taken for one")
	}
}

// Flapping is not over while its thing is left alone, however long that is.
func TestFlappingDoesNotEndWhileItWaits(t *testing.T) {
	r := newRing()
	for !r.d.Flapping(useful) || r.d.things[useful].wait < 8*time.Minute {
		r.hit(useful, time.Second)
	}
	until := r.d.Flap(useful).Until
	for ; r.now.Before(until.Add(stableAfter)); r.now = r.now.Add(30 * time.Second) {
		if over := r.d.Ended(); len(over) > 0 {
			t.Fatalf("over %s before the end of the wait", until.Sub(r.now))
		}
	}
	if over := r.d.Ended(); len(over) != 1 {
		t.Error("it goes on for ever")
	}
}

// A wait that ends while a look goes on is heeded after it, once.
func TestAWaitThatEndsMeanwhileIsHeeded(t *testing.T) {
	r := newRing()
	for range MostRepairs + 1 {
		r.hit(nat, Flurry)
	}
	r.now = r.now.Add(Gap / 2)
	began := r.now
	if r.d.Admits(nat) {
		t.Fatal("it is repaired at once")
	}
	r.d.Moved(nat, "evil")
	r.now = r.now.Add(Gap)
	r.d.Looked(began)
	if at, ok := r.d.Next(); !ok || at.After(r.now) {
		t.Errorf("the next look is at %s, %s from now", at, at.Sub(r.now))
	}
	r.d.Looked(r.now)
	if at, ok := r.d.Next(); !ok || !at.After(r.now) {
		t.Errorf("after a look the next one is at %s, %s from now", at, at.Sub(r.now))
	}
}

package daemon

import (
	"testing"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

var (
	nat    = resource.ID{Kind: "chain", Name: "ip/nat/X"}
	filter = resource.ID{Kind: "chain", Name: "ip/filter/X"}
	useful = resource.ID{Kind: "file", Name: "/etc/x"}
)

// ring is a fight in slow motion: every step something moves the thing, and it
// is repaired where the limiter lets it.
type ring struct {
	now time.Time
	l   *limiter
}

func newRing() *ring {
	r := &ring{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.l = newLimiter(func() time.Time { return r.now }, real.essential)
	return r
}

// hit is one move; it returns whether it was repaired.
func (r *ring) hit(id resource.ID, after time.Duration) bool {
	r.now = r.now.Add(after)
	r.l.calm()
	ok, _ := r.l.admit(id, "evil")
	if ok {
		r.l.repaired(id, "evil")
	}
	return ok
}

func TestGivesInAndWaitsLonger(t *testing.T) {
	r := newRing()
	for i := range 3 {
		if !r.hit(useful, flurry) {
			t.Fatalf("repair %d was not let", i)
		}
	}
	var waits []time.Duration
	last := r.now
	for range 6 * 1200 { // the other writer goes on for hours, every flurry
		if r.hit(useful, flurry) {
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
	if b := r.l.fight(useful); b == nil || b.by != "evil" {
		t.Errorf("the fight: %+v", b)
	}
}

// What admits people is repaired however often somebody damages it.
func TestWhatAdmitsPeopleIsNeverGivenUp(t *testing.T) {
	for _, id := range []resource.ID{
		{Kind: "crl", Name: "/var/lib/vpnd/pki/office/crl.pem"},
		{Kind: "assembled_file", Name: "/etc/openvpn/server/office/crl.pem"},
		{Kind: "openvpn_admission", Name: "/run/openvpn-server/office/management.sock"},
	} {
		r := newRing()
		for i := range 20 {
			if !r.hit(id, 5*time.Second) {
				t.Errorf("%s: repair %d was not let", id, i)
				break
			}
		}
	}
}

func TestSlowChangesAreNoFight(t *testing.T) {
	r := newRing()
	for range 100 {
		if !r.hit(useful, 31*time.Second) {
			t.Fatal("a repair every half minute was not let")
		}
	}
}

func TestPeace(t *testing.T) {
	r := newRing()
	for range 10 {
		r.hit(useful, flurry)
	}
	at, ok := r.l.next()
	if !ok || at.Sub(r.now) > time.Minute {
		t.Fatalf("next look at %v, %v", at, ok)
	}
	r.now = at
	if !r.hit(useful, 0) {
		t.Fatal("no repair was tried after the wait")
	}
	if at, ok = r.l.next(); !ok || at.Sub(r.now) != truce {
		t.Fatalf("the truce ends at %v, %v", at, ok)
	}
	r.now = at
	if over := r.l.calm(); len(over) != 1 || over[0] != useful {
		t.Errorf("over: %v", over)
	}
	if _, ok := r.l.next(); ok || len(r.l.things) != 0 {
		t.Error("something is remembered")
	}
}

func TestRulesAreNeverGivenUp(t *testing.T) {
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
		for range 100 { // and by somebody who is as fast as vpnd: not faster than a breath
			r.hit(id, 10*time.Millisecond)
		}
		if b := r.l.fight(id); b.total > 3600+10 {
			t.Errorf("%s: %d repairs in a second", id, b.total-3600)
		}
	}
}

// What one program does within a moment is one event, however many repairs it
// takes; another program's is another.
func TestAFlurryIsOneEvent(t *testing.T) {
	reload := func(r *ring, by ...string) {
		for i := range 6 {
			r.now = r.now.Add(400 * time.Millisecond)
			r.l.repaired(useful, by[i%len(by)])
		}
	}
	r := newRing()
	for i := range 3 {
		reload(r, "iptables (process 7)", "iptables (process 8)")
		ok, begins := r.l.admit(useful, "iptables (process 9)")
		if fights := i == 2; ok == fights || begins != fights {
			t.Errorf("reload %d: %v, %v", i, ok, begins)
		}
		r.now = r.now.Add(10 * time.Second)
	}
	r = newRing()
	reload(r, "iptables (process 7)", "evil (process 8)")
	if ok, begins := r.l.admit(useful, ""); ok || !begins {
		t.Error("two programs are taken for one")
	}
}

func TestFightInTheLoop(t *testing.T) {
	bubble(t, func(r *rig) {
		r.wish(map[string]string{"a": "1", "b": "1", "chain:ip/filter/X": "1"})
		r.start()
		r.took()
		open := 0
		for range 10 * 60 {
			r.touch("a", "2", "evil (process 7)")
			r.touch("ip/filter/X", "2", "evil (process 7)")
			time.Sleep(500 * time.Millisecond)
			if r.text("ip/filter/X") != "1" {
				open++
			}
			time.Sleep(500 * time.Millisecond)
		}
		if open > 0 {
			t.Errorf("%d times the filter rules were still missing after half a second", open)
		}
		r.touch("b", "2", "")
		r.rest()
		r.want(map[string]string{"a": "2", "b": "1"})
		s := r.status()
		if len(s.Flapping) != 2 || s.Flapping[1].By != "evil (process 7)" || s.Flapping[1].Until.IsZero() || !s.Flapping[0].Until.IsZero() {
			t.Errorf("fights: %+v", s.Flapping)
		}
		if len(s.Drift) != 1 || s.Drift[0].Outcome != status.Flapping {
			t.Errorf("drift: %+v", s.Drift)
		}
		if n := r.logged("another program changes it"); n != 2 {
			t.Errorf("the fights were told %d times", n)
		}
		if n := r.logged("msg=repaired"); n > 20 {
			t.Errorf("%d repairs were told", n)
		}
		time.Sleep(20 * time.Minute) // peace
		r.want(map[string]string{"a": "1"})
		if s := r.status(); len(s.Flapping)+len(s.Drift) != 0 {
			t.Errorf("after peace: %+v %+v", s.Flapping, s.Drift)
		}
		if n := r.logged("has given up"); n != 2 {
			t.Errorf("peace was told %d times", n)
		}
	})
}

func TestReloadForgives(t *testing.T) {
	bubble(t, func(r *rig) {
		r.start()
		for range 10 {
			r.touch("a", "2", "evil")
			time.Sleep(time.Second)
		}
		r.want(map[string]string{"a": "2"})
		r.reload()
		r.want(map[string]string{"a": "1"})
	})
}

// A fight is not over while its thing is left alone, however long that is.
func TestNoPeaceWhileItWaits(t *testing.T) {
	r := newRing()
	for r.l.fight(useful) == nil || r.l.fight(useful).wait < 8*time.Minute {
		r.hit(useful, time.Second)
	}
	until := r.l.fight(useful).until
	for ; r.now.Before(until.Add(truce)); r.now = r.now.Add(30 * time.Second) {
		if over := r.l.calm(); len(over) > 0 {
			t.Fatalf("over %s before the end of the wait", until.Sub(r.now))
		}
	}
	if over := r.l.calm(); len(over) != 1 {
		t.Error("it goes on for ever")
	}
}

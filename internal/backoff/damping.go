// Package backoff knows when a thing is not to be changed again yet: one that is
// flapping, since another program changes it as often as vpnd repairs it (flap
// damping), and one that could not be changed (retries). It keeps times and counts
// and touches nothing.
package backoff

import (
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Flap damping: a thing that moves again after so many repairs within the window
// is flapping, and left alone for a minute, then for two, and so on up to the
// longest. After each wait one repair is tried; where nothing moves that for long
// enough, flapping is over. Only repairs of what moved are counted, and of these
// those that worked; see [Retries] for the others. What one program makes necessary
// within a flurry counts as one: a firewall that is reloaded goes away in several
// steps, and does not flap.
const (
	MostRepairs  = 3
	window       = time.Minute
	Flurry       = 3 * time.Second
	shortestWait = time.Minute
	longestWait  = time.Hour
	stableAfter  = 2 * time.Minute
	Gap          = 200 * time.Millisecond // between repairs of what is essential and flapping
)

// Damping knows what was repaired how often, and what is left alone until when.
type Damping struct {
	now       func() time.Time
	essential func(resource.ID) bool
	things    map[resource.ID]*thing
	looked    time.Time // when the last look at what is wrong began
}

// A thing is the recent past of one.
type thing struct {
	repairs []time.Time // within the window, since the last wait; of a flurry the first
	latest  time.Time   // repair
	moved   time.Time   // when it was last seen to be wrong
	wait    time.Duration
	until   time.Time // left alone until then
	since   time.Time // when it began to flap; zero where it does not
	by      string    // the other writer, where known
	total   int       // repairs since then
}

// A Flap is a thing that is flapping.
type Flap struct {
	ID      resource.ID
	By      string    // the other writer, where known
	Since   time.Time // when it began
	Repairs int       // since then
	Until   time.Time // left alone until then; zero where it is repaired all the same
}

// NewDamping returns one that has seen nothing. What is essential is repaired for
// as long as it flaps, a gap apart.
func NewDamping(now func() time.Time, essential func(resource.ID) bool) *Damping {
	return &Damping{now: now, essential: essential, things: make(map[resource.ID]*thing)}
}

// Admits says whether the thing, which is wrong, may be repaired right now as far as
// other writers go. It notes nothing.
func (d *Damping) Admits(id resource.ID) bool {
	t := d.things[id]
	if t == nil {
		return true
	}
	would := *t
	would.repairs = slices.Clone(t.repairs)
	return would.admit(d.now(), d.essential(id))
}

// Moved notes that the thing moved and would be repaired, and says whether it begins
// to flap with that.
func (d *Damping) Moved(id resource.ID, by string) (begins bool) {
	t := d.things[id]
	if t == nil {
		return false
	}
	now := d.now()
	t.moved = now
	if by != "" {
		t.by = by
	}
	stable := t.since.IsZero()
	t.admit(now, d.essential(id))
	return stable && !t.since.IsZero()
}

// admit says whether the thing may be repaired, and where that is too often by now,
// begins a wait.
func (t *thing) admit(now time.Time, essential bool) bool {
	if now.Before(t.until) {
		return false
	}
	t.forget(now)
	if len(t.repairs) < t.bound() {
		return true
	}
	if t.since.IsZero() {
		t.since = now
	}
	if essential {
		t.until = t.latest.Add(Gap)
	} else {
		t.wait = min(max(2*t.wait, shortestWait), longestWait)
		t.until, t.repairs = now.Add(t.wait), nil
	}
	return !now.Before(t.until)
}

// bound is how many repairs a thing may have within the window.
func (t *thing) bound() int {
	if t.since.IsZero() {
		return MostRepairs
	}
	return 1
}

// forget drops repairs that are out of the window.
func (t *thing) forget(now time.Time) {
	t.repairs = slices.DeleteFunc(t.repairs, func(at time.Time) bool { return now.Sub(at) >= window })
}

// Repaired notes a repair of what that program did; empty where nobody knows.
func (d *Damping) Repaired(id resource.ID, by string) {
	t := d.things[id]
	if t == nil {
		t = &thing{}
		d.things[id] = t
	}
	now := d.now()
	if n := len(t.repairs); n == 0 || now.Sub(t.repairs[n-1]) >= Flurry || nameOf(t.by) != nameOf(by) {
		t.repairs = append(t.repairs, now)
	}
	t.latest, t.moved = now, now
	if by != "" {
		t.by = by
	}
	t.total++
}

// nameOf returns the name of a writer without its process: each call of iptables
// in a script is another one.
func nameOf(by string) string {
	name, _, _ := strings.Cut(by, " (process")
	return name
}

// Flapping says whether a thing is flapping.
func (d *Damping) Flapping(id resource.ID) bool {
	t := d.things[id]
	return t != nil && !t.since.IsZero()
}

// Flap returns what is known of a thing that is flapping.
func (d *Damping) Flap(id resource.ID) Flap {
	t := d.things[id]
	f := Flap{ID: id, By: t.by, Since: t.since, Repairs: t.total}
	if !d.essential(id) {
		f.Until = t.until
	}
	return f
}

// All returns what is flapping, in the order of its IDs.
func (d *Damping) All() []Flap {
	var all []Flap
	for id := range d.things {
		if d.Flapping(id) {
			all = append(all, d.Flap(id))
		}
	}
	resource.Sort(all, func(a, b Flap) int { return a.ID.Compare(b.ID) })
	return all
}

// Ended forgets what is stable and returns what has ceased to flap.
func (d *Damping) Ended() []resource.ID {
	now := d.now()
	var ended []resource.ID
	for id, t := range d.things {
		t.forget(now)
		switch {
		case t.since.IsZero() && len(t.repairs) == 0:
			delete(d.things, id)
		case !t.since.IsZero() && !now.Before(t.stable()):
			delete(d.things, id)
			ended = append(ended, id)
		}
	}
	slices.SortFunc(ended, resource.ID.Compare)
	return ended
}

// stable is when flapping is over unless the thing moves again.
func (t *thing) stable() time.Time {
	if t.until.After(t.moved) {
		return t.until.Add(stableAfter)
	}
	return t.moved.Add(stableAfter)
}

// Looked notes when a look at what is wrong began.
func (d *Damping) Looked(at time.Time) { d.looked = at }

// Next is when what flaps needs the next look, if anything does. A wait that ended
// while the last look went on is still to be heeded, and then that is in the past.
func (d *Damping) Next() (at time.Time, ok bool) {
	for _, t := range d.things {
		if t.since.IsZero() {
			continue
		}
		due := t.stable()
		if t.until.After(d.looked) {
			due = t.until
		}
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// Forgive begins anew: somebody has looked into it.
func (d *Damping) Forgive() { clear(d.things) }

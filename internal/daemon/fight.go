package daemon

import (
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// Manners in a fight: a thing that moves again after so many repairs within
// the window is left alone for a minute, then for two, and so on up to the
// longest. After each wait one repair is tried; where that holds for the truce,
// the fight is over. Only repairs of what moved are counted, and of these those
// that worked; see [failures] for the others. What one program makes necessary
// within a flurry counts as one: a firewall that is reloaded goes away in several
// steps, and is no fight.
const (
	mostRepairs  = 3
	window       = time.Minute
	flurry       = 3 * time.Second
	shortestWait = time.Minute
	longestWait  = time.Hour
	truce        = 2 * time.Minute
	breath       = 200 * time.Millisecond
)

// essential says whether vpnd must not give in. What is essential is repaired for
// as long as the fight lasts, a breath apart.
func (o *Options) essential(id resource.ID) bool {
	return o.Catalog.Traits(id.Kind).Essential.Of(id.Name)
}

// limiter knows what was repaired how often, and what is left alone until when.
type limiter struct {
	now       func() time.Time
	essential func(resource.ID) bool
	things    map[resource.ID]*bout
}

// bout is the recent past of one thing.
type bout struct {
	repairs []time.Time // within the window, since the last wait; of a flurry the first
	latest  time.Time   // repair
	moved   time.Time   // when it was last seen to be wrong
	wait    time.Duration
	until   time.Time // left alone until then
	since   time.Time // the fight; zero where there is none
	by      string    // the other writer, where known
	total   int       // repairs since the fight began
}

func newLimiter(now func() time.Time, essential func(resource.ID) bool) *limiter {
	return &limiter{now: now, essential: essential, things: make(map[resource.ID]*bout)}
}

// admit says whether the thing, which is wrong, may be made right now as far as
// other writers go. begins says that a fight begins with that.
func (l *limiter) admit(id resource.ID, by string) (ok, begins bool) {
	b := l.things[id]
	if b == nil {
		return true, false
	}
	now := l.now()
	b.moved = now
	if by != "" {
		b.by = by
	}
	if now.Before(b.until) {
		return false, false
	}
	b.forget(now)
	if len(b.repairs) < b.bound() {
		return true, false
	}
	if begins = b.since.IsZero(); begins {
		b.since = now
	}
	if l.essential(id) {
		b.until = b.latest.Add(breath)
	} else {
		b.wait = min(max(2*b.wait, shortestWait), longestWait)
		b.until, b.repairs = now.Add(b.wait), nil
	}
	return !now.Before(b.until), begins
}

// bound is how many repairs a thing may have within the window.
func (b *bout) bound() int {
	if b.since.IsZero() {
		return mostRepairs
	}
	return 1
}

// forget drops repairs that are out of the window.
func (b *bout) forget(now time.Time) {
	b.repairs = slices.DeleteFunc(b.repairs, func(t time.Time) bool { return now.Sub(t) >= window })
}

// repaired notes a repair.
func (l *limiter) repaired(id resource.ID, by string) {
	b := l.things[id]
	if b == nil {
		b = &bout{}
		l.things[id] = b
	}
	now := l.now()
	if n := len(b.repairs); n == 0 || now.Sub(b.repairs[n-1]) >= flurry || nameOf(b.by) != nameOf(by) {
		b.repairs = append(b.repairs, now)
	}
	b.latest, b.moved = now, now
	if by != "" {
		b.by = by
	}
	b.total++
}

// nameOf returns the name of a writer without its process: each call of iptables
// in a script is another one.
func nameOf(by string) string {
	name, _, _ := strings.Cut(by, " (process")
	return name
}

// fight returns the bout of a thing that is fought over, or nil.
func (l *limiter) fight(id resource.ID) *bout {
	if b := l.things[id]; b != nil && !b.since.IsZero() {
		return b
	}
	return nil
}

// calm forgets what is at peace and returns the fights that are over.
func (l *limiter) calm() []resource.ID {
	now := l.now()
	var over []resource.ID
	for id, b := range l.things {
		b.forget(now)
		switch {
		case b.since.IsZero() && len(b.repairs) == 0:
			delete(l.things, id)
		case !b.since.IsZero() && !now.Before(b.peace()):
			delete(l.things, id)
			over = append(over, id)
		}
	}
	slices.SortFunc(over, resource.ID.Compare)
	return over
}

// peace is when the fight is over unless the thing moves again.
func (b *bout) peace() time.Time {
	if b.until.After(b.moved) {
		return b.until.Add(truce)
	}
	return b.moved.Add(truce)
}

// next is when a fight needs the next look, if there is any.
func (l *limiter) next() (at time.Time, ok bool) {
	now := l.now()
	for _, b := range l.things {
		if b.since.IsZero() {
			continue
		}
		due := b.peace()
		if b.until.After(now) {
			due = b.until
		}
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// forgive begins anew: somebody has looked into it.
func (l *limiter) forgive() { clear(l.things) }

// contentions lists the fights.
func (a *agent) contentions() []status.Flap {
	var all []status.Flap
	for id, b := range a.fights.things {
		if b.since.IsZero() {
			continue
		}
		f := status.Flap{ID: id, By: b.by, Since: b.since, Repairs: b.total}
		if !a.essential(id) {
			f.Until = b.until
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b status.Flap) int { return a.ID.Compare(b.ID) })
	return all
}

package backoff

import (
	"maps"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// What failed is tried again after a second, then after two, and so on, each
// time twice as long, up to the longest: of what guards the host that is short.
// One that is overdue waits for something else: it is looked at once in a while
// and not all the time.
const (
	firstRetry        = time.Second
	longestRetry      = 5 * time.Minute
	LongestGuardRetry = 10 * time.Second
	overdue           = time.Second
)

// Retries are the things that could not be made as they shall be.
type Retries struct {
	now    func() time.Time
	guards func(resource.ID) bool
	things map[resource.ID]*failure
}

type failure struct {
	err  error
	wait time.Duration
	next time.Time // not tried again before
}

// NewRetries returns one where nothing failed; guards says what guards the host.
func NewRetries(now func() time.Time, guards func(resource.ID) bool) *Retries {
	return &Retries{now: now, guards: guards, things: make(map[resource.ID]*failure)}
}

// IDs returns what failed the last time.
func (r *Retries) IDs() []resource.ID { return slices.Collect(maps.Keys(r.things)) }

// Last returns why the last try failed, nil where it did not.
func (r *Retries) Last(id resource.ID) error {
	if f := r.things[id]; f != nil {
		return f.err
	}
	return nil
}

// Early says whether the last try failed and it is too early for another.
func (r *Retries) Early(id resource.ID) bool {
	f := r.things[id]
	return f != nil && r.now().Before(f.next)
}

// Tried notes what became of a try; one that worked ends the matter.
func (r *Retries) Tried(id resource.ID, err error) {
	if err == nil {
		delete(r.things, id)
		return
	}
	f := r.things[id]
	if f == nil {
		f = &failure{}
		r.things[id] = f
	}
	longest := longestRetry
	if r.guards(id) {
		longest = LongestGuardRetry
	}
	f.err, f.wait = err, min(max(2*f.wait, firstRetry), longest)
	f.next = r.now().Add(f.wait)
}

// Next is when the next try is due, if there is any.
func (r *Retries) Next() (at time.Time, ok bool) {
	now := r.now()
	for _, f := range r.things {
		due := f.next
		if !due.After(now) {
			due = now.Add(overdue)
		}
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// Forgive begins anew: somebody has looked into it.
func (r *Retries) Forgive() { clear(r.things) }

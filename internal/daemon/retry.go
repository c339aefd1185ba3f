package daemon

import (
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// What failed is tried again after a second, then after two, and so on, each
// time twice as long, up to the longest: of what guards the host that is short.
const (
	firstRetry        = time.Second
	longestRetry      = 5 * time.Minute
	longestGuardRetry = 10 * time.Second
)

// failures are the things that could not be made as they shall be.
type failures struct {
	now    func() time.Time
	guards func(resource.ID) bool
	things map[resource.ID]*failure
}

type failure struct {
	err  error
	wait time.Duration
	next time.Time // not tried again before
}

func newFailures(now func() time.Time, guards func(resource.ID) bool) *failures {
	return &failures{now: now, guards: guards, things: make(map[resource.ID]*failure)}
}

// last returns why the last try failed, nil where it did not.
func (f *failures) last(id resource.ID) error {
	if one := f.things[id]; one != nil {
		return one.err
	}
	return nil
}

// early says whether the last try failed and it is too early for another.
func (f *failures) early(id resource.ID) bool {
	one := f.things[id]
	return one != nil && f.now().Before(one.next)
}

// tried notes what became of a try; one that worked ends the matter.
func (f *failures) tried(id resource.ID, err error) {
	if err == nil {
		delete(f.things, id)
		return
	}
	one := f.things[id]
	if one == nil {
		one = &failure{}
		f.things[id] = one
	}
	longest := longestRetry
	if f.guards(id) {
		longest = longestGuardRetry
	}
	one.err, one.wait = err, min(max(2*one.wait, firstRetry), longest)
	one.next = f.now().Add(one.wait)
}

// saw forgets what a look found to be as it shall be: somebody else did it.
func (f *failures) saw(p *engine.Plan) {
	if len(f.things) == 0 {
		return
	}
	took := p.Took()
	for _, id := range p.IDs() {
		delete(took, id)
	}
	for _, problem := range p.Problems {
		delete(took, problem.ID)
	}
	for id := range took {
		delete(f.things, id)
	}
}

// next is when the next try is due, if there is any. One that is overdue has
// to wait for something else: it is looked at once a second and not all the time.
func (f *failures) next() (at time.Time, ok bool) {
	now := f.now()
	for _, one := range f.things {
		due := one.next
		if !due.After(now) {
			due = now.Add(again)
		}
		if !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// forgive begins anew: somebody has looked into it.
func (f *failures) forgive() { clear(f.things) }

// forgive begins anew with what was fought over and what failed.
func (a *agent) forgive() {
	a.fights.forgive()
	a.failures.forgive()
	clear(a.told)
}

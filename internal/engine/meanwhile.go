package engine

import (
	"context"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// soon is how long verbs may take before others are served meanwhile.
const soon = 50 * time.Millisecond

// Work is what takes long, and what nobody else may touch until it is done.
type Work struct {
	Done <-chan struct{} // closed at its end

	Now  []resource.ID // what is being changed; none while planning
	Next []resource.ID // what this apply has yet to change, and what it could not
	New  []resource.ID // what it found as wished and puts on record at its end
}

// beside has verbs called that may take long. Where there is a [Engine.Meanwhile]
// and they do, it is called for as long, and what it says it has changed is
// returned. All else of the engine stays where it is: what do touches besides the
// host is its own.
func (e *Engine) beside(work func() Work, do func()) (changed []resource.ID) {
	if e.Meanwhile == nil {
		do()
		return nil
	}
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	limit := time.NewTimer(soon)
	defer limit.Stop()
	select {
	case <-done:
		return nil
	case <-limit.C:
	}
	w := work()
	w.Done = done
	changed = e.Meanwhile(w)
	<-done
	return changed
}

// again is a plan whose items in seen are looked at once more, since they were
// changed meanwhile.
func (e *Engine) again(ctx context.Context, p *Plan, seen []*item) (*Plan, error) {
	for _, it := range seen {
		it.past, it.stands = e.past(it.ID), false
	}
	observe(ctx, seen)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	next := p.anew()
	return next, e.judgeAll(ctx, next)
}

// among returns the items of the plan with those IDs.
func (p *Plan) among(ids []resource.ID) []*item {
	items, _ := partition(p.items, func(it *item) bool { return slices.Contains(ids, it.ID) })
	return items
}

// planning changes nothing.
func planning() Work { return Work{} }

// beside is [Engine.beside] for a step of an apply that changes those things.
func (r *run) beside(step []Change, do func()) {
	r.Engine.beside(func() Work { return r.work(step) }, do)
}

func (r *run) work(step []Change) Work {
	var w Work
	for _, c := range step {
		w.Now = append(w.Now, c.ID)
	}
	for _, c := range r.left {
		w.Next = append(w.Next, c.ID)
	}
	for id := range r.failed {
		w.Next = append(w.Next, id)
	}
	for _, it := range r.plan.quiet {
		if it.past == nil && !it.leave {
			w.New = append(w.New, it.ID)
		}
	}
	return w
}

package daemon

import (
	"context"
	"maps"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
	"vpnd/internal/status"
	"vpnd/internal/watch"
)

// meanwhile is a pass beside one that waits for a step: over what is free, of what the
// hints are about. What it can't see to waits for the end of the step.
func (a *agent) meanwhile(ctx context.Context, s *step) {
	if s.freedom == nil {
		s.freedom = a.freedom(s.of, s.Work)
	}
	f := s.freedom
	p := a.newPass(byEvent, f.part(a.events.queue.Take(), s.later))
	p.beside(s.of)
	p.blame = a.mayBlame(p.Begun)
	near := a.near(p).ids
	maps.DeleteFunc(near, func(id resource.ID, _ bool) bool { return !f.free(id) })
	if len(near) == 0 || ctx.Err() != nil {
		return
	}
	p.Scope = findings.Scope{IDs: near}
	e := a.engine(p)
	plan, err := e.PlanPart(ctx, resource.Desired{Present: p.Scope.Of(f.present)})
	if err == nil {
		p.Plan = plan
		err = a.act(ctx, p, e)
	}
	a.end(p, err)
	if err != nil {
		s.later.Put(resource.Hint{})
	}
	for _, id := range p.acts.touched {
		s.later.Put(resource.Hint{Kind: id.Kind, Name: id.Name}) // some who read it may not have been free
	}
	s.touched = append(s.touched, p.acts.touched...)
	maps.Copy(s.seen, p.Scope.IDs)
}

// beside has a pass go by what one that waits for a step has found out: the lock is
// held and the state open.
func (p *pass) beside(waiting *pass) {
	p.store, p.suppression, p.Mended = waiting.store, waiting.suppression, waiting.acts.mended
	p.Facts.Beside, p.Facts.Locked = true, true
	p.Facts.Unconfirmed, p.Facts.Undoing = waiting.Facts.Unconfirmed, waiting.Facts.Undoing
}

// yield leaves to passes beside this one what they have seen since. What was repaired
// before that stays this one's repair.
func (p *pass) yield(seen findings.Scope) {
	p.Scope = p.Scope.Without(seen)
	p.news.Drift = slices.DeleteFunc(p.news.Drift, func(d status.Drift) bool { return seen.Holds(d.ID) && !p.acts.mended[d.ID] })
}

// freedom is what may be looked at and changed while a step of a pass is at
// work. It costs what is in the way and not what there is.
type freedom struct {
	*reach
	none    bool
	busy    map[string]bool      // kinds whose verbs are at work
	pending map[resource.ID]bool // what the apply has yet to do, or to put on record
	stopped map[resource.ID]bool // what needs something that is wrong and can't be made right now
}

// freedom leaves out what the apply has yet to do and what needs that, kinds
// whose verbs are at work, and what a slow thing reads: that would have to take
// notice. Of a configuration that is not agreed to yet nothing is free.
func (a *agent) freedom(p *pass, w engine.Work) *freedom {
	f := &freedom{reach: a.graph(), busy: make(map[string]bool), pending: make(map[resource.ID]bool)}
	f.none = !p.Facts.Locked || a.active.Observing() || a.active.Unsaved != nil || len(p.Refused) > 0
	for _, id := range w.Now {
		f.busy[id.Kind] = true
	}
	for _, id := range slices.Concat(w.New, w.Next) {
		f.pending[id] = true
	}
	wrong := slices.Clone(w.Next)
	for _, id := range a.wrong() {
		if !f.free(id) {
			wrong = append(wrong, id)
		}
	}
	f.stopped = f.Dependants(wrong...)
	return f
}

func (f *freedom) free(id resource.ID) bool {
	return !f.none && !f.catalog.Traits(id.Kind).Slow && !f.busy[id.Kind] && !f.pending[id] && !f.heard[id] && !f.stopped[id]
}

// covers says whether a hint is about what is free, and whether about nothing
// else that is in force.
func (f *freedom) covers(h resource.Hint) (some, all bool) {
	if h.Name != "" {
		id := resource.ID{Kind: h.Kind, Name: h.Name}
		present := f.Has(id)
		free := present && f.free(id)
		return free, free || !present
	}
	n := 0
	for _, id := range f.kinds[h.Kind] {
		if f.free(id) {
			n++
		}
	}
	return n > 0, n > 0 && n == len(f.kinds[h.Kind])
}

// part returns the hints about what is free, and puts off those that are about
// anything else too.
func (f *freedom) part(hints []resource.Hint, later *watch.Queue) (now []resource.Hint) {
	for _, h := range hints {
		some, all := f.covers(h)
		if some {
			now = append(now, h)
		}
		if !all {
			later.Put(h)
		}
	}
	return now
}

package daemon

import (
	"context"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/findings"
	"vpnd/internal/resource"
)

// An aim is what a pass is going to look at, while that is found out.
type aim struct {
	ids   map[resource.ID]bool
	kinds map[string]bool // of which all are in it
}

// aim finds the scope of a pass.
func (a *agent) aim(p *pass) findings.Scope {
	if a.everywhere(p) {
		return findings.Scope{Whole: true}
	}
	return findings.Scope{IDs: a.near(p).ids}
}

// near is the scope of a pass that is not at everything.
func (a *agent) near(p *pass) aim {
	r := a.graph()
	s := aim{ids: make(map[resource.ID]bool), kinds: make(map[string]bool)}
	for _, h := range p.hints {
		if h.Name == "" {
			s.add(r, r.kinds[h.Kind]...)
		} else if id := (resource.ID{Kind: h.Kind, Name: h.Name}); r.Has(id) {
			s.add(r, id)
		}
	}
	s.add(r, p.due...)
	s.add(r, a.wrong()...)
	if s.mayWait(a.opts.Catalog) {
		for _, id := range r.unique() {
			s.ids[id] = true
		}
	}
	return s
}

// everywhere says whether the pass has to be at everything.
func (a *agent) everywhere(p *pass) bool {
	switch {
	case p.noticed == atStart, p.noticed == byReload, a.schedule.unsure, a.active.Unsaved != nil && !a.active.Observing():
		return true
	case p.noticed == byTimer && !p.Begun.Before(a.intervalEnds()):
		return true
	}
	return slices.ContainsFunc(p.hints, func(h resource.Hint) bool {
		_, known := a.opts.Catalog.Kind(h.Kind)
		return !known
	})
}

// wrong lists what was not as it shall be when it was last seen. Every pass is
// at these too: they are tried again, and others wait for them.
func (a *agent) wrong() []resource.ID {
	return slices.Concat(a.closed, a.findings.Wrong(), a.backoff.retries.IDs())
}

// add takes things into the scope, with all that reads them.
func (s aim) add(r *reach, ids ...resource.ID) {
	for _, id := range ids {
		if s.ids[id] {
			continue
		}
		s.ids[id] = true
		s.add(r, r.Readers(id)...)
		if r.catalog.Traits(id.Kind).Whole && !s.kinds[id.Kind] {
			s.kinds[id.Kind] = true
			s.add(r, r.kinds[id.Kind]...)
		}
	}
}

// widen plans everything where a pass over a part of it finds that something is
// lost: what waits for that may be anywhere. From then on all of it is known to
// be wrong, and every pass is at it.
func (a *agent) widen(ctx context.Context, p *pass, e *engine.Engine, plan *engine.Plan) (*engine.Plan, error) {
	if plan == nil || p.Scope.Whole || !slices.ContainsFunc(plan.Changes, a.findings.NewlyProtected) {
		return plan, nil
	}
	p.Scope = findings.Scope{Whole: true}
	return a.plan(ctx, p, e)
}

// unique lists the things that can be lost in this way.
func (r *reach) unique() []resource.ID {
	if r.halves == nil {
		r.halves = []resource.ID{}
		for _, one := range r.present {
			if k, ok := r.catalog.Kind(one.ID.Kind); ok && k.Invalidates(nil, one.Want) != "" {
				r.halves = append(r.halves, one.ID)
			}
		}
	}
	return r.halves
}

// mayWait says whether anything in the scope is made from keys, or is a directory of
// theirs, so that the pass has to know whether one is lost.
func (s aim) mayWait(c resource.Catalog) bool {
	for id := range s.ids {
		if c.Traits(id.Kind).Path {
			return true
		}
	}
	return false
}

package engine

import (
	"context"
	"slices"

	"vpnd/internal/engine/glance"
	"vpnd/internal/resource"
)

// recognise finds out which of the wishes stand as the last look found them, and takes
// over from that how they are written and what is there.
func (e *Engine) recognise(ctx context.Context, present []*item) {
	if e.Glance == nil {
		return
	}
	things := make([]glance.Thing, len(present))
	for i, it := range present {
		things[i] = it.thing()
	}
	for i, s := range e.Glance.Look(ctx, things, e.Now()) {
		it := present[i]
		if it.place = i; s.Got != nil {
			it.stands, it.Want, it.got = true, s.Want, s.Got
		}
	}
}

// remember keeps for the next look what the plan found as it shall be, and as it is on
// record.
func (e *Engine) remember(p *Plan) {
	if e.Glance == nil {
		return
	}
	for _, it := range p.items {
		if it.agrees && !it.changes && it.got != nil && (it.stands || it.recorded() && len(notes(it)) == 0) {
			e.Glance.Keep(it.place, glance.Sight{Want: it.Want, Got: it.got})
		}
	}
}

func (it *item) thing() glance.Thing {
	return glance.Thing{Kind: it.kind, Name: it.ID.Name, Asked: it.asked, Past: it.past, Wish: it.Want}
}

// sorted puts what is asked for in order. Where nothing else is asked for than at the
// last look, nor was on record, its order is the same.
func (e *Engine) sorted(present []*item) ([]*item, *resource.Graph, error) {
	if e.Glance == nil {
		return e.order(present)
	}
	var err error
	if e.Glance.Graph == nil {
		g := e.graph(present)
		if e.Glance.Turns, err = g.Order(); err != nil {
			return nil, nil, err
		}
		e.Glance.Graph = g
	}
	return inTurn(present, e.Glance.Turns), e.Glance.Graph.Again(e.resources(present)), nil
}

// passes says whether an item that stands as the last look found it needs no change, nor
// has it to take notice of one.
func (f *follower) passes(it *item) bool {
	if !it.stands || it.before != nil || it.kind.Gives || f.store.Owed(it.ID) != resource.None {
		return false
	}
	heeds := func(t resource.Trigger) bool {
		_, changed := f.changed[t.On]
		return changed || t.Do == resource.Restart
	}
	return !slices.ContainsFunc(it.Triggers, heeds) && !slices.ContainsFunc(it.past.Triggers, heeds)
}

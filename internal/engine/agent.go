package engine

import (
	"context"
	"slices"

	"vpnd/internal/resource"
)

// What an agent needs besides: parts of a plan, what was seen while planning,
// and applies that leave no snapshot and come to the end of a step.

// Without returns the plan without the changes that skip names. What is left
// out stays in the next plan.
func (p *Plan) Without(skip func(Change) bool) *Plan {
	rest := *p
	rest.Changes = nil
	for _, c := range p.Changes {
		if !skip(c) {
			rest.Changes = append(rest.Changes, c)
		}
	}
	return &rest
}

// Barring returns the plan for an apply that leaves these things as they are,
// wrong: what needs them is skipped, as after a failure.
func (p *Plan) Barring(ids ...resource.ID) *Plan {
	rest := *p
	rest.barred = ids
	return &rest
}

// SlowLast returns the plan with what is slow, and all that needs it, after the
// rest. A plan that takes anything away keeps its order.
func (p *Plan) SlowLast(slow func(resource.ID) bool) *Plan {
	changes, behind := make(map[resource.ID]bool), make(map[resource.ID]bool)
	for _, c := range p.Changes {
		if c.item.leave || c.item.undo {
			return p
		}
		changes[c.ID] = true
	}
	w := p.comes.Walk()
	var follow func(id resource.ID)
	follow = func(id resource.ID) {
		if behind[id] || !changes[id] {
			return
		}
		behind[id] = true
		for _, next := range slices.Concat(w.Next(id), w.Readers(id)) {
			follow(next)
		}
	}
	for id := range changes {
		if slow(id) {
			follow(id)
		}
	}
	var quick, rest []Change
	for _, c := range p.Changes {
		if behind[c.ID] {
			rest = append(rest, c)
		} else {
			quick = append(quick, c)
		}
	}
	sorted := *p
	sorted.Changes = append(quick, rest...)
	return &sorted
}

// A Sight is what was observed of one resource while planning.
type Sight struct {
	ID     resource.ID
	Owners []resource.Owner
	Got    any // *T of its kind
}

// Seen returns what is there and asked for of the kinds that a view tells of, in the
// order of the plan.
func (p *Plan) Seen(view resource.View) []Sight {
	var seen []Sight
	for _, it := range p.items {
		if it.kind.View == view && it.got != nil && !it.leave {
			seen = append(seen, Sight{ID: it.ID, Owners: it.Owners, Got: it.got})
		}
	}
	return seen
}

// Took returns every resource that took part in the plan, changed or not.
func (p *Plan) Took() map[resource.ID]bool {
	took := make(map[resource.ID]bool, len(p.items))
	for _, it := range p.items {
		took[it.ID] = true
	}
	return took
}

// Touched returns what the plan takes back or gives up, apart from refreshes.
func (p *Plan) Touched() []resource.ID {
	var ids []resource.ID
	for _, c := range p.Changes {
		if c.Action != Refresh && (c.item.undo || c.item.leave) {
			ids = append(ids, c.ID)
		}
	}
	for _, it := range p.quiet {
		if it.leave {
			ids = append(ids, it.ID)
		}
	}
	return ids
}

// Converge is [Engine.Apply] for an agent. Where ctx ends in the middle, the
// step at work comes to its end and no other begins. Only where undoable says
// so a snapshot is kept: a repair is nothing that anybody would undo, and
// would push the snapshots of applies out.
func (e *Engine) Converge(ctx context.Context, p *Plan, undoable bool) Report {
	return e.converge(ctx, context.WithoutCancel(ctx), p, undoable)
}

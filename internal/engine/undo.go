package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// before returns what undoes the plan: each thing that it changes as it is
// now, with its record, and the readers of those things.
func (e *Engine) before(p *Plan) (*state.Snapshot, error) {
	snap := &state.Snapshot{Taken: e.Now()}
	changed := make(map[resource.ID]bool)
	for _, id := range p.IDs() {
		changed[id] = true
	}
	for _, it := range p.items {
		if !changed[it.ID] && !follows(it, changed) {
			continue
		}
		if err := e.beforeOf(it, snap); err != nil {
			return nil, err
		}
		if it.got == nil {
			snap.Absent = append(snap.Absent, it.ID)
			continue
		}
		shape, err := resource.Encode(it.got, resource.Reveal)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.ID, err)
		}
		snap.Present = append(snap.Present, state.Was{ID: it.ID, Owners: it.Owners, After: it.After, Triggers: it.Triggers, Shape: shape})
	}
	return snap, nil
}

// beforeOf keeps the record of an item, and with it what the end of that record
// would take along.
func (e *Engine) beforeOf(it *item, snap *state.Snapshot) error {
	if it.past == nil {
		return nil
	}
	snap.Records = append(snap.Records, *it.past)
	if it.past.Prior == "" || !it.leave {
		return nil
	}
	prior, err := e.Store.ReadPrior(it.past.Prior)
	if err != nil {
		return fmt.Errorf("%s: %w", it.ID, err)
	}
	if snap.Priors == nil {
		snap.Priors = make(map[string]json.RawMessage)
	}
	snap.Priors[it.past.Prior] = prior
	return nil
}

func follows(it *item, changed map[resource.ID]bool) bool {
	for _, t := range it.reads() {
		if changed[t.On] && it.err == nil {
			return true
		}
	}
	return false
}

func (p *Plan) undoes() bool {
	for _, it := range p.items {
		if it.undo {
			return true
		}
	}
	return false
}

// PlanUndo plans the way back to a snapshot, records included.
func (e *Engine) PlanUndo(ctx context.Context, snap *state.Snapshot) (*Plan, error) {
	records := make(map[resource.ID]state.Record)
	for _, r := range snap.Records {
		records[r.ID] = r
	}
	var present, leaving []*item
	for _, was := range snap.Present {
		it, err := e.undoing(was.ID, records, snap.Priors)
		if err != nil {
			return nil, err
		}
		shape := it.kind.New()
		if err := resource.Decode(was.Shape, shape); err != nil {
			return nil, fmt.Errorf("%s: %w", was.ID, err)
		}
		it.Want = resource.Lasting(shape)
		it.Owners, it.After, it.Triggers = was.Owners, was.After, was.Triggers
		present = append(present, it)
	}
	for _, id := range snap.Absent {
		it, err := e.undoing(id, records, snap.Priors)
		if err != nil {
			return nil, err
		}
		it.leave = true
		if it.past != nil {
			it.Owners, it.After = it.past.Owners, it.past.After
		}
		leaving = append(leaving, it)
	}
	p, err := e.plan(ctx, present, leaving)
	if err == nil {
		p.advise(ctx)
	}
	return p, err
}

// undoing returns an item whose record becomes what it was.
func (e *Engine) undoing(id resource.ID, records map[resource.ID]state.Record, priors map[string]json.RawMessage) (*item, error) {
	k, err := e.kind(id)
	if err != nil {
		return nil, err
	}
	it := &item{Resource: resource.Resource{ID: id}, kind: k, past: e.past(id), undo: true}
	it.final = []state.Fact{{Drop: &id}}
	if record, ok := records[id]; ok {
		it.final = []state.Fact{{Put: &record}}
		it.prior = priors[record.Prior]
	}
	return it, nil
}

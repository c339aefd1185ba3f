package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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
		was, err := state.NewWas(it.Resource, it.got)
		if err != nil {
			return nil, err
		}
		snap.Present = append(snap.Present, was)
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
	if it.past.Prior == "" || !it.leave || it.lost != nil {
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

// manages says whether an attribute is vpnd's by either record, that from before
// an apply or that of now.
func manages(before state.Record, now *state.Record) func(string) bool {
	return func(attr string) bool {
		for _, r := range []*state.Record{&before, now} {
			if r == nil {
				continue
			}
			if _, wished := r.Want[attr]; wished || slices.Contains(r.Touched, attr) {
				return true
			}
		}
		return false
	}
}

// resumed returns a snapshot that goes back to before the apply that was cut
// short, where there was one: what was half done is nothing to go back to. It
// has the name of the older one, so that this takes its place.
func (e *Engine) resumed(snap *state.Snapshot) *state.Snapshot {
	if e.Resumes == "" {
		return snap
	}
	old, err := e.Store.Snapshot(e.Resumes)
	if err != nil {
		return snap // it is gone, and this is what there is
	}
	known := make(map[resource.ID]bool)
	for _, was := range old.Present {
		known[was.ID] = true
	}
	for _, id := range old.Absent {
		known[id] = true
	}
	for _, was := range snap.Present {
		if !known[was.ID] {
			old.Present = append(old.Present, was)
		}
	}
	for _, id := range snap.Absent {
		if !known[id] {
			old.Absent = append(old.Absent, id)
		}
	}
	for _, record := range snap.Records {
		if !known[record.ID] {
			old.Records = append(old.Records, record)
			if prior, ok := snap.Priors[record.Prior]; ok {
				if old.Priors == nil {
					old.Priors = make(map[string]json.RawMessage)
				}
				old.Priors[record.Prior] = prior
			}
		}
	}
	return old
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

// PlanUndo plans the way back to a snapshot, records included. What is in keep
// does not go back, but becomes what is asked for there.
func (e *Engine) PlanUndo(ctx context.Context, snap *state.Snapshot, keep ...state.Was) (*Plan, error) {
	records := make(map[resource.ID]state.Record)
	for _, r := range snap.Records {
		records[r.ID] = r
	}
	present, err := e.kept(ctx, keep)
	if err != nil {
		return nil, err
	}
	var leaving []*item
	for _, was := range snap.Present {
		if isKept(keep, was.ID) {
			continue
		}
		it, err := e.undoing(was.ID, records, snap.Priors)
		if err != nil {
			return nil, err
		}
		shape := it.kind.New()
		if err := resource.Decode(was.Shape, shape); err != nil {
			return nil, fmt.Errorf("%s: %w", was.ID, err)
		}
		it.Want = resource.Only(resource.Lasting(shape), manages(records[was.ID], it.past))
		it.Owners, it.After, it.Triggers = was.Owners, was.After, was.Triggers
		present = append(present, it)
	}
	for _, id := range snap.Absent {
		if isKept(keep, id) {
			continue
		}
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

// SetApart has the secrets that an earlier vpnd left in the state stand apart.
func (e *Engine) SetApart() error {
	return e.Store.SetApart(func(was state.Was) bool {
		k, err := e.kind(was.ID)
		if err != nil {
			return true // of what this vpnd does not know
		}
		shape := k.New()
		return resource.Decode(was.Shape, shape) != nil || resource.Secretive(shape)
	})
}

func isKept(keep []state.Was, id resource.ID) bool {
	return slices.ContainsFunc(keep, func(was state.Was) bool { return was.ID == id })
}

// kept returns the items of what does not go back.
func (e *Engine) kept(ctx context.Context, keep []state.Was) ([]*item, error) {
	var wishes []resource.Resource
	for _, was := range keep {
		k, err := e.kind(was.ID)
		if err != nil {
			return nil, err
		}
		want := k.New()
		if err := resource.Decode(was.Shape, want); err != nil {
			return nil, fmt.Errorf("%s: %w", was.ID, err)
		}
		wishes = append(wishes, resource.Resource{ID: was.ID, Want: want, Owners: was.Owners, After: was.After, Triggers: was.Triggers})
	}
	items, err := e.wishes(wishes)
	if err != nil {
		return nil, err
	}
	return items, normalize(ctx, items)
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

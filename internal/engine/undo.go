package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// before returns what undoes the plan: each thing that it changes as it is
// now, with its record, and the readers of those things.
func (e *Engine) before(p *Plan) (*state.Snapshot, error) {
	snap := &state.Snapshot{Taken: e.Now(), Returns: true}
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
		if err := it.complete(); err != nil {
			return nil, err
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
// takes along: by this apply, or by an undo of an earlier one before this is
// undone. What is lost already nobody can keep.
func (e *Engine) beforeOf(it *item, snap *state.Snapshot) error {
	if it.past == nil {
		return nil
	}
	snap.Records = append(snap.Records, *it.past)
	if it.past.Prior == "" || it.lost != nil {
		return nil
	}
	prior, err := e.Store.ReadPrior(it.past.Prior)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
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
			if _, wished := r.Want.Value(attr); wished || slices.Contains(r.Touched, attr) {
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
	old.Join(snap)
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
// does not go back, but becomes what is asked for there. One thing that can't go
// back is a [Problem], and keeps no other from it. What stands on something that is
// gone is left out, with a note.
func (e *Engine) PlanUndo(ctx context.Context, snap *state.Snapshot, keep ...state.Was) (*Plan, error) {
	present, err := e.kept(ctx, keep)
	if err != nil {
		return nil, err
	}
	w := newWayBack(e, snap)
	for _, was := range snap.Present {
		if !isKept(keep, was.ID) {
			w.comesBack(was)
		}
	}
	for _, id := range snap.Absent {
		if !isKept(keep, id) {
			w.goesAgain(id)
		}
	}
	present = append(present, w.present...)
	ground, err := e.ground(ctx, present, w.leaving)
	if err != nil {
		return nil, err
	}
	p, err := e.plan(ctx, e.uncircled(append(ground, present...)), e.uncircled(w.leaving))
	if err != nil {
		return nil, err
	}
	p.leaveOut(ctx)
	p.Problems = append(p.Problems, w.stuck...)
	p.advise(ctx)
	return p, nil
}

// SetApart has the secrets that an earlier vpnd left in the state stand apart.
func (e *Engine) SetApart() error {
	return e.Store.SetApart(func(was state.Was) bool {
		k, err := e.kind(was.ID)
		if err != nil {
			return true // of what this vpnd does not know
		}
		shape := k.New()
		return was.Decode(shape) != nil || resource.Secretive(shape)
	})
}

// A wayBack gathers what an undo is about.
type wayBack struct {
	*Engine
	records map[resource.ID]state.Record
	priors  map[string]json.RawMessage
	present []*item
	leaving []*item
	stuck   []Problem // what can't go back
}

func newWayBack(e *Engine, snap *state.Snapshot) *wayBack {
	w := &wayBack{Engine: e, records: make(map[resource.ID]state.Record), priors: snap.Priors}
	for _, r := range snap.Records {
		w.records[r.ID] = r
	}
	return w
}

// comesBack is about what was there before the apply.
func (w *wayBack) comesBack(was state.Was) {
	it, err := w.undoing(was.ID, w.records, w.priors)
	if err == nil {
		shape := it.kind.New()
		if err = was.Decode(shape); err == nil {
			w.hint(shape, it)
			it.Want = resource.Only(resource.Lasting(shape), manages(w.records[was.ID], it.past))
			it.Owners, it.After, it.Triggers = was.Owners, was.After, was.Triggers
			w.present = append(w.present, it)
			return
		}
	}
	w.stuck = append(w.stuck, Problem{ID: was.ID, Owners: was.Owners, Err: fmt.Errorf("it can't be brought back: %w", err)})
}

// hint fills in what nobody can see of a thing, such as what it was made from, as
// it was on record. A look can only repeat what the apply asked for, and where that
// took the thing away nobody asked.
func (w *wayBack) hint(shape any, it *item) {
	record, ok := w.records[it.ID]
	if !ok {
		return
	}
	told := it.kind.New()
	if record.Want.Tell(told) != nil {
		return // of another version: what was seen has to do
	}
	is, was := reflect.ValueOf(shape).Elem(), reflect.ValueOf(told).Elem()
	for _, f := range resource.Fields(is.Type()) {
		if f.Hint && (!f.Computed || is.Field(f.Index).IsZero()) {
			is.Field(f.Index).Set(was.Field(f.Index))
		}
	}
}

// goesAgain is about what the apply brought.
func (w *wayBack) goesAgain(id resource.ID) {
	it, err := w.undoing(id, w.records, w.priors)
	if err != nil {
		w.stuck = append(w.stuck, Problem{ID: id, Err: fmt.Errorf("it can't be taken away: %w", err)})
		return
	}
	it.leave = true
	if it.past != nil {
		it.Owners, it.After = it.past.Owners, it.past.After
	}
	w.leaving = append(w.leaving, it)
}

// uncircled returns the items so that they can be put in order. A snapshot holds
// things with what they came after at different times, which together may be a
// circle; then their own order is as good as any.
func (e *Engine) uncircled(items []*item) []*item {
	if _, _, err := e.order(items); err == nil {
		return items
	}
	for _, it := range items {
		it.After = nil
	}
	return items
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
		if err := was.Decode(want); err != nil {
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

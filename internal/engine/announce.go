package engine

import (
	"context"
	"maps"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// An announcement is what was written down before the host is touched, so that a
// kill does not have vpnd forget it: that the touch is under way, what stood there
// before, and which readers will have to take notice. How each change ends replaces
// its part of it: [run.finished] where it came true, [run.withdraw] where nothing
// was touched. Of any other the record stays open, and the refreshes pending.
type announcement struct {
	batch   []Change
	seen    map[resource.ID]any             // each thing, right before
	pending map[resource.ID]resource.Effect // the refreshes of its readers, before
}

// announce comes before the first change of a batch.
func (r *run) announce(batch []Change) (*announcement, error) {
	a := &announcement{batch: batch, seen: make(map[resource.ID]any), pending: make(map[resource.ID]resource.Effect)}
	var facts []state.Fact
	for _, c := range batch {
		record, err := r.opened(c.item)
		if err != nil && (record == nil || !r.goesAhead(batch, err)) {
			return nil, err
		}
		if err := c.item.complete(); err != nil {
			return nil, err
		}
		a.seen[c.ID] = c.item.got
		facts = append(facts, state.Fact{Put: record})
		for _, refresh := range r.concerns(c) {
			a.pending[refresh.ID] = r.Store.Owed(refresh.ID)
			if refresh.Do > a.pending[refresh.ID] {
				facts = append(facts, state.Fact{Owe: &refresh})
			}
		}
	}
	err := r.Store.Commit(facts...)
	if r.goesAhead(batch, err) {
		err = r.postpone(err, facts...)
	}
	return a, err
}

// concerns returns the refreshes that a change of a thing calls for.
func (r *run) concerns(c Change) []state.PendingRefresh {
	if !noticeable(c) || c.Action == Refresh {
		return nil
	}
	return r.readers[c.ID]
}

// opened returns the record of an item while it is being changed, also where only
// what stood there before could not be put back.
func (r *run) opened(it *item) (*state.Record, error) {
	unrevived := r.revive(it)
	open := state.Record{ID: it.ID, Owners: it.Owners, After: it.After, Since: r.Now().UTC()}
	if it.past != nil {
		open = *it.past
	}
	if put := puts(it.final); put != nil && !it.undo {
		if err := r.remember(it, put); err != nil {
			return nil, err
		}
		open = *put
	}
	open.Open = true
	return &open, unrevived
}

// revive puts a prior back whose record a rollback is about to bring back: the
// apply that is undone ended both.
func (r *run) revive(it *item) error {
	if it.prior == nil {
		return nil
	}
	return r.Store.RevivePrior(puts(it.final).Prior, it.prior)
}

func puts(facts []state.Fact) *state.Record {
	for _, f := range facts {
		if f.Put != nil {
			return f.Put
		}
	}
	return nil
}

// remember keeps what stood on the host at vpnd's first touch, if that was not
// of vpnd's own making.
func (r *run) remember(it *item, record *state.Record) error {
	if it.past != nil || it.got == nil || it.kind.Keeps || it.kind.Marked(it.ID.Name, it.got) || record.Prior != "" {
		return nil
	}
	err := it.complete()
	if err == nil {
		record.Prior, err = r.Store.KeepPrior(it.ID, it.got)
	}
	return err
}

// withdraw takes back what was announced of changes that failed and touched
// nothing: a file that was refused right before it was written. Else the next apply
// would restart its readers for nothing. A refresh that another change calls for, or
// that was pending before, stays so.
func (r *run) withdraw(ctx context.Context, a *announcement, failed map[resource.ID]error) {
	var idle, rest []Change
	for _, c := range a.batch {
		if failed[c.ID] != nil && a.untouched(ctx, c.item) && r.unopen(c.item) == nil {
			idle = append(idle, c)
		} else {
			rest = append(rest, c)
		}
	}
	pending := maps.Clone(a.pending)
	for _, c := range rest {
		for _, refresh := range r.concerns(c) {
			pending[refresh.ID] = max(pending[refresh.ID], refresh.Do)
		}
	}
	for _, c := range idle {
		for _, refresh := range r.concerns(c) {
			_, itself := a.seen[refresh.ID] // how its own change ends says more
			if left := pending[refresh.ID]; !itself && left < r.Store.Owed(refresh.ID) {
				r.pending = append(r.pending, state.Fact{Owe: &state.PendingRefresh{ID: refresh.ID, Do: left}})
			}
		}
	}
}

// untouched says whether a thing is seen to be as it was before the change. Only a
// path shows all that was done to it; a unit may be about to stop.
func (a *announcement) untouched(ctx context.Context, it *item) bool {
	if !it.kind.Path {
		return false
	}
	now := *it
	observe(ctx, []*item{&now})
	switch was := a.seen[it.ID]; {
	case now.err != nil || now.blind != nil:
		return false
	case was == nil || now.got == nil:
		return was == nil && now.got == nil
	case now.complete() != nil:
		return false
	default:
		return resource.Equal(was, now.got)
	}
}

// unopen queues the record of a thing as it was before its change was announced,
// once nothing half written is left beside it.
func (r *run) unopen(it *item) error {
	if err := sweep(it); err != nil {
		return err
	}
	if it.past != nil {
		r.pending = append(r.pending, state.Fact{Put: it.past})
		return nil
	}
	r.pending = append(r.pending, state.Fact{Drop: &it.ID})
	if put := puts(it.final); put != nil {
		r.orphans = append(r.orphans, *put)
	}
	return nil
}

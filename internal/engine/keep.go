package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// readers returns, for each thing that is read, the refreshes that a change of it
// calls for.
func readers(items []*item) map[resource.ID][]state.PendingRefresh {
	refreshes := make(map[resource.ID][]state.PendingRefresh)
	for _, it := range items {
		for _, t := range it.reads() {
			if t.Do > resource.Rebuild {
				refreshes[t.On] = append(refreshes[t.On], state.PendingRefresh{ID: it.ID, Do: t.Do})
			}
		}
	}
	return refreshes
}

// cancelRefreshes drops the pending refreshes of readers that are not in use any
// more, or not yet: they read all anew when they start. At boot files are put right before the
// services begin that read them, and those would be restarted for nothing.
func (r *run) cancelRefreshes(ctx context.Context) {
	var idle []*item
	for _, it := range r.plan.items {
		if it.Want != nil && !it.leave && it.err == nil && r.Store.Owed(it.ID) != resource.None && !inUse(it.got) {
			idle = append(idle, it)
		}
	}
	observe(ctx, idle)
	for _, it := range idle {
		if it.err == nil && !inUse(it.got) {
			r.pending = append(r.pending, state.Fact{Owe: &state.PendingRefresh{ID: it.ID}})
		}
	}
}

// finished writes the final word on a change that succeeded.
func (r *run) finished(c Change) error {
	if err := tidy(c.item); err != nil {
		return err
	}
	if c.item.Want != nil && covers(&c, r.Store.Owed(c.ID)) {
		c.item.final = append(c.item.final, state.Fact{Owe: &state.PendingRefresh{ID: c.ID}})
	}
	r.conclude(c.item)
	return nil
}

// recorded says whether the records say of an item that needs no change what they
// shall.
func (it *item) recorded() bool {
	record := puts(it.final)
	return record != nil && !it.undo && it.past != nil && unchanged(*it.past, *record)
}

// OnRecord says whether a plan of a whole configuration asks for what was applied
// last, and for nothing else: what it changes has drifted.
func (p *Plan) OnRecord() bool {
	return len(p.Problems) == 0 && !slices.ContainsFunc(p.items, func(it *item) bool {
		record := puts(it.final)
		if it.stands && record == nil {
			return false
		}
		return it.leave || it.Want == nil || it.past == nil || record == nil || !it.past.Want.Equal(record.Want)
	})
}

// settle brings the records up to date for an item that needs no change.
func (r *run) settle(it *item) error {
	if now := r.past(it.ID); now != nil && now.Open && it.past != nil && !it.past.Open {
		return nil // a repair in between did not end well
	}
	if record := puts(it.final); record != nil && !it.undo {
		if err := r.remember(it, record); err != nil {
			return err
		}
	}
	if err := errors.Join(r.revive(it), tidy(it)); err != nil {
		return err
	}
	r.conclude(it)
	return nil
}

// tidy has the kind take away what an earlier touch that was cut short left,
// before that is forgotten.
func tidy(it *item) error {
	if it.past == nil || !it.past.Open {
		return nil
	}
	if err := sweep(it); err != nil {
		return fmt.Errorf("tidying what an earlier run left of %s: %w", it.ID, err)
	}
	return nil
}

// sweep has the kind take away what is half written beside a thing.
func sweep(it *item) error {
	if it.Want != nil {
		return it.kind.Tidy(it.ID.Name, it.Want)
	}
	want := it.kind.New()
	if it.past != nil {
		if err := it.past.Want.Tell(want); err != nil {
			return err
		}
	}
	return it.kind.Tidy(it.ID.Name, want)
}

// refreshed writes down that no refresh of a reader is pending any more, and that it
// reads what the plan says: its own record comes last, and when the next run drops one
// of those things, a kill in between must not have it forget the reader.
func (r *run) refreshed(it *item) error {
	var facts []state.Fact
	if record, ok := r.Store.Record(it.ID); ok {
		record.Triggers = union(record.Triggers, it.Triggers)
		facts = append(facts, state.Fact{Put: &record})
	}
	return r.Store.Commit(append(facts, state.Fact{Owe: &state.PendingRefresh{ID: it.ID}})...)
}

// union returns the triggers of both, those of a first.
func union(a, b []resource.Trigger) []resource.Trigger {
	all := slices.Clone(a)
	for _, t := range b {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

func unchanged(past, now state.Record) bool {
	return !past.Open && past.Want.Equal(now.Want) && slices.Equal(past.Owners, now.Owners) &&
		slices.Equal(past.After, now.After) && slices.Equal(past.Triggers, now.Triggers) && slices.Equal(past.Touched, now.Touched)
}

// conclude queues the final word on an item for the next flush.
func (r *run) conclude(it *item) {
	r.pending = append(r.pending, it.final...)
	if puts(it.final) == nil && it.past != nil {
		r.orphans = append(r.orphans, *it.past)
	}
}

// flush commits what waits to be written, in one go, and only then removes the
// priors that no record names any more.
func (r *run) flush() error {
	if err := r.Store.Commit(r.pending...); err != nil {
		if err = r.postpone(err, r.pending...); err == nil {
			r.pending, r.orphans = nil, nil
		}
		return err
	}
	var errs []error
	for _, record := range r.orphans {
		errs = append(errs, r.Store.DropPrior(record))
	}
	r.pending, r.orphans = nil, nil
	return errors.Join(errs...)
}

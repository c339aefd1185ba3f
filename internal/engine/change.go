package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// comparison is what can be said of an item without the others: what it differs in, and
// how its wish stands on record.
type comparison struct {
	diffs []resource.Diff
	wish  state.Digest
	err   error
}

// compareAll compares what does not depend on what was judged before, with as many hands
// as there are processors. What was seen or is wished must not change until it is judged.
func (e *Engine) compareAll(items []*item) {
	hands.Each(context.Background(), len(items), func(i int) {
		it := items[i]
		if it.compared = nil; it.Want == nil || it.leave || it.before != nil || it.err != nil || it.stands {
			return
		}
		if it.compared = e.compare(it); len(it.compared.diffs) > 0 {
			it.err = it.kind.Complete(it.ID.Name, it.got) // what went meanwhile is unknown to this plan
		}
	})
}

func (e *Engine) compare(it *item) *comparison {
	c := &comparison{diffs: resource.Compare(it.got, it.Want)}
	if !it.undo && !it.leave { // else it is not put on record so
		c.wish, c.err = e.Store.Digest(it.Want)
	}
	return c
}

// change says what is to be done about one item for its own sake, or nil.
func (e *Engine) change(it *item) (*Change, error) {
	c := &Change{ID: it.ID, Owners: it.Owners, item: it}
	if it.Want == nil {
		if it.got == nil && !it.interrupted() || it.kind.Keeps {
			return nil, nil
		}
		c.Action, c.Reason, c.Loses = Remove, Dropped, it.loses()
		if it.got != nil {
			c.Diffs, c.Cost = swapped(resource.Describe(own(it.got))), it.kind.Cost(it.ID.Name, it.got, nil)
		}
		return c, e.finish(it, c, &comparison{})
	}
	if it.leave && it.past != nil && it.got != nil {
		it.Want = managed(it.Want, it.past)
	}
	compared := it.compared
	if it.compared = nil; compared == nil {
		compared = e.compare(it)
	}
	if c.Diffs = compared.diffs; len(c.Diffs) > 0 {
		if err := it.complete(); err != nil {
			return nil, err
		}
	}
	if err := e.finish(it, c, compared); err != nil {
		return nil, err
	}
	if foreign(c.Reason) && (resource.Closed(it.got) || resource.Closed(it.Want)) {
		c.Diffs = resource.Hidden(c.Diffs)
	}
	if len(c.Diffs) == 0 && it.got != nil && !it.interrupted() {
		return nil, nil
	}
	c.Action = Update
	if it.got == nil {
		c.Action = Create
	}
	if it.leave {
		c.Action = Restore
	}
	c.Cost = it.kind.Cost(it.ID.Name, it.got, it.Want)
	if c.Reason == Drift || c.Reason == Both || c.Reason == Configuration || it.kind.Finds && !it.undo && !it.leave {
		c.Invalidates = it.kind.Invalidates(it.got, it.Want)
	}
	return c, nil
}

// foreign says whether a change may show what is not of vpnd's configuration,
// but stood there before. Of what only some may read, that may be a secret.
func foreign(r Reason) bool { return r == TakesOver || r == Dropped || r == Undone }

// interrupted says whether the last touch of a thing that leaves was not
// brought to its end. It may look gone and still have left something that no
// shape shows: half a file, a unit that is about to stop.
func (it *item) interrupted() bool { return it.leave && it.past != nil && it.past.Open }

// finish says why c is done, and what the records shall hold afterwards.
func (e *Engine) finish(it *item, c *Change, compared *comparison) error {
	switch {
	case it.undo:
		c.Reason = Undone
		return nil
	case it.leave:
		c.Reason = Dropped
		return nil
	}
	wish, err := compared.wish, compared.err
	if err != nil {
		return fmt.Errorf("%s: %w", it.ID, err)
	}
	if it.past != nil && it.past.Want.Equal(wish) {
		wish = it.past.Want // of thousands, nearly all are as they were
	}
	if c.Reason, err = e.reason(it, wish, c.Diffs); err != nil {
		return fmt.Errorf("%s: %w", it.ID, err)
	}
	c.IsDrift = c.Reason == Drift || c.Reason == Renewal
	record := state.Record{ID: it.ID, Owners: it.Owners, After: it.After, Triggers: it.Triggers, Want: wish, Since: e.Now().UTC().Truncate(time.Second)}
	if it.past != nil {
		record.Prior, record.Since = it.past.Prior, it.past.Since
		record.Touched, record.Handout, record.Given = touched(it.past, wish), it.past.Handout, it.past.Given
	}
	it.final = []state.Fact{{Put: &record}}
	return nil
}

// reason is the three-way comparison: the wish, what was applied last, and
// what is there.
func (e *Engine) reason(it *item, wish state.Digest, diffs []resource.Diff) (Reason, error) {
	switch {
	case it.past == nil && it.restores():
		return TakesOver, nil
	case it.past == nil && it.got == nil:
		return New, nil
	case it.past == nil && it.kind.Marked(it.ID.Name, it.got):
		return Drift, nil
	case it.past == nil && it.kind.Keeps:
		return Configuration, nil // it stays when its block goes, so nothing is given back
	case it.past == nil:
		return TakesOver, nil
	case it.past.Open:
		return Unfinished, nil
	case it.asksSame(it.past.Want, wish) && aged(diffs):
		return Renewal, nil
	case it.asksSame(it.past.Want, wish):
		return Drift, nil
	case it.got == nil && it.past.Want.Empty():
		return New, nil
	case it.got == nil:
		return Both, nil
	}
	is, err := e.Store.Digest(it.got) // which costs, and of most things nobody asks
	if err == nil && lasting(it, it.past.Want).Holds(is) {
		return Configuration, nil
	}
	return Both, err
}

// lasting returns what was applied without hints, which no host can tell, and
// without predicates: that a list is no longer current says that the wish
// moved, not the host.
func lasting(it *item, applied state.Digest) state.Digest {
	drop := make(map[string]bool)
	for _, f := range resource.Fields(reflect.TypeOf(it.Want)) {
		drop[f.Name] = f.Hint || f.IsPredicate()
	}
	return applied.Without(func(attr string) bool { return drop[attr] })
}

// aged says whether time alone made the difference.
func aged(diffs []resource.Diff) bool {
	return len(diffs) == 1 && diffs[0].Ages
}

// touched returns the attributes of something taken over that vpnd once set and
// that are no longer wished for. They stay as they are now, and are given back
// with the others.
func touched(past *state.Record, wish state.Digest) []string {
	if past.Prior == "" {
		return nil
	}
	wished := wish.Names()
	all := append(slices.Clone(past.Touched), past.Want.Names()...)
	all = slices.DeleteFunc(all, func(attr string) bool { return slices.Contains(wished, attr) })
	slices.Sort(all)
	return slices.Compact(all)
}

// managed leaves out of a prior what vpnd never touched: the log that a
// program wrote meanwhile is not for vpnd to take back.
func managed(prior any, past *state.Record) any {
	c := resource.Clone(prior)
	v := reflect.ValueOf(c).Elem()
	for _, f := range resource.Fields(v.Type()) {
		_, applied := past.Want.Value(f.Name)
		if !applied && !slices.Contains(past.Touched, f.Name) && !f.Computed && !f.Hint {
			v.Field(f.Index).SetZero()
		}
	}
	return c
}

// own leaves out what others have beside the thing.
func own(shape any) any { return resource.Only(shape, func(string) bool { return false }) }

func swapped(diffs []resource.Diff) []resource.Diff {
	for i := range diffs {
		diffs[i] = diffs[i].Reversed()
	}
	return diffs
}

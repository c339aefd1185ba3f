package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Plan compares the host with d and writes nothing. Where targets are given,
// only they, the blocks they name and all that those need take part. A wish
// that the host would refuse is an error, every one a [WishError].
func (e *Engine) Plan(ctx context.Context, d resource.Desired, targets ...resource.ID) (*Plan, error) {
	p, err := e.PlanPart(ctx, d, targets...)
	if err == nil {
		p.advise(ctx)
	}
	return p, err
}

// PlanPart is [Engine.Plan] without what people should know of whole kinds. It
// is for a part of what the host shall be: nothing else is looked at.
func (e *Engine) PlanPart(ctx context.Context, d resource.Desired, targets ...resource.ID) (p *Plan, err error) {
	changed := e.beside(planning, func() { p, err = e.planPart(ctx, d, targets) })
	for range 2 {
		if err != nil || len(p.among(changed)) == 0 {
			break
		}
		seen := p.among(changed)
		changed = e.beside(planning, func() { p, err = e.again(ctx, p, seen) })
	}
	return p, err
}

func (e *Engine) planPart(ctx context.Context, d resource.Desired, targets []resource.ID) (*Plan, error) {
	present, err := e.wishes(d.Present)
	if err != nil {
		return nil, err
	}
	leaving, err := e.leaving(d.Absent)
	if err != nil {
		return nil, err
	}
	if len(targets) > 0 {
		if present, leaving, err = e.narrow(present, leaving, targets); err != nil {
			return nil, err
		}
	}
	reachable, _ := partition(present, e.runs)
	if err := normalize(ctx, reachable); err != nil {
		return nil, err
	}
	p, err := e.plan(ctx, present, leaving)
	if p != nil {
		p.part = len(targets) > 0
	}
	return p, err
}

// runs says whether the host can have the thing at all.
func (e *Engine) runs(it *item) bool { return !e.Catalog.Image || !it.kind.NeedsHost }

// plan puts the items in order, looks at them and judges each.
func (e *Engine) plan(ctx context.Context, present, leaving []*item) (*Plan, error) {
	present, comes, err := e.order(present)
	if err != nil {
		return nil, err
	}
	e.emptyFirst(leaving)
	leaving, goes, err := e.order(leaving)
	if err != nil {
		return nil, err
	}
	slices.Reverse(leaving)
	present, off := partition(present, e.runs)
	leaving, gone := partition(leaving, e.runs)
	early, late := partition(leaving, func(it *item) bool { return !it.kind.Lingers })
	items := slices.Concat(early, present, late)
	handOver(items)
	e.keepFull(present, leaving)
	observe(ctx, items)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &Plan{items: items, comes: comes, goes: goes}
	for _, it := range append(off, gone...) {
		p.LeftOut = append(p.LeftOut, it.ID)
	}
	return p, e.judgeAll(ctx, p)
}

// judgeAll adds to the plan what is to be done.
func (e *Engine) judgeAll(ctx context.Context, p *Plan) error {
	f := newFollower(e.Store, p.items)
	e.compareAll(p.items)
	var err error
	if f.before, err = e.Store.TakenOver(); err != nil {
		return err
	}
	for _, it := range p.items {
		if err := e.judge(ctx, p, f, it); err != nil {
			return err
		}
	}
	if e.Protects {
		if err := e.protect(ctx, p); err != nil {
			return err
		}
	}
	p.tellWaits()
	return nil
}

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
		if it.compared = nil; it.Want == nil || it.leave || it.before != nil || it.err != nil {
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

func partition(items []*item, first func(*item) bool) (yes, no []*item) {
	for _, it := range items {
		if first(it) {
			yes = append(yes, it)
		} else {
			no = append(no, it)
		}
	}
	return yes, no
}

func (e *Engine) wishes(present []resource.Resource) ([]*item, error) {
	items := make([]*item, 0, len(present))
	for _, r := range present {
		k, err := e.kind(r.ID)
		if err != nil {
			return nil, err
		}
		it := &item{Resource: r, kind: k, past: e.past(r.ID)}
		if err := it.recall(); err != nil {
			return nil, err
		}
		items = append(items, it)
	}
	return items, nil
}

func (e *Engine) past(id resource.ID) *state.Record { return e.Store.Past(id) }

// leaving makes items of what is no longer asked for. Where something stood
// before vpnd's first touch, that is what they shall be again.
func (e *Engine) leaving(absent []resource.ID) ([]*item, error) {
	var items []*item
	for _, id := range absent {
		k, err := e.kind(id)
		if err != nil {
			return nil, err
		}
		it := &item{Resource: resource.Resource{ID: id}, kind: k, past: e.past(id), leave: true}
		it.final = []state.Fact{{Drop: &id}, {Owe: &state.PendingRefresh{ID: id}}}
		if it.past != nil {
			it.Owners, it.After = it.past.Owners, it.past.After
			if it.past.Prior != "" && !k.Keeps {
				prior := k.New()
				if it.lost = e.Store.Prior(*it.past, prior); it.lost == nil {
					it.Want = resource.Lasting(prior)
				}
			}
		}
		items = append(items, it)
	}
	return items, nil
}

// judge adds to the plan what is to be done about one item.
func (e *Engine) judge(ctx context.Context, p *Plan, f *follower, it *item) error {
	it.inherit()
	if it.err != nil {
		p.Problems = append(p.Problems, Problem{ID: it.ID, Owners: it.Owners, Err: it.err})
		return nil
	}
	if it.inside != nil {
		p.full(it)
		return nil
	}
	p.Notes = append(p.Notes, notes(it)...)
	if it.lost != nil {
		p.Lost = append(p.Lost, Problem{ID: it.ID, Owners: it.Owners, Err: it.lost})
		p.Notes = append(p.Notes, Note{ID: it.ID, Text: fmt.Sprintf("can't be given back, so only what is vpnd's is taken away: %v", it.lost)})
	}
	c, err := e.change(it)
	if err != nil {
		return err
	}
	if p.waits(ctx, f, it, c) {
		return nil
	}
	if c == nil {
		p.later(it)
	}
	if c == nil && it.Want != nil && !it.leave {
		c = f.rebuild(it)
	}
	it.changes = c != nil
	e.handOut(f, it, c)
	if c == nil {
		if !it.recorded() {
			p.quiet = append(p.quiet, it)
		}
	} else {
		f.note(it, *c)
		p.Changes = append(p.Changes, *c)
	}
	r := f.refresh(it, c)
	if r != nil {
		p.Changes = append(p.Changes, *r)
	}
	if it.spared(c, r) {
		p.Spared = append(p.Spared, it.ID)
	}
	if c == nil && r == nil {
		return nil
	}
	return it.complete()
}

// complete has the observation tell all that there is, before it is kept or compared
// with another one.
func (it *item) complete() error {
	if err := it.kind.Complete(it.ID.Name, it.got); err != nil {
		return fmt.Errorf("%s: %w", it.ID, err)
	}
	return nil
}

// spared says whether a service at work that some changes restart goes on undisturbed.
func (it *item) spared(changes ...*Change) bool {
	restarts := func(t resource.Trigger) bool { return t.Do == resource.Restart }
	disturbs := func(c *Change) bool { return c != nil && c.Cost == resource.Restart }
	if it.Want == nil || it.leave || it.got == nil || !slices.ContainsFunc(it.Triggers, restarts) || slices.ContainsFunc(changes, disturbs) {
		return false
	}
	runs := active(it.got)
	return runs != nil && *runs
}

// notes returns what the observation tells besides what can be wished for.
func notes(it *item) []Note {
	if it.got == nil || it.leave || it.undo {
		return nil
	}
	var all []Note
	v := reflect.ValueOf(it.got).Elem()
	fields := resource.Fields(v.Type())
	for i := range fields { // which are large
		f := &fields[i]
		if !f.Computed || !f.Hint {
			continue
		}
		if fact, ok := v.Field(f.Index).Interface().(*string); ok && fact != nil && *fact != "" {
			all = append(all, Note{ID: it.ID, Text: strings.ReplaceAll(f.Name, "_", " ") + " " + *fact})
		}
	}
	return all
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
	if c.Reason == Drift || c.Reason == Both || c.Reason == Configuration || it.kind.Recalls && !it.undo && !it.leave {
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

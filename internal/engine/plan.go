package engine

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

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
	if err == nil {
		e.remember(p)
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
	e.recognise(ctx, present)
	reachable, _ := partition(present, func(it *item) bool { return e.runs(it) && !it.stands })
	if err := normalize(ctx, reachable); err != nil {
		return nil, err
	}
	p, err := e.plan(ctx, present, leaving)
	if p != nil {
		p.part = len(targets) > 0
	}
	return p, err
}

// Foresee returns what has kinds read ahead what a plan will need of the things that are
// on record. Whoever calls that may have the store read or written meanwhile.
func Foresee(kinds resource.Catalog, store *state.Store) (read func(context.Context)) {
	all := make(map[string][]string)
	for _, k := range kinds.Kinds {
		if !k.Ahead || kinds.Image && k.NeedsHost {
			continue
		}
		for _, r := range store.Of(k.Name) {
			all[k.Name] = append(all[k.Name], r.ID.Name)
		}
	}
	return func(ctx context.Context) {
		for _, k := range kinds.Kinds {
			if names := all[k.Name]; len(names) > 0 {
				k.Foresee(ctx, names)
			}
		}
	}
}

// runs says whether the host can have the thing at all.
func (e *Engine) runs(it *item) bool { return !e.Catalog.Image || !it.kind.NeedsHost }

// plan puts the items in order, looks at them and judges each.
func (e *Engine) plan(ctx context.Context, present, leaving []*item) (*Plan, error) {
	present, comes, err := e.sorted(present)
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
	unseen, _ := partition(items, func(it *item) bool { return !it.stands })
	observe(ctx, unseen)
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
	for i, r := range present {
		k, err := e.kind(r.ID)
		if err != nil {
			return nil, err
		}
		it := &item{Resource: r, kind: k, past: e.past(r.ID), asked: r.Want}
		if recalled := e.Glance.Recalled(i, it.thing()); recalled != nil {
			it.Want = recalled
		} else if err := it.recall(); err != nil {
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
	if it.agrees = f.passes(it); it.agrees {
		it.changes = false
		return nil
	}
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
	if it.agrees = c == nil && it.Want != nil && !it.leave; p.waits(ctx, f, it, c) {
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

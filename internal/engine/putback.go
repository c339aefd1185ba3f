package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// putBack is called with how a change of a reader ended. A service that ran
// before this apply and does not start with what the apply has changed gets back
// what it ran with, and is started with that: whoever is connected shall not wait
// until somebody has found the mistake. The error says so. An agent leaves what
// was put back as it is until the next apply.
func (r *run) putBack(ctx context.Context, c Change, failed error) error {
	if failed == nil || r.was == nil || !r.ran(c.ID) {
		return failed
	}
	ids := r.culprits(c)
	if len(ids) == 0 {
		return failed
	}
	if err := errors.Join(r.flush(), r.Store.Suppress("apply", r.Now(), slices.Concat(ids, r.copies(c.ID)))); err != nil {
		return errors.Join(failed, fmt.Errorf("putting back what it ran with: %w", err))
	}
	for _, id := range ids {
		r.fail(id)
	}
	if err := r.goBack(ctx, part(r.was, append(ids, c.ID))); err != nil {
		return errors.Join(failed, fmt.Errorf("putting back what it ran with, %s: %w", few(ids), err))
	}
	return fmt.Errorf("%w\nIt runs again with what it ran with before, which was put back: %s", failed, few(ids))
}

// copies are what people are given of a reader, which they could do nothing with
// now: a profile that leads to where the server does not listen.
func (r *run) copies(reader resource.ID) []resource.ID {
	var ids []resource.ID
	for _, c := range r.plan.Changes {
		if c.Action != Create && c.Action != Update || !slices.Contains(c.item.After, reader) {
			continue
		}
		if holder, _ := c.item.kind.Given(c.item.Want); holder != "" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// ran says whether it is a service that was in use before this apply.
func (r *run) ran(id resource.ID) bool {
	i := slices.IndexFunc(r.was.Present, func(was state.Was) bool { return was.ID == id })
	if i < 0 {
		return false
	}
	k, err := r.kind(id)
	if err != nil {
		return false
	}
	shape := k.New()
	if r.was.Present[i].Decode(shape) != nil {
		return false
	}
	is := active(shape)
	return is != nil && *is
}

// culprits are what this apply has changed of what a reader reads at its start,
// and of what its own blocks have stand before it: the rule that opens its port.
// What it reads all the time is not among them: a revocation list never goes
// back.
func (r *run) culprits(c Change) []resource.ID {
	at, always := make(map[resource.ID]bool), make(map[resource.ID]bool)
	for _, t := range c.item.reads() {
		at[t.On] = at[t.On] || t.Do > resource.Rebuild
		always[t.On] = always[t.On] || t.Do <= resource.Rebuild
	}
	before := c.item.After
	if c.item.past != nil {
		before = slices.Concat(before, c.item.past.After)
	}
	var ids []resource.ID
	for _, done := range r.report.Results {
		beside := slices.Contains(before, done.ID) && !always[done.ID] && akin(done.item, c.item)
		if done.Err == nil && done.Action != Refresh && !done.IsDrift && !done.item.kind.Keeps && (at[done.ID] || beside) {
			ids = append(ids, done.ID)
		}
	}
	if c.Action == Update && slices.ContainsFunc(c.Diffs, func(d resource.Diff) bool { return !d.Runs }) {
		ids = append(ids, c.ID)
	}
	return ids
}

// akin says whether two things are of one block.
func akin(a, b *item) bool {
	return slices.ContainsFunc(a.Owners, func(o resource.Owner) bool { return resource.Owns(o.Block, b.Resource) })
}

// goBack makes a part of a snapshot true at once and in silence.
func (r *run) goBack(ctx context.Context, snap *state.Snapshot) error {
	e := *r.Engine
	e.Protects, e.Started, e.Done, e.Armed = false, nil, nil, nil
	if e.Meanwhile != nil {
		e.Meanwhile = func(w Work) []resource.ID {
			w.Next = append(w.Next, r.work(nil).Next...)
			return r.Meanwhile(w)
		}
	}
	p, err := e.PlanUndo(ctx, snap)
	if err != nil {
		return err
	}
	return e.converge(ctx, ctx, p, false).Failed()
}

// part is what a snapshot says of some things.
func part(snap *state.Snapshot, ids []resource.ID) *state.Snapshot {
	of := &state.Snapshot{Name: snap.Name, Taken: snap.Taken, Priors: make(map[string]json.RawMessage)}
	for _, was := range snap.Present {
		if slices.Contains(ids, was.ID) {
			of.Present = append(of.Present, was)
		}
	}
	for _, id := range snap.Absent {
		if slices.Contains(ids, id) {
			of.Absent = append(of.Absent, id)
		}
	}
	for _, record := range snap.Records {
		if !slices.Contains(ids, record.ID) {
			continue
		}
		of.Records = append(of.Records, record)
		if prior, ok := snap.Priors[record.Prior]; ok {
			of.Priors[record.Prior] = prior
		}
	}
	return of
}

// few names the first of many.
func few(ids []resource.ID) string {
	const most = 5
	var words []string
	for _, id := range ids[:min(len(ids), most)] {
		words = append(words, id.String())
	}
	if more := len(ids) - most; more > 0 {
		words = append(words, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

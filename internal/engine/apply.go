package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A Result is what became of one change.
type Result struct {
	Change
	Err     error
	Skipped bool // because something it needs failed
}

// A Report is what became of an apply.
type Report struct {
	Results  []Result
	Snapshot string // what undoes it; empty where nothing was changed
	Err      error  // why it ended early, apart from the errors of single changes
}

// Failed returns all that went wrong, joined; nil where all is well.
func (r Report) Failed() error {
	errs := []error{r.Err}
	for _, result := range r.Results {
		if result.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", result.ID, result.Err))
		}
	}
	return errors.Join(errs...)
}

// Apply makes the plan come true. A failure skips what needs the failed thing
// and nothing else; what was not done is in the next plan. Before the first
// touch every program that will read a changed thing is asked whether it
// would accept it; one refusal, and nothing is touched. An undo goes on without
// what is refused: the rest of the host must not stay as somebody wants it no more.
func (e *Engine) Apply(ctx context.Context, p *Plan) Report { return e.converge(ctx, ctx, p, true) }

// converge applies p until ctx ends, which it asks before each step; the steps
// themselves run under step.
func (e *Engine) converge(ctx, step context.Context, p *Plan, undoable bool) Report {
	r := &run{
		Engine: e, plan: p, readers: readers(p.items), unread: make(unread),
		failed: make(map[resource.ID]bool), needing: p.comes.Walk(), blockers: make(map[resource.ID]resource.ID),
	}
	for _, problem := range p.Problems {
		r.fail(problem.ID)
	}
	for _, id := range p.barred {
		r.fail(id)
	}
	r.beside(nil, func() { r.refused = r.check(ctx) })
	if len(r.refused) > 0 && !p.undoes() {
		return Report{Err: r.refusals()}
	}
	if undoable {
		if err := r.prepare(); err != nil {
			return Report{Err: err}
		}
	}
	steps := batches(p.Changes)
	r.left = slices.Concat(steps...)
	for _, batch := range steps {
		if err := ctx.Err(); err != nil {
			r.report.Err = fmt.Errorf("stopped before %s: %w", batch[0].ID, err)
			break
		}
		r.batch(step, batch)
		r.left = r.left[len(batch):]
	}
	r.cancelRefreshes(step)
	r.report.Err = errors.Join(r.report.Err, r.settleAll())
	if undoable && !p.part && r.report.Failed() == nil {
		r.report.Err = r.Store.Settled()
	}
	r.ended()
	return r.report
}

// run is one Apply at work.
type run struct {
	*Engine
	plan     *Plan
	left     []Change                               // from the step at work on
	was      *state.Snapshot                        // what is about to be changed, as it was; nil of a repair and of an undo
	readers  map[resource.ID][]state.PendingRefresh // the refreshes that a change of a thing calls for
	failed   map[resource.ID]bool                   // failed or skipped
	needing  *resource.Walk                         // from what failed to what needs it
	blockers map[resource.ID]resource.ID            // what can't be done, and for what
	refused  map[resource.ID]error                  // by the programs that will read it
	unread   unread
	pending  []state.Fact   // to be written with the next flush
	orphans  []state.Record // whose priors are to be removed after it
	short    error          // why the disk takes no records
	report   Report
}

// check asks the readers, before anything is touched, and returns what each
// refuses.
func (r *run) check(ctx context.Context) map[resource.ID]error {
	refused := make(map[resource.ID]error)
	for _, c := range r.plan.Changes {
		if c.Action != Create && c.Action != Update || c.item.undo {
			continue // an undo goes back to what its readers took before
		}
		if err := c.item.kind.Check(ctx, c.ID.Name, c.item.Want); err != nil {
			refused[c.ID] = err
		}
	}
	return refused
}

// refusals joins what the readers refuse, in the order of the plan.
func (r *run) refusals() error {
	var errs []error
	for _, id := range r.plan.IDs() {
		if err := r.refused[id]; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// prepare writes down what undoes the plan.
func (r *run) prepare() error {
	if len(r.plan.Changes) > 0 && !r.plan.undoes() {
		snap, err := r.before(r.plan)
		if err != nil {
			return err
		}
		r.was = snap
		snap = r.resumed(snap)
		if r.Armed == nil {
			err = r.Store.Followed(snap)
		} else {
			err = r.Store.Follows(snap, r.Next)
		}
		if err != nil {
			return err
		}
		if err := r.Store.SaveSnapshot(snap); err != nil {
			return err
		}
		r.report.Snapshot = snap.Name
		if r.Armed != nil {
			return r.Armed(snap.Name)
		}
	}
	return nil
}

// settleAll brings the records up to date for all that needed no change. It
// comes last: the earlier records still say who reads what leaves.
func (r *run) settleAll() error {
	for _, it := range r.plan.quiet {
		if err := r.settle(it); err != nil {
			return err
		}
	}
	return r.flush()
}

// batches groups what one call of a kind can make at once: the same kind, and none
// needing another. These are neighbours, and of a kind that takes away many at
// once also what leaves with other blocks.
func batches(changes []Change) [][]Change {
	var all [][]Change
	for _, c := range changes {
		n := len(all) - 1
		for c.item.kind.Together && n > 0 && !together(all[n][0], c) && passes(c, all[n]) {
			n--
		}
		if n >= 0 && together(all[n][0], c) {
			all[n] = append(all[n], c)
			continue
		}
		all = append(all, []Change{c})
	}
	return all
}

// passes says whether a change can as well come before a batch: both leave, and
// nothing in that can need it, since what needs it is deeper.
func passes(c Change, batch []Change) bool {
	return c.item.leave && !slices.ContainsFunc(batch, func(other Change) bool {
		return !other.item.leave || other.item.depth > c.item.depth
	})
}

func together(a, b Change) bool {
	sets := func(c Change) bool { return c.Action == Create || c.Action == Update }
	alike := sets(a) && sets(b) || a.Action == b.Action && (a.Action == Remove || a.Action == Restore)
	return alike && a.ID.Kind == b.ID.Kind && a.item.depth == b.item.depth
}

func (r *run) batch(ctx context.Context, batch []Change) {
	var ready []Change
	for _, c := range batch {
		if blocker, ok := r.blocked(c.item); ok {
			r.done(c, fmt.Errorf("skipped, since %s is not done", blocker), true)
			continue
		}
		if err := r.refused[c.ID]; err != nil {
			r.done(c, err, false)
			continue
		}
		if r.Started != nil {
			r.Started(c)
		}
		ready = append(ready, c)
	}
	if len(ready) == 0 {
		return
	}
	switch ready[0].Action {
	case Remove:
		r.remove(ctx, ready)
	case Refresh:
		r.refresh(ctx, ready[0])
	default:
		r.set(ctx, ready)
	}
}

// fail notes that a thing is not done, and what can't be done for that: what needs
// it, and where things leave, what it needs.
func (r *run) fail(id resource.ID) {
	r.failed[id] = true
	for _, next := range slices.Concat(r.needing.Next(id), r.plan.goes.Before(id)) {
		if _, known := r.blockers[next]; !known {
			r.blockers[next] = id
		}
	}
}

// blocked says what is not done without which an item can't be.
func (r *run) blocked(it *item) (resource.ID, bool) {
	if it.before != nil && r.failed[it.before.ID] {
		return it.before.ID, true
	}
	blocker, blocked := r.blockers[it.ID]
	return blocker, blocked
}

func (r *run) done(c Change, err error, skipped bool) {
	if err != nil {
		r.fail(c.ID)
	}
	r.report.Results = append(r.report.Results, Result{Change: c, Err: err, Skipped: skipped})
	if r.Done != nil {
		r.Done(c, err)
	}
}

// set makes a batch of wishes true: look, announce, change, look again.
func (r *run) set(ctx context.Context, batch []Change) {
	batch, err := r.look(ctx, batch)
	if err != nil {
		r.all(batch, err)
		return
	}
	differ := toChange(batch)
	announced, err := r.announce(batch)
	if err != nil {
		r.all(batch, err)
		return
	}
	failed := r.change(ctx, batch, differ)
	r.withdraw(ctx, announced, failed)
	for _, c := range batch {
		err := failed[c.ID]
		if err == nil {
			err = errors.Join(r.overtaken(ctx, c), r.finished(c))
		}
		r.done(c, r.putBack(ctx, c, err), false)
	}
	r.report.Err = errors.Join(r.report.Err, r.flush())
}

// look observes a batch anew, and leaves out what can't be looked at for want of a
// program that no step before has brought. That is not touched, so nothing is put
// on record of it.
func (r *run) look(ctx context.Context, batch []Change) (seen []Change, err error) {
	items := itemsOf(batch)
	r.beside(batch, func() {
		if err = r.renormalize(ctx, items); err == nil {
			observe(ctx, items)
		}
	})
	if err != nil {
		return batch, err
	}
	for _, c := range batch {
		if c.item.blind != nil {
			r.done(c, c.item.blind, false)
			continue
		}
		r.note(ctx, c)
		seen = append(seen, c)
	}
	return seen, nil
}

func itemsOf(batch []Change) []*item {
	items := make([]*item, len(batch))
	for i, c := range batch {
		items[i] = c.item
	}
	return items
}

// toChange returns what the kind has to be called for: somebody else may have made
// the rest true since the plan.
func toChange(batch []Change) []resource.Change {
	var differ []resource.Change
	for _, it := range itemsOf(batch) {
		if it.err == nil && (it.got == nil || it.interrupted() || len(resource.Compare(it.got, it.Want)) > 0) {
			differ = append(differ, resource.Change{Name: it.ID.Name, Got: it.got, Want: it.Want})
			it.made = true
		}
	}
	return differ
}

// change has the kind change what differs, looks at all of the batch again, and
// returns why what is not as wished is not.
func (r *run) change(ctx context.Context, batch []Change, differ []resource.Change) map[resource.ID]error {
	var named map[string]error
	var general error
	if len(differ) > 0 {
		r.beside(batch, func() {
			named, general = resource.Split(batch[0].item.kind.Apply(ctx, differ))
			observe(ctx, itemsOf(batch))
		})
	}
	failed := make(map[resource.ID]error)
	for _, it := range itemsOf(batch) {
		err := errors.Join(named[it.ID.Name], it.err)
		if diffs := resource.Compare(it.got, it.Want); err == nil && (it.got == nil || len(diffs) > 0) {
			if err = general; err == nil {
				err = fmt.Errorf("the host still differs in %s after the change", attributes(diffs))
			}
		}
		if err != nil {
			failed[it.ID] = err
		}
	}
	return failed
}

// renormalize repeats what a plan may not have been able to do, since a package
// was missing then, or what earlier steps of this apply changed. The whole kind
// takes part, since wishes may lean on each other, but only what is about to be
// changed can fail.
func (r *run) renormalize(ctx context.Context, items []*item) error {
	if len(r.report.Results) == 0 {
		return nil // nothing has changed since the plan did it
	}
	kind := items[0].ID.Kind
	wished, _ := partition(r.plan.items, func(it *item) bool { return it.ID.Kind == kind && !it.leave && !it.undo })
	var errs []error
	for _, err := range resource.Each(normalize(ctx, wished)) {
		var wish *WishError
		if !errors.As(err, &wish) || slices.ContainsFunc(items, func(it *item) bool { return it.ID == wish.ID }) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (r *run) all(batch []Change, err error) {
	for _, c := range batch {
		r.done(c, err, false)
	}
}

func attributes(diffs []resource.Diff) string {
	names := make([]string, len(diffs))
	for i, d := range diffs {
		names[i] = d.Attribute
		if !d.Sensitive && !d.Text {
			names[i] += fmt.Sprintf(" (%s instead of %s)", d.Before, d.After)
		}
	}
	return strings.Join(names, ", ")
}

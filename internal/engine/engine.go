// Package engine compares what a host shall be with what it is, and makes the
// difference go away: plan, apply, look again.
//
// A plan is advice. Apply observes each thing anew right before it touches it,
// and once more afterwards; a host that still differs then is an error.
package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"vpnd/internal/engine/glance"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// An Engine converges one host.
type Engine struct {
	Catalog  resource.Catalog
	Store    *state.Store
	Now      func() time.Time
	Resumes  string                      // the snapshot of an apply that was cut short and that this one brings to its end: it undoes both; may be empty
	Protects bool                        // plans leave what is lost and would void what others hold, and what waits for it; an agent's
	Armed    func(snapshot string) error // told what undoes an apply before its first change, which an error prevents; may be nil
	Next     *state.Wish                 // what Armed makes active; nil for nothing
	Glance   *glance.Memory              // what the last look at the same wish found; nil where each is to be found out anew
	Started  func(Change)                // told before a change is made; may be nil
	Done     func(Change, error)         // told after a change was made; may be nil

	// Meanwhile, where it is not nil, is called while verbs take long, and returns
	// once they are done, with what it has changed on the host itself.
	Meanwhile func(Work) []resource.ID
}

// Action is what is done to a resource.
type Action string

// The actions. Adopting and forgetting change nothing on the host, so they are
// no actions.
const (
	Create  Action = "create"
	Update  Action = "update"
	Remove  Action = "remove"
	Restore Action = "restore" // what stood there before vpnd comes back
	Refresh Action = "refresh" // the reader takes notice of what changed
)

// Reason is why something is done.
type Reason string

// The reasons.
const (
	New           Reason = "new"           // asked for and not there
	Configuration Reason = "configuration" // the configuration changed
	Drift         Reason = "drift"         // the host moved behind vpnd's back
	Both          Reason = "both"          // the configuration changed and the host moved too
	TakesOver     Reason = "takes_over"    // something of others stood there
	Renewal       Reason = "renewal"       // it runs out
	Unfinished    Reason = "unfinished"    // an earlier run was cut short
	Dropped       Reason = "dropped"       // no longer asked for
	Follows       Reason = "follows"       // something it reads changes
	Owed          Reason = "owed"          // something it reads changed in an earlier run
	Undone        Reason = "undone"        // an apply is rolled back
)

// A Change is one thing that an apply does.
type Change struct {
	ID          resource.ID
	Action      Action
	Reason      Reason
	Because     resource.ID // what it follows, for Follows
	Diffs       []resource.Diff
	Cost        resource.Effect // what those who are connected notice
	Owners      []resource.Owner
	IsDrift     bool        // put right, not newly asked for
	Loses       string      // what others hold and is void once the thing has left
	Invalidates string      // what others hold and is void then: the thing is lost, and a new one takes its place
	Lacks       resource.ID // the lost thing that this one is, or waits for, where the engine protects it

	item *item
}

// A Problem is a resource that could not be looked at: it is unknown, and
// never acted on.
type Problem struct {
	ID     resource.ID
	Owners []resource.Owner
	Err    error
}

// A Note is something that no apply can change, for people to know: another
// file that would win over vpnd's at boot, rules that vpnd does not see.
type Note struct {
	ID    resource.ID // without a name where it concerns the whole kind
	Text  string
	Stays bool // of an undo: it does not go back, or not as it was
}

// A Plan is what an apply would do, in that order.
type Plan struct {
	Changes  []Change
	Problems []Problem
	Lost     []Problem // what leaves, and what stood there before can't be given back
	Notes    []Note
	Waits    []Wait        // what a person has to bring something for
	LeftOut  []resource.ID // what needs a running host, where this one does not run
	Spared   []resource.ID // services at work that some changes restart, and those of the plan do not

	quiet  []*item         // what needs no change, but a record
	items  []*item         // everything that was looked at, in order
	comes  *resource.Graph // what is asked for
	goes   *resource.Graph // what leaves
	barred []resource.ID   // wrong, and not for this apply
	part   bool            // of what is asked for only this was looked at
}

// item is one resource on its way through a plan.
type item struct {
	resource.Resource // Want is nil where the thing shall go

	kind  *resource.Kind
	got   any
	err   error // why it could not be looked at
	lost  error // why what stood there before vpnd can't be given back
	blind error // the same of a new thing, which a package of this plan may yet show
	depth int   // longest chain of what must be applied before it
	past  *state.Record
	final []state.Fact // what the records say once it is done
	leave bool         // no longer asked for: removed, or restored to what stood there before
	undo  bool         // part of a rollback
	made  bool         // its verb was called in this apply

	inside  *resource.Resource // does not leave, and so keeps a directory that would; nil where nothing does
	before  *item              // of another kind, leaves the path that this one comes to; may be nil
	changes bool               // the plan changes it
	agrees  bool               // it needs no change for its own sake

	asked  any  // the wish as the configuration has it
	place  int  // among the wishes, see [Engine.recognise]
	stands bool // as the last look found it

	compared *comparison // made ahead; nil where that is not so, or it was used

	handout *state.Handout // its holder needs it anew; nil where not

	prior json.RawMessage // what a rollback has to remember again, since it stood there before vpnd
}

// anew returns the plan before anything of it was judged.
func (p *Plan) anew() *Plan {
	return &Plan{items: p.items, comes: p.comes, goes: p.goes, LeftOut: p.LeftOut}
}

// IDs returns the distinct resources that the plan changes, in order.
func (p *Plan) IDs() []resource.ID {
	var ids []resource.ID
	seen := make(map[resource.ID]bool)
	for _, c := range p.Changes {
		if !seen[c.ID] {
			seen[c.ID] = true
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Drifted says whether the plan puts right what moved behind vpnd's back.
func (p *Plan) Drifted() bool { return p.any(func(c Change) bool { return c.IsDrift }) }

// Configured says whether the plan makes something new.
func (p *Plan) Configured() bool { return p.any(func(c Change) bool { return !c.IsDrift }) }

func (p *Plan) any(is func(Change) bool) bool {
	for _, c := range p.Changes {
		if is(c) {
			return true
		}
	}
	return false
}

// Cost is the dearest change of the plan.
func (p *Plan) Cost() resource.Effect {
	var cost resource.Effect
	for _, c := range p.Changes {
		cost = max(cost, c.Cost)
	}
	return cost
}

// A WishError is a wish that the host would refuse, found while planning.
type WishError struct {
	ID     resource.ID
	Owners []resource.Owner
	Path   string // the attribute of the first owner that is to blame; empty for the whole block
	Err    error
}

// Error names the resource and the place that asks for it.
func (e *WishError) Error() string { return fmt.Sprintf("%s: %v", e.ID, e.Err) }

// Unwrap returns what the kind said.
func (e *WishError) Unwrap() error { return e.Err }

// Leftovers returns what is recorded and no longer wished.
func (e *Engine) Leftovers(present []resource.Resource) []resource.ID {
	wished := make(map[resource.ID]bool, len(present))
	for _, r := range present {
		wished[r.ID] = true
	}
	return e.Store.Besides(wished)
}

func (e *Engine) kind(id resource.ID) (*resource.Kind, error) {
	k := e.Catalog.Find(id.Kind)
	if k == nil {
		return nil, fmt.Errorf("%s: this vpnd knows no kind %q", id, id.Kind)
	}
	return k, nil
}

// perKind calls do once a kind, all kinds at the same time.
func perKind(items []*item, do func(k *resource.Kind, items []*item)) {
	groups := make(map[string][]*item)
	for _, it := range items {
		groups[it.ID.Kind] = append(groups[it.ID.Kind], it)
	}
	var wg sync.WaitGroup
	for _, group := range groups {
		wg.Go(func() { do(group[0].kind, group) })
	}
	wg.Wait()
}

// advise asks each kind in use what people should know.
func (p *Plan) advise(ctx context.Context) {
	var mu sync.Mutex
	var notes []Note
	asked, _ := partition(p.items, func(it *item) bool { return !it.leave })
	perKind(asked, func(k *resource.Kind, _ []*item) {
		for _, text := range k.Advise(ctx) {
			mu.Lock()
			notes = append(notes, Note{ID: resource.ID{Kind: k.Name}, Text: text})
			mu.Unlock()
		}
	})
	resource.Sort(notes, func(a, b Note) int { return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Text, b.Text)) })
	p.Notes = append(notes, p.Notes...)
}

// wantsOf returns what is wished of each item, nil of one that leaves.
func wantsOf(items []*item) map[string]any {
	wants := make(map[string]any, len(items))
	for _, it := range items {
		wants[it.ID.Name] = it.Want
	}
	return wants
}

// observe looks at all items anew.
func observe(ctx context.Context, items []*item) {
	perKind(items, func(k *resource.Kind, group []*item) {
		seen := k.Observe(ctx, wantsOf(group))
		for _, it := range group {
			it.got, it.err = seen[it.ID.Name].Got, seen[it.ID.Name].Err
			it.blind = nil
			if errors.Is(it.err, resource.ErrNoTool) && it.untouched() {
				it.blind, it.err = it.err, nil
			}
		}
	})
}

// untouched says whether vpnd never had to do with a thing that is wished: it is
// new, as far as anybody can tell.
func (it *item) untouched() bool { return it.past == nil && !it.leave && !it.undo }

// normalize turns the wishes into the host's own words. What the host would
// refuse is returned as joined WishErrors.
func normalize(ctx context.Context, items []*item) error {
	var mu sync.Mutex
	var errs []error
	perKind(items, func(k *resource.Kind, group []*item) {
		normal, err := k.Normalize(ctx, wantsOf(group))
		named, general := resource.Split(err)
		mu.Lock()
		defer mu.Unlock()
		for _, it := range group {
			if want, ok := normal[it.ID.Name]; ok {
				it.Want = want
			}
			if err := errors.Join(named[it.ID.Name], general); err != nil {
				errs = append(errs, &WishError{ID: it.ID, Owners: it.Owners, Err: err})
				general = nil
			}
		}
	})
	return errors.Join(errs...)
}

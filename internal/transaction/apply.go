package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/config"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Terms are what an apply has to prove, and what becomes of it where it does not.
type Terms struct {
	Config       *config.Config
	Part         bool          // only what took part in the plan becomes active
	Confirm      time.Duration // until it is undone unless somebody confirms; zero where nobody has to
	Undo         bool          // it is undone where something fails, also without Confirm
	Unwatched    bool          // with Confirm: nobody watches whether the host can be reached
	Irreversible bool          // with Confirm: what an undo may not be able to take back is taken too
	Unasked      bool          // with Confirm: it is left to somebody else to confirm
}

// Refuse is an error where a plan can't be undone as the terms ask.
func (terms Terms) Refuse(kinds resource.Catalog, p *engine.Plan) error {
	if terms.Confirm == 0 || terms.Irreversible {
		return nil
	}
	if found := irreversible(kinds, p); len(found) > 0 {
		return fmt.Errorf("%s: packages that are removed or change their version don't come back where the network is gone; apply that by itself first, or say --allow-irreversible", strings.Join(found, ", "))
	}
	return nil
}

// irreversible lists the changes of a plan that no snapshot undoes: an undo may
// remove a package that was not there, but can't fetch one where the way to the
// mirror is what is broken.
func irreversible(kinds resource.Catalog, p *engine.Plan) []string {
	var found []string
	for _, c := range p.Changes {
		stood := func(d resource.Diff) bool { return d.Before != "" && d.Before != "false" }
		if kinds.Traits(c.ID.Kind).Fetched && slices.ContainsFunc(c.Diffs, stood) {
			found = append(found, c.ID.String())
		}
	}
	return found
}

// changing says which listeners the plan may stop, move or restart on purpose:
// those of units that it changes, those on links that it changes, and all where
// it removes or replaces packages. An agent's metrics are its own matter.
func changing(kinds resource.Catalog, p *engine.Plan) func(confirm.Listener) bool {
	named := map[string]bool{"vpnd.service": true}
	for _, c := range p.Changes {
		named[c.ID.Name] = kinds.Traits(c.ID.Kind).Carries || named[c.ID.Name]
		if strings.HasSuffix(c.ID.Name, ".socket") {
			named["init.scope"] = true
		}
	}
	all := len(irreversible(kinds, p)) > 0
	return func(l confirm.Listener) bool {
		return all || named[l.Link] || slices.ContainsFunc(l.Units, func(unit string) bool { return named[unit] })
	}
}

// An apply has to prove itself: by checks, and where it is to be confirmed by
// probes and by somebody who says yes. Else it is undone.
type apply struct {
	*Transaction
	terms Terms

	plan     *engine.Plan
	next     *state.Wish // what it makes active; nil for nothing
	began    time.Time
	resumes  string // the snapshot of an apply that was killed and that this one brings to its end; may be empty
	probes   []confirm.Probe
	snapshot string // what undoes it; empty as long as nothing is armed
}

var (
	errLate        = errors.New("it did not end before its deadline")
	errInterrupted = errors.New("it was interrupted")
	errUnwanted    = errors.New("nobody wants to keep it")
)

// Apply carries out a plan that was agreed to, and undoes it unless it proves
// itself. While somebody is asked the lock is free, so that others can confirm.
func (t *Transaction) Apply(ctx context.Context, p *engine.Plan, terms Terms) (Phase, error) {
	a := &apply{Transaction: t, terms: terms, plan: p, began: t.Engine.Now()}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if terms.Confirm > 0 && !terms.Unwatched && len(p.Changes) > 0 {
		a.probes = confirm.Working(ctx, t.host.Probes(ctx, changing(t.Engine.Catalog, p)))
	}
	var err error
	if a.next, err = a.nextOf(terms.Config, a.took()); err != nil {
		return Failed, err
	}
	if a.resumes, err = a.cutShort(); err != nil {
		return Failed, err
	}
	if len(p.Changes) == 0 {
		if err := a.activate(); err != nil {
			return Failed, err
		}
	}
	r, err := t.carryOut(work, p, "apply", undoing{a.resumes, func(snapshot string) error { return a.begin(ctx, snapshot, stop) }, a.next})
	if err == nil {
		err = a.proves(work)
	}
	switch {
	case err == nil && a.snapshot == "":
		t.tell(Applied{t.Engine, r})
		return Kept, nil
	case err == nil:
		t.Close()
		return a.ask(ctx)
	case r.Snapshot != "" && (terms.Undo || terms.Confirm > 0):
		return a.undo(ctx, r.Snapshot, why(work, err))
	}
	return Failed, nil
}

// why tells why an apply is undone.
func why(work context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(work), errLate):
		return errLate
	case work.Err() != nil:
		return errInterrupted
	}
	return err
}

// cutShort returns the snapshot of an apply that was killed, and that this one
// brings to its end.
func (a *apply) cutShort() (string, error) {
	if !a.plan.Configured() {
		return "", nil
	}
	return active.Resumes(a.store(), a.next)
}

// activate has the agent keep from now on what is about to be applied; of a part,
// only that. It counts from before the snapshot: undoing that takes it back.
func (a *apply) activate() error {
	return active.Activate(a.store(), a.next, a.began)
}

// took returns what an apply of a part is about, nil where it is about all.
func (a *apply) took() map[resource.ID]bool {
	if !a.terms.Part {
		return nil
	}
	return a.plan.Took()
}

// begin is called right before the first change. The agent is told only once the
// undo is certain, or a kill in between would have it apply without one.
func (a *apply) begin(ctx context.Context, snapshot string, stop context.CancelCauseFunc) error {
	if a.terms.Confirm == 0 {
		return a.activate()
	}
	d, err := a.host.Deadline(a.store())
	if err == nil {
		err = a.store().Reserve(snapshot)
	}
	if err == nil {
		err = d.Arm(ctx, snapshot, a.terms.Confirm)
	}
	if err != nil {
		return errors.Join(err, a.store().Unreserve(), a.drop(snapshot))
	}
	if err := a.activate(); err != nil {
		return errors.Join(err, d.Disarm(ctx), a.drop(snapshot))
	}
	a.snapshot = snapshot
	time.AfterFunc(a.terms.Confirm, func() { stop(errLate) })
	return nil
}

// drop forgets the snapshot of an apply that does not begin.
func (a *apply) drop(snapshot string) error {
	if snapshot == a.resumes {
		return nil // the earlier one did
	}
	return a.store().DropSnapshot(snapshot)
}

// proves tries the probes that worked before, and all checks.
func (a *apply) proves(ctx context.Context) error {
	if a.snapshot != "" && len(a.probes) > 0 {
		// This goes through the session of who called, which shows whether it lives.
		a.tell(Watching{len(a.probes)})
		if err := confirm.Watch(ctx, a.probes); err != nil {
			return err
		}
	}
	checks := a.terms.Config.Checks
	if len(checks) == 0 {
		return nil
	}
	failures := a.host.Checks(ctx, checks)
	for _, f := range failures {
		a.tell(Fails{f})
	}
	a.tell(Checked{Hold: len(checks) - len(failures), Fail: len(failures)})
	if len(failures) > 0 {
		return fmt.Errorf("check %q does not hold: %w", failures[0].Check.Name, failures[0].Err)
	}
	return nil
}

// undo rolls the apply back. A signal that ended the apply doesn't end the undo.
func (a *apply) undo(ctx context.Context, snapshot string, why error) (Phase, error) {
	a.tell(Undoing{why})
	left, err := a.goBack(context.WithoutCancel(ctx), snapshot, Broken, false)
	if err != nil {
		a.tell(Incomplete{})
		return Failed, err
	}
	a.tell(GoneBack{Resumed: a.resumes != "", Left: left})
	return Undone, nil
}

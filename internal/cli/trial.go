package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/active"
	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// A trial is an apply that has to prove itself: by checks, and with --confirm by
// probes and by somebody who says yes. Else it is undone.
type trial struct {
	*app
	engine   *engine.Engine
	flags    applyFlags
	cfg      *config.Config
	dir      string
	began    time.Time
	probes   []confirm.Probe
	snapshot string // what undoes it; empty as long as nothing is armed
}

// try applies a plan that was agreed to, and undoes it unless it proves itself.
// release gives the lock back, so that others can confirm.
func (t *trial) try(ctx context.Context, p *engine.Plan, checks []settings.Check, release func()) error {
	t.began = time.Now()
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if t.flags.confirm > 0 && !t.flags.noProbes && len(p.Changes) > 0 {
		t.probes = confirm.Working(ctx, confirm.Probes(ctx, changing(t.engine.Catalog, p)))
	}
	var err error
	if t.engine.Resumes, err = t.resumes(p); err != nil {
		return err
	}
	t.engine.Armed = func(snapshot string) error { return t.begin(ctx, p, snapshot, stop) }
	if len(p.Changes) == 0 {
		if err := t.enforce(p); err != nil {
			return err
		}
	}
	r, err := t.carryOut(work, t.engine, p, "apply")
	if err == nil {
		err = t.proves(work, checks)
	}
	switch {
	case err == nil && t.snapshot == "":
		t.next(t.engine, r)
		return nil
	case err == nil:
		release()
		return t.ask(ctx)
	case r.Snapshot != "" && (t.flags.rollback || t.flags.confirm > 0):
		return t.undo(ctx, r.Snapshot, why(work, err))
	}
	return exitStatus(exitError)
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

// enforce has the daemon keep from now on what is about to be applied; of an
// apply with targets, only those. It counts from before the snapshot: undoing
// that takes it back.
func (t *trial) enforce(p *engine.Plan) error {
	return active.Activate(t.engine.Store, t.cfg, t.took(p), t.began)
}

// took returns what an apply with targets is about, nil where it is about all.
func (t *trial) took(p *engine.Plan) map[resource.ID]bool {
	if len(t.flags.targets) == 0 {
		return nil
	}
	return p.Took()
}

// resumes returns the snapshot of an apply that was killed and that this one
// brings to its end.
func (t *trial) resumes(p *engine.Plan) (string, error) {
	if !p.Configured() {
		return "", nil
	}
	return active.Resumes(t.engine.Store, t.cfg, t.took(p))
}

// drop forgets the snapshot of an apply that does not begin.
func (t *trial) drop(snapshot string) error {
	if snapshot == t.engine.Resumes {
		return nil // the earlier one did
	}
	return t.engine.Store.DropSnapshot(snapshot)
}

var (
	errLate        = errors.New("it did not end before its deadline")
	errInterrupted = errors.New("it was interrupted")
)

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

// begin is called right before the first change. The daemon is told only once
// the undo is certain, or a kill in between would have it apply without one.
func (t *trial) begin(ctx context.Context, p *engine.Plan, snapshot string, stop context.CancelCauseFunc) error {
	if err := active.Follows(t.engine.Store, snapshot, t.cfg, t.took(p)); err != nil {
		return errors.Join(err, t.drop(snapshot))
	}
	if t.flags.confirm == 0 {
		return t.enforce(p)
	}
	d, err := t.deadline(t.engine.Store)
	if err == nil {
		err = t.engine.Store.Reserve(snapshot)
	}
	if err == nil {
		err = d.Arm(ctx, snapshot, time.Duration(t.flags.confirm))
	}
	if err != nil {
		return errors.Join(err, t.engine.Store.Unreserve(), t.drop(snapshot))
	}
	if err := t.enforce(p); err != nil {
		return errors.Join(err, d.Disarm(ctx), t.drop(snapshot))
	}
	t.snapshot = snapshot
	time.AfterFunc(time.Duration(t.flags.confirm), func() { stop(errLate) })
	return nil
}

// proves tries the probes that worked before, and all checks.
func (t *trial) proves(ctx context.Context, checks []settings.Check) error {
	if t.snapshot != "" && len(t.probes) > 0 {
		// This goes through the session of who called, which shows whether it lives.
		_, _ = fmt.Fprintf(t.Err, "Watching whether the host can still be reached, by %d probes that worked before ...\n", len(t.probes))
		if err := confirm.Watch(ctx, t.probes); err != nil {
			return err
		}
	}
	if len(checks) == 0 {
		return nil
	}
	failures := confirm.Run(ctx, checks)
	for _, f := range failures {
		_, _ = fmt.Fprintf(t.Out, "Check %q does not hold: %v\n", f.Check.Name, f.Err)
		var command *confirm.CommandError
		if errors.As(f.Err, &command) && command.Said != "" && isTerminal(t.Out) {
			_, _ = fmt.Fprintf(t.Out, "  It says: %s\n", printable(command.Said)) // to who is there alone: it may be secret
		}
	}
	_, _ = fmt.Fprintf(t.Out, "Checks: %d hold, %d don't.\n", len(checks)-len(failures), len(failures))
	if len(failures) > 0 {
		return fmt.Errorf("check %q does not hold: %w", failures[0].Check.Name, failures[0].Err)
	}
	return nil
}

// undo rolls the apply back. That it did is an exit status of its own. A signal
// that ended the apply doesn't end the undo.
func (t *trial) undo(ctx context.Context, snapshot string, why error) error {
	_, _ = fmt.Fprintf(t.Out, "\nUndoing it: %s.\n", oneLine(why))
	if err := t.rollback(context.WithoutCancel(ctx), t.engine, snapshot, broken, false); err != nil {
		_, _ = fmt.Fprintln(t.Err, "vpnd: the undo is not complete; vpnd rollback tries again, and so does the timer where there was --confirm")
		return err
	}
	return t.undone()
}

func (t *trial) undone() error {
	before := "this apply"
	if t.engine.Resumes != "" {
		before += " and the one before it, which was cut short"
	}
	_, _ = fmt.Fprintf(t.Out, "\nUNDONE. The host is as it was before %s.\n", before)
	return exitStatus(exitRolledBack)
}

func oneLine(err error) string {
	first, rest, _ := strings.Cut(err.Error(), "\n")
	if rest != "" {
		first += ", and more"
	}
	return first
}

// ask asks on a terminal whether to keep what was applied. Elsewhere, and with
// --yes, it leaves that to vpnd confirm.
func (t *trial) ask(ctx context.Context) error {
	p, err := state.ReadPending(t.dir)
	if err != nil {
		return err
	}
	if p == nil {
		return t.outcome(ctx)
	}
	if t.flags.yes || !isTerminal(t.In) {
		return t.leave(p)
	}
	_, _ = fmt.Fprintf(t.Err, "Is the host still right? Try a new connection to it. At %s everything is undone.\n", clock(p.Deadline))
	answers := t.answers()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	t.prompt()
	for {
		select {
		case <-ctx.Done():
			return t.reject(ctx, errInterrupted)
		case <-look.C:
			if p, err := state.ReadPending(t.dir); err == nil && p == nil {
				return t.outcome(ctx)
			}
		case line, more := <-answers:
			switch {
			case !more:
				return t.leave(p)
			case line == "yes":
				return t.accept(ctx)
			case line == "no":
				return t.reject(ctx, errors.New("nobody wants to keep it"))
			}
			t.prompt()
		}
	}
}

func (t *trial) prompt() { _, _ = fmt.Fprint(t.Err, "Keep it? (yes or no): ") }

// leave says what has to be done so that the apply stays.
func (t *trial) leave(p *state.Pending) error {
	command := "vpnd confirm"
	if t.dir != t.app.dir(nil) || t.stateDir != "" {
		command += " --state-dir " + t.dir
	}
	_, _ = fmt.Fprintf(t.Out, "\nNOT CONFIRMED YET. At %s everything is undone, unless you run: %s\nTry a new connection to this host first.\n", clock(p.Deadline), command)
	return nil
}

// again takes the lock once more, unless somebody else has decided meanwhile.
func (t *trial) again(ctx context.Context, decide func() error) error {
	e, done, err := t.change(ctx, t.dir)
	if err != nil {
		return err
	}
	t.engine = e
	p, err := e.Store.Pending()
	if err == nil && p != nil && p.Snapshot == t.snapshot {
		err = decide()
		done()
		return err
	}
	done()
	return errors.Join(err, t.outcome(ctx))
}

func (t *trial) accept(ctx context.Context) error {
	return t.again(ctx, func() error {
		d, p, err := t.waiting(ctx, t.engine.Store)
		if err != nil {
			return t.undo(context.WithoutCancel(ctx), t.snapshot, err)
		}
		return t.confirm(ctx, d, p)
	})
}

func (t *trial) reject(ctx context.Context, why error) error {
	ctx = context.WithoutCancel(ctx)
	return t.again(ctx, func() error { return t.undo(ctx, t.snapshot, why) })
}

// outcome tells what somebody else decided: an apply that was undone has no
// snapshot any more. Under the lock nobody is in the middle of it.
func (t *trial) outcome(ctx context.Context) error {
	e, done, err := t.change(ctx, t.dir)
	if err != nil {
		return err
	}
	defer done()
	if _, err := e.Store.Snapshot(t.snapshot); err != nil {
		return t.undone()
	}
	_, _ = fmt.Fprintln(t.Out, "\nConfirmed from elsewhere: the host stays as it is.")
	return nil
}

// irreversible lists the changes of a plan that no snapshot undoes: an undo may
// remove a package that was not there, but can't fetch one where the way to the
// mirror is what is broken.
func irreversible(kinds resource.Catalog, p *engine.Plan) []string {
	var found []string
	for _, c := range p.Changes {
		if !kinds.Traits(c.ID.Kind).Fetched {
			continue
		}
		for _, d := range c.Diffs {
			if d.Before != "" && d.Before != "false" {
				found = append(found, c.ID.String())
				break
			}
		}
	}
	return found
}

// refuse says what stands against undoing a plan.
func (f applyFlags) refuse(kinds resource.Catalog, p *engine.Plan) error {
	if f.confirm == 0 || f.irreversible {
		return nil
	}
	if found := irreversible(kinds, p); len(found) > 0 {
		return fmt.Errorf("%s: packages that are removed or change their version don't come back where the network is gone; apply that by itself first, or say --allow-irreversible", strings.Join(found, ", "))
	}
	return nil
}

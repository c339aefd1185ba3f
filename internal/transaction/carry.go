package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// Home is below what keys and profiles are, unless their blocks say otherwise.
const Home = "/var/lib/vpnd"

// An undoing is what an apply writes down before its first change.
type undoing struct {
	resumes string                      // the snapshot of an apply that was cut short, and that this one goes on with; may be empty
	armed   func(snapshot string) error // told what undoes it; may be nil
	next    *state.Wish                 // what that makes active; nil for nothing
}

// carryOut makes a plan true, tells what became of it and notes it in the history.
// The error was told.
func (t *Transaction) carryOut(ctx context.Context, p *engine.Plan, command string, u undoing) (engine.Report, error) {
	if err := t.makeHome(p); err != nil {
		t.tell(Homeless{err})
		return engine.Report{Err: err}, err
	}
	e := *t.Engine
	e.Resumes, e.Armed, e.Next, e.Done = u.resumes, u.armed, u.next, t.host.Changed(command)
	r := e.Apply(ctx, p)
	failed := errors.Join(r.Failed(), t.note(command, r))
	t.tell(Reported{command, p, r, t.Engine.Waiting()})
	if failed == nil && len(p.Problems) > 0 {
		failed = fmt.Errorf("%s could not be looked at: %w", p.Problems[0].ID, p.Problems[0].Err)
	}
	return r, failed
}

// makeHome makes the directory that keys and profiles are below, where the state
// is kept elsewhere and the plan puts something there.
func (t *Transaction) makeHome(p *engine.Plan) error {
	inside := func(c engine.Change) bool {
		return c.Action == engine.Create && strings.HasPrefix(c.ID.Name, Home+"/")
	}
	if !slices.ContainsFunc(p.Changes, inside) {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(t.host.Root, filepath.Dir(Home)), 0o755); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(t.host.Root, Home), 0o700)
}

// note writes what became of a plan into the history; where nothing was changed
// that is not worth a line.
func (t *Transaction) note(command string, r engine.Report) error {
	if len(r.Results) == 0 {
		return nil
	}
	entry := state.Entry{Time: t.now(), By: t.host.Caller, Command: command, Snapshot: r.Snapshot}
	for _, result := range r.Results {
		done := state.Done{ID: result.ID, Action: string(result.Action), Reason: string(result.Reason)}
		if result.Action == engine.Update {
			done.Diffs = status.Shortened(ours(result.Change))
		}
		if result.Err != nil {
			done.Error = result.Err.Error()
		}
		entry.Changes = append(entry.Changes, done)
	}
	if r.Err != nil {
		entry.Error = r.Err.Error()
	}
	return t.store().Note(entry)
}

// now is the time of an entry of the history.
func (t *Transaction) now() time.Time { return t.Engine.Now().UTC().Truncate(time.Second) }

// ours leaves out the text of what is taken over: it was somebody else's, and may
// hold what is secret to them.
func ours(c engine.Change) []resource.Diff {
	return slices.DeleteFunc(slices.Clone(c.Diffs), func(d resource.Diff) bool { return d.Text && c.Reason == engine.TakesOver })
}

// takeBack makes a plan true that undoes what vpnd did. The agent is kept from
// doing it all again before; unkept is why that could not be written. Where the
// disk does not take it, only what waits for its undo is taken back all the same,
// as far as that needs no disk: until it is done as a whole, the agent leaves it
// alone.
func (t *Transaction) takeBack(ctx context.Context, p *engine.Plan, command string, u undoing, unkept error, waits bool) error {
	if unkept != nil && !(waits && state.Unwritable(unkept)) {
		return untouched(unkept)
	}
	if _, err := t.carryOut(ctx, p, command, u); err != nil && unkept == nil {
		return ErrTold
	}
	if unkept != nil {
		return fmt.Errorf("the undo is not complete, and is tried again: what needs no disk is undone as far as nothing is said above; %w", unkept)
	}
	return nil
}

// untouched says what to do where the disk did not take what comes before the first
// change.
func untouched(err error) error {
	if !state.Unwritable(err) {
		return err
	}
	return fmt.Errorf("%w; nothing was changed, since what is in force afterwards has to be on record first: make room on that disk, or have it writable again, and repeat the command", err)
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/state"
)

// wayOut is what always leads out of an undo that does not come to its end.
const wayOut = "vpnd confirm --abandon gives the undo up and keeps the host as it is"

// abandoned is what the history says of an undo that was given up.
const abandoned = "undo given up"

// mostTries is how often an undo at the deadline is tried: for some five minutes.
// What does not go back by then needs somebody to look at it, and until an undo
// has ended nobody can do anything else.
const mostTries = 30

// tryUndo undoes what nobody confirmed in time. It is tried again as long as
// something fails, and given up at last: what could be undone is, and the
// snapshot stays for another try by hand.
func (a *app) tryUndo(ctx context.Context, e *engine.Engine, due *state.Pending, boots bool) error {
	err := a.rollback(ctx, e, due.Snapshot, late, boots)
	due, unread := e.Store.Pending()
	if err == nil || unread != nil || due == nil || due.Tries < mostTries {
		return err
	}
	_, _ = fmt.Fprintf(a.Err, "vpnd: given up after %d tries; what is named above is not as before\n", due.Tries)
	return errors.Join(err, a.giveUp(ctx, e))
}

// begun notes another try to undo an apply that waits, which can't be confirmed any
// more then. Where the disk is full, the undo goes on uncounted.
func begun(store *state.Store) error {
	p, err := store.Pending()
	if err != nil || p == nil {
		return err
	}
	p.Tries++
	if err := store.SetPending(*p); err != nil && !state.Unwritable(err) {
		return err
	}
	return nil
}

// abandon gives up an undo that somebody no longer waits for.
func (a *app) abandon(ctx context.Context, e *engine.Engine) error {
	p, err := e.Store.Pending()
	if p == nil && err == nil {
		return nothingPending(e.Store)
	}
	d, failed := a.deadline(e.Store)
	if failed != nil {
		return failed
	}
	if err == nil && !p.Begun() && !d.Over(ctx, p) {
		return fmt.Errorf("it can still be confirmed, until %s: vpnd confirm keeps the apply, vpnd rollback undoes it now", clock(p.Deadline))
	}
	if err := a.giveUp(ctx, e); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(a.Out, "Given up: the host stays as it is now, whatever of the apply is undone. vpnd plan shows how that differs from the configuration.")
	return nil
}

// giveUp ends an undo where it stands, and notes that.
func (a *app) giveUp(ctx context.Context, e *engine.Engine) error {
	d, err := a.deadline(e.Store)
	if err != nil {
		return err
	}
	if _, unreadable := e.Store.Pending(); unreadable != nil {
		err = e.Store.DropPending()
	}
	err = errors.Join(err, d.Disarm(ctx))
	return errors.Join(err, e.Store.Note(state.Entry{Time: e.Now().UTC().Truncate(time.Second), Command: abandoned}))
}

package transaction

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"vpnd/internal/state"
)

// MostTries is how often an undo at the deadline is tried: for some five minutes.
// What does not go back by then needs somebody to look at it, and until an undo
// has ended nobody can do anything else.
const MostTries = 30

// busyWait is how long an undo waits for the apply to come to an end by itself
// before it ends it.
const busyWait = 15 * time.Second

// UndoDue undoes the apply that nobody confirmed in time, and cleans up where there
// is none. It is what the timer and the boot unit run; see [Transaction.PlanUndo]
// for what is other at boot.
func (h *Host) UndoDue(ctx context.Context, atBoot bool) error {
	if err := h.Mend(ctx); err != nil {
		return err
	}
	store, err := state.Read(h.Dir)
	if err != nil {
		return err
	}
	due, pending, err := h.due(ctx, store)
	if err != nil || pending && due == nil {
		return err // its timer still runs: it was extended
	}
	if err := h.breakIn(ctx, due); err != nil {
		return err
	}
	t, err := h.Begin(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	due, pending, err = h.due(ctx, t.store())
	switch {
	case err != nil:
		return err
	case due != nil:
		t.tell(Overdue{})
		return t.tryUndo(ctx, due, atBoot)
	case pending:
		return nil
	}
	d, err := h.Deadline(t.store())
	if err != nil {
		return err
	}
	return d.Tidy()
}

// due returns the apply that nobody confirmed in time, and says whether any
// waits at all.
func (h *Host) due(ctx context.Context, store *state.Store) (due *state.Pending, pending bool, err error) {
	d, err := h.Deadline(store)
	if err != nil {
		return nil, false, err
	}
	p, err := store.Pending()
	if p == nil || err != nil {
		return nil, false, err
	}
	due, err = d.Due(ctx)
	return due, true, err
}

// breakIn ends the apply that is due where it hangs and so holds the lock: in
// writing to a terminal that its own change cut off, for one. It survives that
// as any other kill.
func (h *Host) breakIn(ctx context.Context, due *state.Pending) error {
	if due == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, busyWait)
	defer cancel()
	unlock, err := state.Lock(wait, h.Dir)
	var busy *state.ErrBusy
	switch {
	case err == nil:
		unlock()
		return nil
	case !errors.As(err, &busy) || busy.PID != due.Process:
		return nil // a wait of its own is for somebody else
	}
	process, err := os.FindProcess(due.Process)
	if err != nil {
		return err
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending the apply that is overdue: %w", err)
	}
	return nil
}

// tryUndo undoes what nobody confirmed in time. It is tried again as long as
// something fails, and given up at last: what could be undone is, and the
// snapshot stays for another try by hand.
func (t *Transaction) tryUndo(ctx context.Context, due *state.Pending, atBoot bool) error {
	_, err := t.goBack(ctx, due.Snapshot, Late, atBoot)
	due, unread := t.store().Pending()
	if err == nil || unread != nil || due == nil || due.Tries < MostTries {
		return err
	}
	t.tell(GivenUp{due.Tries})
	return errors.Join(err, t.giveUp(ctx))
}

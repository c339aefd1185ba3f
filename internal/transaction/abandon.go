package transaction

import (
	"context"
	"errors"
	"fmt"

	"vpnd/internal/state"
)

// WayOut is what always leads out of an undo that does not come to its end.
const WayOut = "vpnd confirm --abandon gives the undo up and keeps the host as it is"

// abandoned is what the history says of an undo that was given up.
const abandoned = "undo given up"

// Abandon gives up an undo that somebody no longer waits for.
func (t *Transaction) Abandon(ctx context.Context) error {
	p, err := t.store().Pending()
	if p == nil && err == nil {
		return t.nothingPending()
	}
	d, failed := t.host.Deadline(t.store())
	if failed != nil {
		return failed
	}
	if err == nil && !p.Begun() && !d.Over(ctx, p) {
		return fmt.Errorf("it can still be confirmed, until %s: vpnd confirm keeps the apply, vpnd rollback undoes it now", clock(p.Deadline))
	}
	if err := t.giveUp(ctx); err != nil {
		return err
	}
	t.tell(Abandoned{})
	return nil
}

// giveUp ends an undo where it stands, and notes that.
func (t *Transaction) giveUp(ctx context.Context) error {
	d, err := t.host.Deadline(t.store())
	if err != nil {
		return err
	}
	if _, unreadable := t.store().Pending(); unreadable != nil {
		err = t.store().DropPending()
	}
	err = errors.Join(err, d.Disarm(ctx))
	return errors.Join(err, t.store().Note(state.Entry{Time: t.now(), Command: abandoned}))
}

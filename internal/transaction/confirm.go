package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/confirm"
	"vpnd/internal/state"
)

// Confirm keeps the apply that waits for it.
func (t *Transaction) Confirm(ctx context.Context) error {
	d, p, err := t.waiting(ctx)
	if err != nil {
		return err
	}
	return t.keep(ctx, d, p)
}

func (t *Transaction) keep(ctx context.Context, d *confirm.Deadline, p *state.Pending) error {
	if err := d.Disarm(ctx); err != nil {
		return err
	}
	t.tell(Confirmed{Snapshot: p.Snapshot})
	return nil
}

// Extend gives the apply that waits more time, counted from now. Where that would be
// sooner than its deadline, the deadline stays.
func (t *Transaction) Extend(ctx context.Context, by time.Duration) error {
	d, old, err := t.waiting(ctx)
	if err != nil {
		return err
	}
	p, err := d.Extend(ctx, by)
	if err != nil {
		return err
	}
	told := Extended{Until: p.Deadline}
	if p.Deadline.Equal(old.Deadline) {
		told.Sooner = by
	}
	t.tell(told)
	return nil
}

// waiting returns the apply that can still be confirmed, and its deadline. What
// is overdue can't, nor what somebody has begun to undo: that is at work, or stuck
// half-way.
func (t *Transaction) waiting(ctx context.Context) (*confirm.Deadline, *state.Pending, error) {
	p, err := t.store().Pending()
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, t.nothingPending()
	}
	d, err := t.host.Deadline(t.store())
	if err != nil {
		return nil, nil, err
	}
	switch {
	case p.Begun():
		return nil, nil, fmt.Errorf("it is too late: the undo of the apply has begun; where that does not come to an end, vpnd rollback says what stands against it; %s", WayOut)
	case d.Over(ctx, p):
		return nil, nil, fmt.Errorf("it is too late: the deadline was %s, and the apply is undone; where that does not come to an end, vpnd rollback says what stands against it; %s", clock(p.Deadline), WayOut)
	}
	return d, p, nil
}

// nothingPending says why there is nothing to confirm.
func (t *Transaction) nothingPending() error {
	entries, err := t.store().History()
	entries = slices.DeleteFunc(entries, func(e state.Entry) bool { return e.Command == state.Noticed || e.Command == state.Tunnel })
	if err == nil && len(entries) > 0 && strings.HasPrefix(entries[len(entries)-1].Command, ByHand) {
		last := entries[len(entries)-1]
		return fmt.Errorf("no apply waits for confirmation: the last thing that was done is a %s, at %s", last.Command, last.Time.Local().Format(time.DateTime))
	}
	return errors.Join(errors.New("no apply waits for confirmation; vpnd apply --confirm 2m makes one that does"), err)
}

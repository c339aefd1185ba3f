package engine

import (
	"context"
	"errors"

	"vpnd/internal/resource"
)

// refresh does what is pending. Where nothing is, the change that would have
// called for it did not happen after all.
func (r *run) refresh(ctx context.Context, c Change) {
	owed := r.Store.Owed(c.ID)
	if owed == resource.None {
		r.done(c, nil, false)
		return
	}
	if r.untouched(ctx, c) {
		err := c.item.kind.Refresh(ctx, c.ID.Name, c.item.Want, resource.None)
		r.report.Err = errors.Join(r.report.Err, err, r.refreshed(c.item))
		return
	}
	r.done(c, r.putBack(ctx, c, r.carryOut(ctx, c, owed)), false)
}

// carryOut does a refresh that is pending.
func (r *run) carryOut(ctx context.Context, c Change, owed resource.Effect) error {
	var err error
	r.beside([]Change{c}, func() { err = c.item.kind.Refresh(ctx, c.ID.Name, c.item.Want, owed) })
	if err != nil {
		return err
	}
	return r.refreshed(c.item)
}

// overtaken refreshes a reader that somebody else has started since the plan,
// which was to start it: it may have read what was wrong then.
func (r *run) overtaken(ctx context.Context, c Change) error {
	owed := r.Store.Owed(c.ID)
	if c.item.made || owed == resource.None || !covers(&c, owed) {
		return nil
	}
	return r.carryOut(ctx, c, owed)
}

package engine

import (
	"context"
	"errors"
	"time"

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

// Whoever edits a file by hand shall not have the agent drop all who are
// connected: where it is repaired before its reader read it, the reader need not
// take notice. That is so where the reader came to be as it is well before the
// file was touched, and the repair came at once, so that nobody can have told
// the reader in a way that does not show, as by a signal.
const (
	atOnce   = 2 * time.Second // from a drift to its repair
	slowRead = 5 * time.Second // after its start a program may still be reading
)

// unread are the readers of what this apply repairs, each with the time before
// which it must have been as it is to have read nothing wrong; the zero time
// where it has to take notice in any case.
type unread map[resource.ID]time.Time

// note looks at what a change is about to touch; it comes before that and
// before the refreshes of this apply are announced.
func (r *run) note(ctx context.Context, c Change) {
	if !noticeable(c) || c.Action == Refresh {
		return
	}
	var since time.Time
	for i, refresh := range r.readers[c.ID] {
		if i == 0 {
			since = r.wrongSince(ctx, c)
		}
		before, known := r.unread[refresh.ID]
		switch {
		case !known && r.Store.Owed(refresh.ID) != resource.None: // by an earlier run
			r.unread[refresh.ID] = time.Time{}
		case !known || since.Before(before):
			r.unread[refresh.ID] = since
		}
	}
}

// wrongSince returns when a thing drifted, if that was just now, and else the
// zero time.
func (r *run) wrongSince(ctx context.Context, c Change) time.Time {
	if c.Reason != Drift || c.Action != Update {
		return time.Time{}
	}
	since, err := c.item.kind.Since(ctx, c.ID.Name)
	if ago := r.Now().Sub(since); err != nil || ago < 0 || ago > atOnce {
		return time.Time{}
	}
	return since
}

// untouched says whether a reader that is owed a refresh read nothing wrong.
func (r *run) untouched(ctx context.Context, c Change) bool {
	wrong := r.unread[c.ID]
	if wrong.IsZero() {
		return false
	}
	since, err := c.item.kind.Since(ctx, c.ID.Name)
	return err == nil && !since.IsZero() && since.Add(slowRead).Before(wrong)
}

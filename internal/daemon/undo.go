package daemon

import (
	"context"
	"time"

	"vpnd/internal/confirm"
	"vpnd/internal/notify"
	"vpnd/internal/policy"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// How soon an undo that nobody is about to begin is begun anew, and how long
// the wait may grow: whatever keeps it from coming to an end may take its time.
const (
	firstUndoRetry   = 3 * time.Second
	longestUndoRetry = 5 * time.Minute
	patientUndoRetry = 30 * time.Second // while somebody else is at it
)

// undo is an apply that waits for confirmation, or to be undone.
type undo struct {
	snapshot string // what undoes it
	until    time.Time
	overdue  bool // nobody confirmed it in time, and it is not undone yet
	begun    int  // how often the agent has begun the undo, since nobody else did
	failed   string
	wait     time.Duration
	next     time.Time // when the agent begins it by itself; zero before the first thought of that
}

// told is what the status tells of it.
func (u *undo) told() *status.Unconfirmed {
	if u == nil {
		return nil
	}
	return &status.Unconfirmed{Snapshot: u.snapshot, Until: u.until, Overdue: u.overdue, Begun: u.begun, Error: u.failed}
}

// awaitUndo finds out whether an apply waits for confirmation, or to be undone:
// then all that it changed is left alone. At boot, where the undo failed, it
// would be taken for drift otherwise, and what locked somebody out be put in
// place again.
func (a *agent) awaitUndo(ctx context.Context, p *pass) error {
	pending, err := p.store.Pending()
	if err != nil {
		return err
	}
	if pending == nil {
		a.backoff.undo = nil
		return nil
	}
	p.Facts.Unconfirmed = true
	if a.backoff.undo == nil || a.backoff.undo.snapshot != pending.Snapshot {
		a.backoff.undo = &undo{snapshot: pending.Snapshot}
	}
	u := a.backoff.undo
	u.until, u.overdue = pending.Deadline, false
	if a.opts.Host.Undo == nil {
		return nil
	}
	d, err := a.opts.Host.Undo(p.store)
	if err != nil || !d.Over(ctx, pending) {
		return err
	}
	u.overdue = true
	p.Facts.Undoing = touchedBy(p.store, u.snapshot)
	a.out.status.Waiting = "the undo of an apply that nobody confirmed in time"
	a.retryUndo(ctx, d, u)
	return nil
}

// retryUndo begins an undo that nobody is about to begin, and not too often.
func (a *agent) retryUndo(ctx context.Context, d *confirm.Deadline, u *undo) {
	now := a.opts.Now()
	if u.next.IsZero() {
		u.wait, u.next = firstUndoRetry, now.Add(firstUndoRetry)
	}
	if now.Before(u.next) {
		return
	}
	begun, err := d.Resume(ctx)
	u.failed = ""
	switch {
	case err != nil:
		u.failed = err.Error()
		a.opts.Log.Error("an apply that nobody confirmed can't be undone", "snapshot", u.snapshot, "error", err)
	case begun:
		u.begun++
		a.opts.Log.Warn("an apply that nobody confirmed is not undone, so the undo is begun anew", "snapshot", u.snapshot, "begun", u.begun)
		a.out.notify.Tell(notify.Event{Event: notify.Failure, Text: "the undo of an apply that nobody confirmed did not come to its end and is begun anew; see: journalctl -t vpnd"})
	}
	u.wait = min(2*u.wait, longestUndoRetry)
	if err == nil && !begun { // another one is at work, or tried again soon
		u.wait = min(u.wait, patientUndoRetry)
	}
	u.next = now.Add(u.wait)
}

// nextUndo is when to look whether an apply was undone that nobody confirms, if
// there is any. That it was is an event.
func (a *agent) nextUndo() (at time.Time, ok bool) {
	if a.opts.Host.Undo == nil {
		return at, false
	}
	return a.backoff.undo.due(a.opts.Now())
}

func (u *undo) due(now time.Time) (at time.Time, ok bool) {
	switch {
	case u == nil:
		return at, false
	case u.overdue && !u.next.IsZero():
		return later(u.next, now.Add(again)), true
	}
	at = u.until.Add(firstUndoRetry)
	return at, at.After(now) // or the clock was set, and the timer knows better
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// touchedBy says what an apply changed; without its snapshot, that may be
// anything.
func touchedBy(store *state.Store, snapshot string) policy.Set {
	snap, err := store.Snapshot(snapshot)
	if err != nil {
		return policy.Set{All: true}
	}
	touched := policy.Of(snap.Absent)
	for _, was := range snap.Present {
		touched.IDs[was.ID] = true
	}
	return touched
}

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
	firstRevival   = 3 * time.Second
	longestRevival = 5 * time.Minute
	othersRevival  = 30 * time.Second // while somebody else is at it
)

// revival is when the daemon begins an overdue undo by itself.
type revival struct {
	snapshot string
	wait     time.Duration
	next     time.Time
}

// awaitUndo finds out whether an apply waits for confirmation, or to be undone:
// then all that it changed is left alone. At boot, where the undo failed, it
// would be taken for drift otherwise, and what locked somebody out be put in
// place again.
func (l *look) awaitUndo(ctx context.Context) error {
	var err error
	if l.pending, err = l.store.Pending(); err != nil {
		return err
	}
	if l.pending == nil {
		l.status.Unconfirmed = nil
		return nil
	}
	u := &status.Unconfirmed{Snapshot: l.pending.Snapshot, Until: l.pending.Deadline}
	if old := l.status.Unconfirmed; old != nil && old.Snapshot == u.Snapshot {
		u.Begun, u.Error = old.Begun, old.Error
	}
	l.status.Unconfirmed = u
	if l.Undo == nil {
		return nil
	}
	d, err := l.Undo(l.store)
	if err != nil || !d.Over(ctx, l.pending) {
		return err
	}
	u.Overdue = true
	l.undoing = touchedBy(l.store, u.Snapshot)
	l.status.Waiting = "the undo of an apply that nobody confirmed in time"
	l.revive(ctx, d, u)
	return nil
}

// revive begins an undo that nobody is about to begin, and not too often.
func (l *look) revive(ctx context.Context, d *confirm.Deadline, u *status.Unconfirmed) {
	r, now := &l.revival, l.Now()
	if r.snapshot != u.Snapshot {
		*r = revival{u.Snapshot, firstRevival, now.Add(firstRevival)}
	}
	if now.Before(r.next) {
		return
	}
	begun, err := d.Revive(ctx)
	u.Error = ""
	switch {
	case err != nil:
		u.Error = err.Error()
		l.Log.Error("an apply that nobody confirmed can't be undone", "snapshot", u.Snapshot, "error", err)
	case begun:
		u.Begun++
		l.Log.Warn("an apply that nobody confirmed is not undone, so the undo is begun anew", "snapshot", u.Snapshot, "begun", u.Begun)
		l.notify.Tell(notify.Event{Event: notify.Failure, Text: "the undo of an apply that nobody confirmed did not come to its end and is begun anew; see: journalctl -t vpnd"})
	}
	r.wait = min(2*r.wait, longestRevival)
	if err == nil && !begun { // another one is at work, or tried again soon
		r.wait = min(r.wait, othersRevival)
	}
	r.next = now.Add(r.wait)
}

// nextUndo is when to look whether an apply was undone that nobody confirms, if
// there is any. That it was is an event.
func (a *agent) nextUndo() (at time.Time, ok bool) {
	u, now := a.status.Unconfirmed, a.Now()
	switch {
	case u == nil || a.Undo == nil:
		return at, false
	case u.Overdue && a.revival.snapshot == u.Snapshot:
		return later(a.revival.next, now.Add(again)), true
	}
	at = u.Until.Add(firstRevival)
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

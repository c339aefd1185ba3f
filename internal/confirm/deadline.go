// Package confirm undoes an apply that nobody confirms, or after which the host
// is no longer what it must be.
//
// The state says that an apply waits for confirmation; see [state.Pending].
// Whoever undoes reads that under the lock, whoever confirms ends it, and all
// else only makes somebody look: a transient timer of systemd, which outlives
// vpnd and the session that began it, and a unit that looks at the next boot,
// for timers don't outlive that. So a kill anywhere leaves the apply either
// undone in time or confirmed.
package confirm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"vpnd/internal/state"
)

// A Deadline undoes an apply unless it is disarmed. Arm, Extend, Disarm and
// Tidy need the lock of the state directory.
type Deadline struct {
	Store   *state.Store
	Dir     string   // the state directory, absolute
	Argv    []string // undoes what is due; begins with an absolute path
	Root    string   // where the boot unit is written: "/" for the host itself
	Connect func(context.Context) (Manager, error)
}

// Arm starts the timer and has the next boot undo as well. It comes before the
// first change of the host: where it fails nothing may be changed. The timer
// comes first, since where nothing waits it does nothing.
func (d *Deadline) Arm(ctx context.Context, snapshot string, after time.Duration) error {
	began := time.Now()
	m, err := d.Connect(ctx)
	if err != nil {
		return fmt.Errorf("%w; an unconfirmed apply is undone by a timer of systemd, so there can be none here", err)
	}
	defer m.Close()
	p := state.Pending{Snapshot: snapshot, Deadline: began.Add(after).UTC().Truncate(time.Second), Timer: timerName(began), Process: os.Getpid()}
	if err := m.StartTimer(ctx, p.Timer, after, d.Argv); err != nil {
		return fmt.Errorf("starting the timer that undoes the apply: %w", err)
	}
	err = errors.Join(d.Store.SetPending(p), d.atBoot(ctx, m))
	if err == nil && time.Since(began) >= after {
		err = fmt.Errorf("arming it took longer than the %s until the deadline; give it more", after)
	}
	if err != nil {
		return errors.Join(err, d.Disarm(ctx))
	}
	return nil
}

// Extend moves the deadline, counted from now, and never makes it sooner: where
// there is more time left, nothing changes. The new timer runs before the old one
// counts no more.
func (d *Deadline) Extend(ctx context.Context, after time.Duration) (*state.Pending, error) {
	p, err := d.Store.Pending()
	if p == nil || err != nil {
		return nil, err
	}
	if time.Now().Add(after).Before(p.Deadline) {
		return p, nil
	}
	m, err := d.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	now, old := time.Now(), p.Timer
	after = max(after, p.Deadline.Add(time.Second).Sub(now)) // it is noted in whole seconds, and the old timer is that much later
	p.Deadline, p.Timer = now.Add(after).UTC().Truncate(time.Second), timerName(now)
	if err := m.StartTimer(ctx, p.Timer, after, d.Argv); err != nil {
		return nil, fmt.Errorf("starting another timer: %w", err)
	}
	if err := d.Store.SetPending(*p); err != nil {
		return nil, err
	}
	// Left alone it would only look, and see that the other one runs.
	_ = m.StopTimer(ctx, old)
	return p, nil
}

// Disarm keeps the apply: from the moment the state says so nobody undoes it.
// Where the rest is cut short, the timer cleans up when it goes off.
func (d *Deadline) Disarm(ctx context.Context) error {
	p, err := d.Store.Pending()
	if err := errors.Join(err, d.Store.DropPending()); err != nil {
		return err
	}
	err = d.Tidy()
	if p != nil {
		if m, unreachable := d.Connect(ctx); unreachable == nil {
			defer m.Close()
			_ = m.StopTimer(ctx, p.Timer) // it would only look, and find nothing
		}
	}
	return err
}

// Due returns the apply that nobody confirmed in time, nil where there is
// none: no timer counts for it any more, since it has gone off, or went with a
// shutdown. Where systemd can't tell, it is due: what the host was before is
// known to work.
func (d *Deadline) Due(ctx context.Context) (*state.Pending, error) {
	p, err := d.Store.Pending()
	if p == nil || err != nil {
		return nil, err
	}
	m, err := d.Connect(ctx)
	if err != nil {
		return p, nil
	}
	defer m.Close()
	if ticking, err := m.Ticking(ctx, p.Timer); err == nil && ticking {
		return nil, nil
	}
	return p, nil
}

// Over says whether it is too late to confirm: the timer has gone off, and the
// undo is at work or will be. Where systemd can't tell, the clock does.
func (d *Deadline) Over(ctx context.Context, p *state.Pending) bool {
	m, err := d.Connect(ctx)
	if err == nil {
		defer m.Close()
		var ticking bool
		if ticking, err = m.Ticking(ctx, p.Timer); err == nil {
			return !ticking
		}
	}
	return !time.Now().Before(p.Deadline)
}

// Resume begins the undo of an apply that is due where nobody is about to, and
// says whether it did: at boot the undo may have failed for good, or its unit
// is not there. It needs no lock: the undo that it begins takes it.
func (d *Deadline) Resume(ctx context.Context) (begun bool, err error) {
	m, err := d.Connect(ctx)
	if err != nil {
		return false, err
	}
	defer m.Close()
	if undoing, err := m.Undoing(ctx); undoing || err != nil {
		return false, err
	}
	if err := m.StartTimer(ctx, timerName(time.Now()), 0, d.Argv); err != nil {
		return false, fmt.Errorf("beginning the undo anew: %w", err)
	}
	return true, nil
}

// undoUnits is how the names of units begin that undo.
const undoUnits = "vpnd-undo-"

// timerName is the name of a timer that no other one has.
func timerName(t time.Time) string {
	return undoUnits + t.UTC().Format("20060102T150405.000000Z") + ".timer"
}

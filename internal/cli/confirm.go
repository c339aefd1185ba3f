package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/confirm"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/status"
)

// The commands that the history knows an undo by.
const (
	undone = "rollback"
	late   = "rollback, since nobody confirmed"
	broken = "rollback, since it failed"
)

func (a *app) confirmCommand() *cobra.Command {
	var extend resource.Duration
	var abandon bool
	c := &cobra.Command{
		Use:   "confirm",
		Short: "Keep an apply that is undone otherwise, or give it more time",
		Long: `Keeps what vpnd apply --confirm did. With --extend it moves the deadline,
counted from now; where more time is left than that, the deadline stays.

With --abandon it gives up an undo that does not come to its end: what is undone
stays so, the rest stays as it is, and vpnd apply, destroy and rollback work
again. It is the way out where nothing else is.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e, done, err := a.change(c.Context(), a.dir(nil))
			if err != nil {
				return err
			}
			defer done()
			if abandon {
				return a.abandon(c.Context(), e)
			}
			d, p, err := a.waiting(c.Context(), e.Store)
			if err != nil {
				return err
			}
			if !c.Flags().Changed("extend") {
				return a.confirm(c.Context(), d, p)
			}
			return a.extend(c.Context(), d, p, extend)
		},
	}
	deadlineFlag(c, &extend, "extend", "do not keep it yet; undo it after `DURATION` from now")
	c.Flags().BoolVar(&abandon, "abandon", false, "give up an undo that does not come to its end, and keep the host as it is now")
	c.MarkFlagsMutuallyExclusive("extend", "abandon")
	return c
}

// deadlineFlag adds a flag for the time until an undo.
func deadlineFlag(c *cobra.Command, d *resource.Duration, name, usage string) {
	c.Flags().TextVar(d, name, resource.Duration(0), usage)
	c.Flags().Lookup(name).DefValue = "" // none is not 0s
}

// The bounds of a deadline: long enough to look, short enough that somebody
// who is locked out still waits.
const (
	shortest = 5 * time.Second
	farthest = 24 * time.Hour
)

func checkDeadline(flag string, d resource.Duration) error {
	if time.Duration(d) < shortest || time.Duration(d) > farthest {
		return fmt.Errorf("--%s %s: give it between %s and %s, as in --%s 2m", flag, d, resource.Duration(shortest), resource.Duration(farthest), flag)
	}
	return nil
}

// deadline returns what undoes an unconfirmed apply of that state.
func (a *app) deadline(store *state.Store) (*confirm.Deadline, error) {
	exe, err := os.Executable()
	dir, err2 := filepath.Abs(store.Dir())
	runDir, err3 := filepath.Abs(a.runDir)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	return &confirm.Deadline{
		Store: store, Dir: dir, Root: "/", Connect: a.systemd,
		Argv: []string{exe, "rollback", "--yes", "--unconfirmed", "--state-dir", dir, "--run-dir", runDir},
	}, nil
}

// waiting returns the apply that can still be confirmed, and its deadline. What
// is overdue can't, nor what somebody has begun to undo: that is at work, or stuck
// half-way.
func (a *app) waiting(ctx context.Context, store *state.Store) (*confirm.Deadline, *state.Pending, error) {
	p, err := store.Pending()
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, nothingPending(store)
	}
	d, err := a.deadline(store)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case p.Begun():
		return nil, nil, fmt.Errorf("it is too late: the undo of the apply has begun; where that does not come to an end, vpnd rollback says what stands against it; %s", wayOut)
	case d.Over(ctx, p):
		return nil, nil, fmt.Errorf("it is too late: the deadline was %s, and the apply is undone; where that does not come to an end, vpnd rollback says what stands against it; %s", clock(p.Deadline), wayOut)
	}
	return d, p, nil
}

func (a *app) confirm(ctx context.Context, d *confirm.Deadline, p *state.Pending) error {
	if err := d.Disarm(ctx); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.Out, "Confirmed: the host stays as it is. To undo it after all: vpnd rollback %s\n", p.Snapshot)
	return nil
}

// nothingPending says why there is nothing to confirm.
func nothingPending(store *state.Store) error {
	entries, err := store.History()
	entries = slices.DeleteFunc(entries, func(e state.Entry) bool { return e.Command == state.Noticed })
	if err == nil && len(entries) > 0 && strings.HasPrefix(entries[len(entries)-1].Command, undone) {
		last := entries[len(entries)-1]
		return fmt.Errorf("no apply waits for confirmation: the last thing that was done is a %s, at %s", last.Command, last.Time.Local().Format(time.DateTime))
	}
	return errors.Join(errors.New("no apply waits for confirmation; vpnd apply --confirm 2m makes one that does"), err)
}

func (a *app) extend(ctx context.Context, d *confirm.Deadline, old *state.Pending, by resource.Duration) error {
	if err := checkDeadline("extend", by); err != nil {
		return err
	}
	p, err := d.Extend(ctx, time.Duration(by))
	if err != nil {
		return err
	}
	if p.Deadline.Equal(old.Deadline) {
		a.say("%s from now would be sooner than the deadline, which stays; vpnd rollback undoes the apply now", by)
	}
	_, _ = fmt.Fprintf(a.Out, "The deadline is now %s.\n", clock(p.Deadline))
	return nil
}

// unconfirmed is the apply that waits for confirmation now; told is what the
// daemon last told of one.
func (a *app) unconfirmed(told *status.Unconfirmed) *status.Unconfirmed {
	p, err := state.ReadPending(a.dir(nil))
	switch {
	case err != nil:
		return told // who may not look into the state knows no better
	case p == nil:
		return nil
	case told == nil || told.Snapshot != p.Snapshot:
		told = &status.Unconfirmed{Snapshot: p.Snapshot}
	}
	told.Until, told.Overdue = p.Deadline, told.Overdue || p.Late(time.Now())
	return told
}

// showUnconfirmed says until when an apply waits, and how it is undone.
func (a *app) showUnconfirmed(u *status.Unconfirmed) {
	switch {
	case u == nil:
		return
	case !u.Overdue:
		a.printf("\nAn apply waits for confirmation until %s: vpnd confirm keeps it, vpnd rollback undoes it now (snapshot %s).\n", clock(u.Until), u.Snapshot)
		return
	}
	a.printf("\nAn apply that was to be confirmed until %s is being undone (snapshot %s); what it changed is left alone until then. vpnd rollback tries now and says what stands against it; %s.\n", clock(u.Until), u.Snapshot, wayOut)
	if u.Begun > 0 {
		a.printf("The daemon has begun the undo %d times, since it did not come to its end; see: journalctl -t vpnd\n", u.Begun)
	}
	if u.Error != "" {
		a.printf("It can't begin the undo: %s\n", printable(u.Error))
	}
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// settled refuses to change a host whose last apply may yet be undone: what
// would be undone then?
func settled(store *state.Store) error {
	p, err := store.Pending()
	switch {
	case p == nil || err != nil:
		return err
	case p.Late(time.Now()):
		return fmt.Errorf("the undo of an apply has not come to its end; vpnd rollback goes on with it, and says what stands against it; %s", wayOut)
	}
	return fmt.Errorf("an apply waits for confirmation until %s; keep it with vpnd confirm, or undo it with vpnd rollback, and then go on", clock(p.Deadline))
}

// busyWait is how long an undo waits for the apply to come to an end by itself
// before it ends it.
const busyWait = 15 * time.Second

// rollbackDue undoes the apply that nobody confirmed in time, and cleans up
// where there is none. It is what the timer and the boot unit run.
func (a *app) rollbackDue(ctx context.Context, f applyFlags) error {
	dir := a.dir(nil)
	if err := a.mend(ctx, dir); err != nil {
		return err
	}
	store, err := state.Read(dir)
	if err != nil {
		return err
	}
	due, pending, err := a.due(ctx, store)
	if err != nil || pending && due == nil {
		return err // its timer still runs: it was extended
	}
	if err := breakIn(ctx, dir, due); err != nil {
		return err
	}
	e, done, err := a.change(ctx, dir)
	if err != nil {
		return err
	}
	defer done()
	due, pending, err = a.due(ctx, e.Store)
	switch {
	case err != nil:
		return err
	case due != nil:
		_, _ = fmt.Fprintln(a.Out, "Nobody confirmed the apply in time, so it is undone.")
		return a.tryUndo(ctx, e, due, f.atBoot)
	case pending:
		return nil
	}
	d, err := a.deadline(e.Store)
	if err != nil {
		return err
	}
	return d.Tidy()
}

// due returns the apply that nobody confirmed in time, and says whether any
// waits at all.
func (a *app) due(ctx context.Context, store *state.Store) (due *state.Pending, pending bool, err error) {
	d, err := a.deadline(store)
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
func breakIn(ctx context.Context, dir string, due *state.Pending) error {
	if due == nil {
		return nil
	}
	wait, cancel := context.WithTimeout(ctx, busyWait)
	defer cancel()
	unlock, err := state.Lock(wait, dir)
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

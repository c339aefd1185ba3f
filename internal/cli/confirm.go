package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/state"
	"vpnd/internal/transaction"
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
			more := c.Flags().Changed("extend")
			if more {
				if err := checkDeadline("extend", extend); err != nil {
					return err
				}
			}
			t, err := a.host(a.dir(nil)).Begin(c.Context())
			if err != nil {
				return err
			}
			defer t.Close()
			switch {
			case abandon:
				return t.Abandon(c.Context())
			case more:
				return t.Extend(c.Context(), time.Duration(extend))
			}
			return t.Confirm(c.Context())
		},
	}
	deadlineFlag(c, &extend, "extend", "do not keep it yet; undo it after `DURATION` from now")
	c.Flags().BoolVar(&abandon, "abandon", false, "give up an undo that does not come to its end, and keep the host as it is now")
	c.MarkFlagsMutuallyExclusive("extend", "abandon")
	return c
}

func (a *app) rollbackCommand() *cobra.Command {
	var yes, unconfirmed, atBoot bool
	c := &cobra.Command{
		Use:   "rollback [SNAPSHOT]",
		Short: "Undo the last apply, or all since a snapshot was taken",
		Long: `Brings everything that an apply changed back to what it was before. Without
a name it undoes the last apply; with one, that apply and all later ones. vpnd
history lists them.

What can't go back is named and left as it is, and all else goes back; the
command can be repeated then. Who was revoked since is not let in again.`,
		Args: cobra.MaximumNArgs(1),

		ValidArgsFunction: a.completes(snapshotWords),

		RunE: func(c *cobra.Command, args []string) error {
			defer undisturbed()()
			a.idle = "Nothing to undo: nothing that was changed can go back, or all of it is as before."
			host := a.host(a.dir(nil))
			if unconfirmed {
				return host.UndoDue(c.Context(), atBoot)
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			var u *transaction.Undo
			t, _, err := host.Agree(c.Context(), yes, func(t *transaction.Transaction) (*engine.Plan, error) {
				var err error
				if u, err = t.PlanUndo(c.Context(), name, atBoot); err != nil {
					return nil, err
				}
				return u.Plan, nil
			})
			if err != nil {
				return err
			}
			defer t.Close()
			return t.CarryBack(c.Context(), u, transaction.ByHand)
		},
	}
	yesFlag(c, &yes)
	a.verboseFlag(c)
	// For the units that undo; people have no use for them.
	c.Flags().BoolVar(&unconfirmed, "unconfirmed", false, "undo the apply that nobody confirmed in time, if there is one")
	c.Flags().BoolVar(&atBoot, "at-boot", false, "leave starting units to systemd")
	_ = c.Flags().MarkHidden("unconfirmed")
	_ = c.Flags().MarkHidden("at-boot")
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

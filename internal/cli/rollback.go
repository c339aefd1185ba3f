package cli

import (
	"github.com/spf13/cobra"

	"vpnd/internal/engine"
	"vpnd/internal/transaction"
)

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

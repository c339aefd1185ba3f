package cli

import (
	"context"

	"github.com/spf13/cobra"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/state"
)

func (a *app) rollbackCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use:   "rollback [SNAPSHOT]",
		Short: "Undo the last apply, or all since a snapshot was taken for what it holds",
		Long: `Brings everything that an apply changed back to what it was before. Without
a name it undoes the last apply; vpnd history lists the others.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if f.unconfirmed {
				return a.rollbackDue(c.Context(), f)
			}
			e, done, err := a.change(c.Context(), a.dir(nil))
			if err != nil {
				return err
			}
			defer done()
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return a.rollback(c.Context(), e, name, undone, f)
		},
	}
	yesFlag(c, &f.yes)
	// For the units that undo; people have no use for them.
	c.Flags().BoolVar(&f.unconfirmed, "unconfirmed", false, "undo the apply that nobody confirmed in time, if there is one")
	c.Flags().BoolVar(&f.atBoot, "at-boot", false, "leave starting units to systemd")
	_ = c.Flags().MarkHidden("unconfirmed")
	_ = c.Flags().MarkHidden("at-boot")
	return c
}

// rollback applies a snapshot and, where that succeeds, drops it. An apply that
// waits for confirmation is the one to undo, and waits no more.
func (a *app) rollback(ctx context.Context, e *engine.Engine, name, command string, f applyFlags) error {
	pending, err := e.Store.Pending()
	switch {
	case err != nil:
		return err
	case pending != nil && name == "":
		name = pending.Snapshot
	case pending != nil && name != pending.Snapshot:
		return settled(e.Store)
	}
	snap, err := e.Store.Snapshot(name)
	if err != nil {
		return err
	}
	if f.atBoot {
		if err := atBoot(ctx, snap); err != nil {
			return err
		}
	}
	p, err := e.PlanUndo(ctx, snap)
	if err != nil {
		return err
	}
	if err := a.takeBack(ctx, e, p, command, snap.Taken, f.yes); err != nil {
		return err
	}
	if pending != nil {
		d, err := a.deadline(e.Store)
		if err != nil {
			return err
		}
		if err := d.Disarm(ctx); err != nil {
			return err
		}
	}
	return e.Store.DropSnapshot(snap.Name)
}

func atBoot(ctx context.Context, snap *state.Snapshot) error {
	m, err := confirm.Connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return confirm.AtBoot(ctx, m, snap)
}

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"vpnd/internal/engine"
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
			e, done, err := a.change(c.Context(), a.dir(nil))
			if err != nil {
				return err
			}
			defer done()
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return a.rollback(c.Context(), e, name, f)
		},
	}
	yesFlag(c, &f.yes)
	return c
}

// rollback applies a snapshot and, where that succeeds, drops it.
func (a *app) rollback(ctx context.Context, e *engine.Engine, name string, f applyFlags) error {
	snap, err := e.Store.Snapshot(name)
	if err != nil {
		return err
	}
	p, err := e.PlanUndo(ctx, snap)
	if err != nil {
		return err
	}
	a.tellLeftOut(p)
	if err := a.apply(ctx, e, p, "rollback", applyFlags{yes: f.yes}); err != nil {
		return err
	}
	return e.Store.DropSnapshot(snap.Name)
}

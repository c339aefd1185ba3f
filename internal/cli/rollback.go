package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
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

		ValidArgsFunction: a.completes(snapshotWords),

		RunE: func(c *cobra.Command, args []string) error {
			if f.unconfirmed {
				return a.rollbackDue(c.Context(), f)
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			defer undisturbed()()
			var u *undo
			e, _, done, err := a.agreed(c.Context(), a.dir(nil), f.yes, func(e *engine.Engine) (*engine.Plan, error) {
				var err error
				if u, err = a.planUndo(c.Context(), e, name, f.atBoot); err != nil {
					return nil, err
				}
				return u.plan, nil
			})
			if err != nil {
				return err
			}
			defer done()
			return a.carryBack(c.Context(), e, u, undone)
		},
	}
	yesFlag(c, &f.yes)
	a.verboseFlag(c)
	// For the units that undo; people have no use for them.
	c.Flags().BoolVar(&f.unconfirmed, "unconfirmed", false, "undo the apply that nobody confirmed in time, if there is one")
	c.Flags().BoolVar(&f.atBoot, "at-boot", false, "leave starting units to systemd")
	_ = c.Flags().MarkHidden("unconfirmed")
	_ = c.Flags().MarkHidden("at-boot")
	return c
}

// An undo is the way back to a snapshot.
type undo struct {
	snap    *state.Snapshot
	pending *state.Pending // the apply that it undoes, where that waits for confirmation
	plan    *engine.Plan
}

// rollback goes back to a snapshot without asking, under the lock that the
// caller holds.
func (a *app) rollback(ctx context.Context, e *engine.Engine, name, command string, atBoot bool) error {
	defer undisturbed()()
	u, err := a.planUndo(ctx, e, name, atBoot)
	if err != nil {
		return err
	}
	a.show(u.plan)
	return a.carryBack(ctx, e, u, command)
}

// planUndo plans the way back. An apply that waits for confirmation is the one
// to undo.
func (a *app) planUndo(ctx context.Context, e *engine.Engine, name string, boots bool) (*undo, error) {
	pending, err := e.Store.Pending()
	switch {
	case err != nil:
		return nil, err
	case pending != nil && name == "":
		name = pending.Snapshot
	case pending != nil && name != pending.Snapshot:
		return nil, settled(e.Store)
	}
	snap, err := e.Store.Snapshot(name)
	if err != nil {
		return nil, err
	}
	if boots {
		if err := atBoot(ctx, snap); err != nil {
			return nil, err
		}
	}
	keep, err := barred(e.Store, snap)
	if err != nil {
		return nil, err
	}
	p, err := e.PlanUndo(ctx, snap, keep...)
	if err != nil && len(keep) > 0 { // a list that can't be made keeps nobody from being let in again
		p, err = e.PlanUndo(ctx, snap)
	}
	return &undo{snap, pending, p}, err
}

// barred returns the revocation lists, with what is made of them, that have to
// name the certificates which an undo takes away: these may have left the host
// meanwhile. They are as the configuration says that is in force afterwards.
func barred(store *state.Store, snap *state.Snapshot) ([]state.Was, error) {
	if !slices.ContainsFunc(snap.Absent, func(id resource.ID) bool { return id.Kind == "certificate" }) {
		return nil, nil
	}
	wish, err := store.WishBefore(snap)
	if err != nil || wish == nil {
		return nil, err
	}
	var keep []state.Was
	lists := make(map[resource.ID]bool)
	for _, was := range wish.Present {
		if _, stands := store.Record(was.ID); stands && was.ID.Kind == "crl" {
			keep, lists[was.ID] = append(keep, was), true
		}
	}
	for _, was := range wish.Present {
		made := func(t resource.Trigger) bool { return lists[t.On] && t.Do == resource.Rebuild }
		if slices.ContainsFunc(was.Triggers, made) {
			keep = append(keep, was)
		}
	}
	return keep, nil
}

// carryBack undoes and, where that succeeds, drops the snapshot. What waited for
// confirmation waits no more.
func (a *app) carryBack(ctx context.Context, e *engine.Engine, u *undo, command string) error {
	if err := e.Store.Unreserve(); err != nil && !state.Unwritable(err) {
		return err
	}
	if err := a.takeBack(ctx, e, u.plan, command, u.snap.Taken, u.pending != nil); err != nil {
		return err
	}
	if u.pending != nil {
		d, err := a.deadline(e.Store)
		if err != nil {
			return err
		}
		if err := d.Disarm(ctx); err != nil {
			return err
		}
	}
	return e.Store.DropSnapshot(u.snap.Name)
}

func atBoot(ctx context.Context, snap *state.Snapshot) error {
	m, err := confirm.Connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return confirm.AtBoot(ctx, m, snap)
}

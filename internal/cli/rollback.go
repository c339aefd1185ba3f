package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/revoked"
	"vpnd/internal/state"
)

func (a *app) rollbackCommand() *cobra.Command {
	var f applyFlags
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
			if err := begun(e.Store); err != nil {
				return err
			}
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
	exempt  *revoked.Exempt
	plan    *engine.Plan
}

// rollback goes back to a snapshot without asking, under the lock that the
// caller holds.
func (a *app) rollback(ctx context.Context, e *engine.Engine, name, command string, atBoot bool) error {
	defer undisturbed()()
	if err := begun(e.Store); err != nil {
		return err
	}
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
	u := &undo{pending: pending}
	if u.snap, _, err = e.Store.Since(name); err != nil {
		if pending != nil {
			err = fmt.Errorf("%w; %s", err, wayOut)
		}
		return nil, err
	}
	if boots {
		if err := a.atBoot(ctx, u.snap); err != nil {
			return nil, err
		}
	}
	if u.exempt, err = revoked.Find(a.root, e.Store, u.snap); err != nil {
		return nil, err
	}
	u.exempt.Spare(u.snap)
	stay := u.exempt.Kept()
	u.plan, err = e.PlanUndo(ctx, u.snap, stay...)
	if err != nil && len(stay) > 0 { // a list that can't be made keeps nobody from being let in again
		u.plan, err = e.PlanUndo(ctx, without(u.snap, stay))
	}
	if err == nil {
		u.plan.Notes = append(u.plan.Notes, u.exempt.Notes()...)
	}
	return u, err
}

// without leaves things out of a snapshot: they stay as they are.
func without(snap *state.Snapshot, things []state.Was) *state.Snapshot {
	named := func(id resource.ID) bool {
		return slices.ContainsFunc(things, func(was state.Was) bool { return was.ID == id })
	}
	snap.Present = slices.DeleteFunc(snap.Present, func(was state.Was) bool { return named(was.ID) })
	snap.Absent = slices.DeleteFunc(snap.Absent, named)
	return snap
}

// carryBack undoes and, where that succeeds, drops the snapshot. What waited for
// confirmation waits no more.
func (a *app) carryBack(ctx context.Context, e *engine.Engine, u *undo, command string) error {
	if err := e.Store.Unreserve(); err != nil && !state.Unwritable(err) {
		return err
	}
	if err := e.Store.Gather(u.snap.Name); err != nil {
		return untouched(err)
	}
	if u.exempt.Damage != nil {
		a.say("%v", u.exempt.Damage)
	}
	unkept := e.Store.Undo(command, e.Now(), u.snap, u.plan.Touched(), u.exempt.Amend)
	if err := a.takeBack(ctx, e, u.plan, command, unkept, u.pending != nil); err != nil {
		a.tellStuck(u)
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

// tellStuck says how to go on where not all could be undone.
func (a *app) tellStuck(u *undo) {
	again := "vpnd rollback " + u.snap.Name + " tries the rest again"
	if u.pending != nil {
		again += "; " + wayOut
	}
	_, _ = fmt.Fprintf(a.Err, "vpnd: not all is as before: what failed above is not, and all else is. %s\n", again)
}

func (a *app) atBoot(ctx context.Context, snap *state.Snapshot) error {
	m, err := a.systemd(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return confirm.AtBoot(ctx, m, a.catalog(), snap)
}

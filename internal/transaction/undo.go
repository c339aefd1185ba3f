package transaction

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"vpnd/internal/confirm"
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/revoked"
	"vpnd/internal/state"
)

// The commands that the history knows an undo by.
const (
	ByHand = "rollback"
	Late   = "rollback, since nobody confirmed"
	Broken = "rollback, since it failed"
)

// An Undo is the way back to a snapshot.
type Undo struct {
	Plan *engine.Plan

	snap    *state.Snapshot
	pending *state.Pending // the apply that it undoes, where that waits for confirmation
	exempt  *revoked.Exempt
}

// PlanUndo plans the way back to a snapshot, without a name to the latest. An apply
// that waits for confirmation is the one to undo. At boot, before the network is
// up, starting units is left to systemd.
func (t *Transaction) PlanUndo(ctx context.Context, name string, atBoot bool) (*Undo, error) {
	pending, err := t.store().Pending()
	switch {
	case err != nil:
		return nil, err
	case pending != nil && name == "":
		name = pending.Snapshot
	case pending != nil && name != pending.Snapshot:
		return nil, t.Settled()
	}
	u := &Undo{pending: pending}
	if u.snap, _, err = t.store().Since(name); err != nil {
		if pending != nil {
			err = fmt.Errorf("%w; %s", err, WayOut)
		}
		return nil, err
	}
	if atBoot {
		if err := t.leaveStarting(ctx, u.snap); err != nil {
			return nil, err
		}
	}
	if u.exempt, err = revoked.Find(t.host.Root, t.store(), u.snap); err != nil {
		return nil, err
	}
	u.exempt.Spare(u.snap)
	stay := u.exempt.Kept()
	u.Plan, err = t.Engine.PlanUndo(ctx, u.snap, stay...)
	if err != nil && len(stay) > 0 { // a list that can't be made keeps nobody from being let in again
		u.Plan, err = t.Engine.PlanUndo(ctx, without(u.snap, stay))
	}
	if err == nil {
		u.Plan.Notes = append(u.Plan.Notes, u.exempt.Notes()...)
	}
	return u, err
}

// leaveStarting leaves starting units to systemd.
func (t *Transaction) leaveStarting(ctx context.Context, snap *state.Snapshot) error {
	d, err := t.host.Deadline(t.store())
	if err != nil {
		return err
	}
	m, err := d.Connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return confirm.AtBoot(ctx, m, t.Engine.Catalog, snap)
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

// CarryBack carries out an undo that was agreed to.
func (t *Transaction) CarryBack(ctx context.Context, u *Undo, command string) error {
	if err := t.begun(); err != nil {
		return err
	}
	return t.carryBack(ctx, u, command)
}

// goBack goes back to a snapshot without asking, and returns what stays as it is.
func (t *Transaction) goBack(ctx context.Context, name, command string, atBoot bool) ([]resource.ID, error) {
	if err := t.begun(); err != nil {
		return nil, err
	}
	u, err := t.PlanUndo(ctx, name, atBoot)
	if err != nil {
		return nil, err
	}
	t.tell(Planned{u.Plan})
	return u.left(), t.carryBack(ctx, u, command)
}

// left is what does not go back.
func (u *Undo) left() []resource.ID {
	var left []resource.ID
	for _, n := range u.Plan.Notes {
		if n.Stays {
			left = append(left, n.ID)
		}
	}
	slices.SortFunc(left, resource.ID.Compare)
	return slices.Compact(left)
}

// begun notes another try to undo an apply that waits, which can't be confirmed any
// more then. Where the disk is full, the undo goes on uncounted.
func (t *Transaction) begun() error {
	p, err := t.store().Pending()
	if err != nil || p == nil {
		return err
	}
	p.Tries++
	if err := t.store().SetPending(*p); err != nil && !state.Unwritable(err) {
		return err
	}
	return nil
}

// carryBack undoes and, where that succeeds, drops the snapshot. What waited for
// confirmation waits no more.
func (t *Transaction) carryBack(ctx context.Context, u *Undo, command string) error {
	if err := t.store().Unreserve(); err != nil && !state.Unwritable(err) {
		return err
	}
	if err := t.store().Gather(u.snap.Name); err != nil {
		return untouched(err)
	}
	if u.exempt.Damage != nil {
		t.tell(Damaged{u.exempt.Damage})
	}
	unkept := t.store().Undo(command, t.Engine.Now(), u.snap, u.Plan.Touched(), u.exempt.Amend)
	if err := t.takeBack(ctx, u.Plan, command, undoing{}, unkept, u.pending != nil); err != nil {
		t.tell(Stuck{Snapshot: u.snap.Name, Pending: u.pending != nil})
		return err
	}
	if u.pending != nil {
		d, err := t.host.Deadline(t.store())
		if err == nil {
			err = d.Disarm(ctx)
		}
		if err != nil {
			return err
		}
	}
	return t.store().DropSnapshot(u.snap.Name)
}

// Destroy carries out a plan that takes everything off the host.
func (t *Transaction) Destroy(ctx context.Context, p *engine.Plan) error {
	resumes, err := t.destroying()
	if err != nil {
		return err
	}
	unkept := t.store().Destroy(t.Engine.Now(), p.Touched())
	if err := t.takeBack(ctx, p, "destroy", undoing{resumes: resumes}, unkept, false); err != nil {
		return err
	}
	return unreturned(p)
}

// destroying returns the snapshot of a destroy that did not come to its end and
// that this one goes on with, so that an undo takes back both; none where there
// is none.
func (t *Transaction) destroying() (string, error) {
	gone, err := t.store().Destroyed()
	if err != nil || !gone {
		return "", err
	}
	wish, err := t.store().Wish()
	if err != nil {
		return "", err
	}
	snap, err := t.store().Snapshot("")
	if err != nil || snap.Taken.Before(wish.Since) {
		return "", nil // it had nothing to do
	}
	return snap.Name, nil
}

// unreturned is an error about what a destroy could not give back.
func unreturned(p *engine.Plan) error {
	var errs []error
	for _, lost := range p.Lost {
		errs = append(errs, fmt.Errorf("%s is not given back: %w; what was vpnd's there is gone, so see how it should be", lost.ID, lost.Err))
	}
	return errors.Join(errs...)
}

package daemon

import (
	"context"
	"errors"

	"vpnd/internal/notify"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// mend goes on where the records are damaged, with what can still be read of them:
// a host must not go without its rules since a disk was. It is told loudly.
func (a *agent) mend(p *pass, err error) error {
	var damage *state.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	a.opts.Log.Error("the records are set aside, and what is in force is put on record again", "path", damage.Path+".damaged", "error", damage.What)
	a.out.notify.Tell(notify.Event{Event: notify.Failure, Text: damage.Path + " was damaged: " + damage.What + "; it is set aside as " + damage.Path + ".damaged, and what is in force was put on record again"})
	if a.records.store, err = state.Mend(a.opts.StateDir); err != nil {
		a.records.store = nil
		return err
	}
	p.store, a.records.lost, a.schedule.unsure = a.records.store, true, true
	return nil
}

// readopt puts on record again what is in force, where records were lost. What
// damaged records name besides may be somebody else's by now, so that nothing of it
// is taken away until somebody who sees the plan says so.
func (a *agent) readopt(ctx context.Context, p *pass) error {
	if !a.records.lost {
		return nil
	}
	a.records.lost = false
	e := a.engine(p)
	if err := e.Readopt(ctx, a.active.Present); err != nil {
		return err
	}
	left := e.Leftovers(a.active.Present)
	if len(left) == 0 {
		return nil
	}
	a.opts.Log.Warn("what the damaged records name and nothing in force asks for stays as it is until vpnd apply", "suppressed", len(left))
	return p.store.Suppress("daemon", a.opts.Now(), left)
}

// damaged has the agent keep what it has in force where that is damaged in the
// state: it is told until somebody applies, and all is kept meanwhile.
func (a *agent) damaged(err error, version string) error {
	var damage *state.DamageError
	if a.active == nil || !errors.As(err, &damage) {
		return err
	}
	a.records.damage, a.active.Version = err, version
	return nil
}

// resumeDamaged is about an agent that starts where what is in force is damaged. The
// files are taken only where they ask for exactly what is on record as applied
// last: an edit that nobody has applied must not go live since a disk was damaged.
// Which settings and checks were in force no record tells, so those of the files
// count then. Otherwise nothing is taken, and what guards the host fails closed,
// until somebody applies or reloads.
func (a *agent) resumeDamaged(ctx context.Context, p *pass, damage error) error {
	var known *state.DamageError
	if a.active != nil || !errors.As(damage, &known) {
		return damage
	}
	cfg, diags := a.load()
	if !diags.HasErrors() && a.onRecord(ctx, p, cfg.Desired.Present) {
		a.opts.Log.Warn("what is in force is damaged in the state, and the files ask for just what was applied last, so they are taken", "error", damage)
		a.read(ctx, p.noticed)
		return nil
	}
	a.failClosedBlindly(ctx, p)
	return damage
}

// onRecord says whether files ask for what the records say was applied last, and
// for nothing else.
func (a *agent) onRecord(ctx context.Context, p *pass, present []resource.Resource) bool {
	e := a.engine(p)
	plan, err := e.Plan(ctx, resource.Desired{Present: present, Absent: e.Leftovers(present)})
	return err == nil && plan.OnRecord()
}

// failClosedBlindly keeps a host from forwarding whose filter rules have gone, where of
// what is in force only the records are left.
func (a *agent) failClosedBlindly(ctx context.Context, p *pass) {
	var present []resource.Resource
	missing := make(map[resource.ID]error)
	for _, r := range p.store.Records() {
		present = append(present, resource.Resource{ID: r.ID, Owners: r.Owners, After: r.After})
		k, ok := a.opts.Catalog.Kind(r.ID.Kind)
		if !ok || !a.opts.filters(r.ID) {
			continue
		}
		seen := k.Observe(ctx, map[string]any{r.ID.Name: nil})[r.ID.Name]
		switch {
		case seen.Err != nil && a.life.booting: // later, an upgrade of iptables takes it away for a moment
			missing[r.ID] = seen.Err
		case seen.Err == nil && seen.Got == nil:
			missing[r.ID] = errors.New("it is gone, and what it was is damaged in the state")
		}
	}
	a.closed = closes(a.opts.Catalog, present, missing)
	for _, id := range a.closed {
		a.close(id, missing)
	}
}

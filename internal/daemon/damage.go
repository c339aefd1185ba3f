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
func (l *look) mend(err error) error {
	var damage *state.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	l.Log.Error("the records are set aside, and what is in force is put on record again", "path", damage.Path+".damaged", "error", damage.What)
	l.notify.Tell(notify.Event{Event: notify.Failure, Text: damage.Path + " was damaged: " + damage.What + "; it is set aside as " + damage.Path + ".damaged, and what is in force was put on record again"})
	if l.agent.store, err = state.Mend(l.StateDir); err != nil {
		l.agent.store = nil
		return err
	}
	l.store, l.lost, l.unsure = l.agent.store, true, true
	return nil
}

// readopt puts on record again what is in force, where records were lost. What
// damaged records name besides may be somebody else's by now, so that nothing of it
// is taken away until somebody who sees the plan says so.
func (l *look) readopt(ctx context.Context) error {
	if !l.lost {
		return nil
	}
	l.lost = false
	e := l.engine()
	if err := e.Readopt(ctx, l.active.Present); err != nil {
		return err
	}
	left := e.Leftovers(l.active.Present)
	if len(left) == 0 {
		return nil
	}
	l.Log.Warn("what the damaged records name and nothing in force asks for stays as it is until vpnd apply", "suppressed", len(left))
	return l.store.Suppress("daemon", l.Now(), left)
}

// damaged has the agent keep what it has in force where that is damaged in the
// state: it is told until somebody applies, and all is kept meanwhile.
func (a *agent) damaged(err error, version string) error {
	var damage *state.DamageError
	if a.active == nil || !errors.As(err, &damage) {
		return err
	}
	a.damage, a.active.Version = err, version
	return nil
}

// bereaved is about an agent that starts where what is in force is damaged. The
// files are taken only where they ask for exactly what is on record as applied
// last: an edit that nobody has applied must not go live since a disk was damaged.
// Which settings and checks were in force no record tells, so those of the files
// count then. Otherwise nothing is taken, and what guards the host fails closed,
// until somebody applies or reloads.
func (l *look) bereaved(ctx context.Context, damage error) error {
	var known *state.DamageError
	if l.active != nil || !errors.As(damage, &known) {
		return damage
	}
	cfg, diags := l.load()
	if !diags.HasErrors() && l.onRecord(ctx, cfg.Desired.Present) {
		l.Log.Warn("what is in force is damaged in the state, and the files ask for just what was applied last, so they are taken", "error", damage)
		l.read(ctx, l.noticed)
		return nil
	}
	l.shutBlindly(ctx)
	return damage
}

// onRecord says whether files ask for what the records say was applied last, and
// for nothing else.
func (l *look) onRecord(ctx context.Context, present []resource.Resource) bool {
	e := l.engine()
	p, err := e.Plan(ctx, resource.Desired{Present: present, Absent: e.Leftovers(present)})
	return err == nil && p.OnRecord()
}

// shutBlindly keeps a host from forwarding whose filter rules have gone, where of
// what is in force only the records are left.
func (l *look) shutBlindly(ctx context.Context) {
	var present []resource.Resource
	missing := make(map[resource.ID]error)
	for _, r := range l.store.Records() {
		present = append(present, resource.Resource{ID: r.ID, Owners: r.Owners, After: r.After})
		k, ok := l.Catalog.Kind(r.ID.Kind)
		if !ok || !l.filters(r.ID) {
			continue
		}
		seen := k.Observe(ctx, map[string]any{r.ID.Name: nil})[r.ID.Name]
		switch {
		case seen.Err != nil && l.status.Booting: // later, an upgrade of iptables takes it away for a moment
			missing[r.ID] = seen.Err
		case seen.Err == nil && seen.Got == nil:
			missing[r.ID] = errors.New("it is gone, and what it was is damaged in the state")
		}
	}
	l.status.FailClosed = closes(l.Catalog, present, missing)
	for _, id := range l.status.FailClosed {
		l.close(id, missing)
	}
}

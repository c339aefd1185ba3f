package daemon

import (
	"cmp"
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// judge decides about each change: repair it, or why not.
func (l *look) judge(p *engine.Plan) {
	held := make(map[resource.ID]bool)
	if l.hold != nil {
		for _, id := range l.hold.IDs {
			held[id] = true
		}
	}
	l.bereft = slices.ContainsFunc(p.Changes, lost)
	all := l.hold != nil && l.hold.All
	for _, c := range p.Changes {
		if _, done := l.verdicts[c.ID]; !done {
			l.verdicts[c.ID] = l.verdict(c, held[c.ID] || all && !l.guards(c.ID))
		}
	}
}

func (l *look) verdict(c engine.Change, held bool) status.Outcome {
	switch {
	case held:
		return status.Suppressed
	case l.active.Observing():
		return status.Reported
	case c.Lacks != resource.ID{}:
		return l.spared(c)
	case l.inner && l.bereft && !l.guards(c.ID): // that may wait for what is lost, and does not see it from here
		l.waiting = true
		return status.Waits
	case !l.write, l.undoing != nil && l.undoing(c.ID):
		return status.Waits
	case l.inner && !l.moved(c): // new things are for a look of their own
		l.waiting = true
		return status.Waits
	case l.pending != nil && !l.moved(c): // what would an undo undo?
		l.status.Waiting = cmp.Or(l.status.Waiting, "vpnd confirm or vpnd rollback of an apply")
		return status.Waits
	case l.guarding && !l.guards(c.ID), l.status.Booting && l.Catalog.Traits(c.ID.Kind).StartsLater:
		l.waiting = true
		return status.Waits
	case l.busy != "" && !l.guards(c.ID):
		l.waiting = true
		l.status.Waiting = l.busy
		return status.Waits
	}
	if l.retries.Early(c.ID) {
		return status.Failed
	}
	ok, begins := l.damping.Admit(c.ID, l.by(c.ID))
	if begins {
		l.flapping(c)
	}
	if !ok {
		return status.Flapping
	}
	return status.Repaired
}

// forget ends the retries of what the plan found to be as it shall be: somebody
// else did it.
func (l *look) forget(p *engine.Plan) {
	failed := l.retries.IDs()
	if len(failed) == 0 {
		return
	}
	well := p.Took()
	for _, id := range p.IDs() {
		delete(well, id)
	}
	for _, problem := range p.Problems {
		delete(well, problem.ID)
	}
	for _, id := range failed {
		if well[id] {
			l.retries.Tried(id, nil)
		}
	}
}

// bars returns what is wrong and not repaired now, and without which nothing
// that needs it may go ahead: what failed and waits for its next try, and
// filter rules that are left to another writer for a moment. Forwarding is not
// switched on before the rules that it was to come after.
func (l *look) bars(p *engine.Plan) []resource.ID {
	var ids []resource.ID
	for _, c := range p.Changes {
		v := l.verdicts[c.ID]
		if v == status.Failed || v == status.Flapping && l.filters(c.ID) || l.undoing != nil && l.undoing(c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

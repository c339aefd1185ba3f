package daemon

import (
	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// facts gathers what the decisions about a plan go by.
func (l *look) facts(p *engine.Plan) policy.Facts {
	f := policy.Facts{
		Traits: l.Catalog.Traits, Observing: l.active.Observing(), Locked: l.write, Booting: l.status.Booting, Guarding: l.guarding,
		Busy: l.busy, Beside: l.inner, Unconfirmed: l.pending != nil, Undoing: l.undoing,
		Drifted:  make(map[resource.ID]bool),
		TooEarly: make(map[resource.ID]bool),
		Damped:   make(map[resource.ID]bool),
	}
	if l.hold != nil {
		f.Suppressed = policy.Of(l.hold.IDs)
		f.Suppressed.Unguarded = l.hold.All
	}
	for _, c := range p.Changes {
		_, f.Drifted[c.ID] = l.known[c.ID]
		f.TooEarly[c.ID] = l.retries.Early(c.ID)
		f.Damped[c.ID] = !l.damping.Admits(c.ID)
	}
	return f
}

// heed notes what the decisions mean for later ones: what would be repaired moved
// once more, and what waits for a key needs no other try.
func (l *look) heed(p *engine.Plan) {
	l.waiting = l.waiting || l.decisions.Soon()
	if who := l.decisions.For(); l.status.Waiting == "" || who != "" && who == l.busy {
		l.status.Waiting = who
	}
	heeded := make(map[resource.ID]bool)
	for _, c := range p.Changes {
		d := l.decisions[c.ID]
		if d.Outcome != status.Suppressed && d.Outcome != status.Reported && c.Lacks != (resource.ID{}) {
			l.retries.Tried(c.ID, nil)
		}
		if heeded[c.ID] || d.Outcome != status.Repaired && d.Outcome != status.Flapping {
			continue
		}
		heeded[c.ID] = true
		if l.damping.Moved(c.ID, l.by(c.ID)) {
			l.flapping(c)
		}
	}
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

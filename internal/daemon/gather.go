package daemon

import (
	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// gather completes the facts of a pass that has its plan.
func (a *agent) gather(p *pass) {
	f := &p.Facts
	f.Observing, f.Busy = a.active.Observing(), a.opts.Host.Busy()
	if p.suppression != nil {
		f.Suppressed = policy.Of(p.suppression.IDs)
		f.Suppressed.Unguarded = p.suppression.All
	}
	a.forget(p.Plan)
	a.catchUp(p)
	f.Drifted, f.TooEarly, f.Damped = make(map[resource.ID]bool), make(map[resource.ID]bool), make(map[resource.ID]bool)
	p.Failed = make(map[resource.ID]error)
	for _, c := range p.Plan.Changes {
		_, f.Drifted[c.ID] = a.findings.Known[c.ID]
		f.TooEarly[c.ID] = a.backoff.retries.Early(c.ID)
		f.Damped[c.ID] = !a.backoff.damping.Admits(c.ID)
		if err := a.backoff.retries.Last(c.ID); err != nil {
			p.Failed[c.ID] = err
		}
	}
	a.doubt(p)
	p.Present = p.Scope.Of(a.active.Present)
}

// forget ends the retries of what a plan found to be as it shall be: somebody
// else did it.
func (a *agent) forget(plan *engine.Plan) {
	failed := a.backoff.retries.IDs()
	if len(failed) == 0 {
		return
	}
	well := plan.Took()
	for _, id := range plan.IDs() {
		delete(well, id)
	}
	for _, problem := range plan.Problems {
		delete(well, problem.ID)
	}
	for _, id := range failed {
		if well[id] {
			a.backoff.retries.Tried(id, nil)
		}
	}
}

// heed notes what the decisions mean for later ones: what would be repaired moved
// once more, and what waits for a key needs no other try.
func (a *agent) heed(p *pass) {
	a.schedule.waiting = a.schedule.waiting || p.Decisions.Soon()
	if who := p.Decisions.For(); a.out.status.Waiting == "" || who != "" && who == p.Facts.Busy {
		a.out.status.Waiting = who
	}
	heeded := make(map[resource.ID]bool)
	for _, c := range p.Plan.Changes {
		o := p.Decisions[c.ID].Outcome
		if o != status.Suppressed && o != status.Reported && c.Lacks != (resource.ID{}) {
			a.backoff.retries.Tried(c.ID, nil)
		}
		if heeded[c.ID] || o != status.Repaired && o != status.Flapping {
			continue
		}
		heeded[c.ID] = true
		if a.backoff.damping.Moved(c.ID, p.by(c.ID)) {
			a.flapping(p, c)
		}
	}
}

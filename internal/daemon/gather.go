package daemon

import (
	"vpnd/internal/policy"
	"vpnd/internal/resource"
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

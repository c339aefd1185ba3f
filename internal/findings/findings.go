// Package findings is what an agent knows, from pass to pass, of how its host differs
// from the active configuration: drift, changes that are not done, what could not be
// observed, when certificates run out. Each pass makes new findings of the last ones,
// of its plan and of what was decided and done; what of it is news comes back beside
// them. Nothing here asks a host, has a clock or tells anybody: the agent does, and
// status.json only shows it.
package findings

import (
	"cmp"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/policy"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// Findings are how things stand after a pass.
type Findings struct {
	Drift   []status.Drift               // what is wrong now
	Pending []status.Pending             // what the configuration asks for and is not done
	Unknown []status.Unknown             // what could not be observed
	Recent  []status.Drift               // what was repaired last, the newest first
	Known   map[resource.ID]status.Drift // drift that people were told of and that is not repaired
	Remarks []status.Remark              // what people should know besides
	Due     map[resource.ID]time.Time    // when it is to be renewed
	VPNs    status.VPNs
}

// A Pass is what a pass saw and decided.
type Pass struct {
	Begun     time.Time
	Scope     Scope
	Plan      *engine.Plan
	Present   []resource.Resource // what the configuration asks for, as far as it is in the scope
	Refused   map[resource.ID]error
	Facts     policy.Facts
	Decisions policy.Decisions
	Failed    map[resource.ID]error    // why the last try failed, of what failed
	Doubted   bool                     // what is seen may be another vpnd's doing
	Mended    map[resource.ID]bool     // by a pass that waits for a step meanwhile
	How       func(resource.ID) string // it was noticed
	By        func(resource.ID) string // who wrote it, as far as anybody saw
}

// News is what was not known before a pass.
type News struct {
	Drift    []status.Drift       // all that the pass found moved, known or not, with what is decided about it
	New      map[resource.ID]bool // of these, what was not wrong before, or not in this way, or is treated otherwise now
	Unknown  []status.Unknown
	Observed []resource.ID // can be observed again
	Healed   []resource.ID // is as it shall be again, and vpnd did not do it
	Remarks  []status.Remark
}

// Seen returns the findings of a plan and of what was decided about it, before
// anything is done: what is to be repaired is under way.
func (f Findings) Seen(p Pass) (Findings, News) {
	now := f
	var n News
	tries := f.tries()
	now.Pending = outside(p.Scope, f.Pending, func(c status.Pending) resource.ID { return c.ID })
	for _, c := range p.Plan.Changes {
		d := p.Decisions[c.ID]
		switch {
		case p.Facts.Booting && p.Facts.Traits(c.ID.Kind).StartsLater: // its time has not come
		case c.Action == engine.Refresh && c.Reason != engine.Owed: // a consequence, not a cause
		case p.Facts.Moved(c):
			n.Drift = append(n.Drift, f.Drifted(p, c))
		default:
			outcome, last := meant(d.Outcome, tries[c.ID])
			now.Pending = append(now.Pending, status.Pending{ID: c.ID, Action: c.Action, Reason: c.Reason, Outcome: outcome, Error: cmp.Or(wayOut(c, outcome), last)})
		}
	}
	now.Drift = f.beside(p, underWay(n.Drift, tries))
	now.Unknown, n.Unknown, n.Observed = f.unknown(p)
	now.Remarks, n.Remarks = f.remarks(p)
	now.Known, n.New, n.Healed = f.known(p, now, n.Drift)
	now.Due, now.VPNs = f.due(p), f.vpns(p)
	return now, n
}

// beside returns what is wrong in the scope of a pass, beside what is elsewhere.
func (f Findings) beside(p Pass, wrong []status.Drift) []status.Drift {
	return append(outside(p.Scope, f.Drift, func(d status.Drift) resource.ID { return d.ID }), wrong...)
}

// known finds out what is news.
func (f Findings) known(p Pass, now Findings, drift []status.Drift) (known map[resource.ID]status.Drift, fresh map[resource.ID]bool, healed []resource.ID) {
	known, fresh = make(map[resource.ID]status.Drift, len(drift)), make(map[resource.ID]bool)
	for _, d := range drift {
		old, was := f.Known[d.ID]
		if !was && p.Doubted {
			continue
		}
		if !was || differs(old, d) {
			fresh[d.ID] = true
		}
		known[d.ID] = d
	}
	for id, d := range f.Known {
		if _, still := known[id]; still {
			continue
		}
		switch {
		case !p.Scope.Holds(id):
			known[id] = d
		case !now.unobserved(id) && !p.Mended[id]:
			healed = append(healed, id)
		}
	}
	slices.SortFunc(healed, resource.ID.Compare)
	return known, fresh, healed
}

// Wrong lists what was not as it shall be when it was last seen.
func (f Findings) Wrong() []resource.ID {
	var ids []resource.ID
	for id := range f.Known {
		ids = append(ids, id)
	}
	for _, p := range f.Pending {
		ids = append(ids, p.ID)
	}
	for _, u := range f.Unknown {
		ids = append(ids, u.ID)
	}
	return ids
}

// due returns when what was seen will have to be renewed: a certificate that enters
// its renewal window is looked at then, and not at the end of the interval.
func (f Findings) due(p Pass) map[resource.ID]time.Time {
	due := make(map[resource.ID]time.Time, len(f.Due))
	for id, until := range f.Due {
		if !p.Scope.Holds(id) {
			due[id] = until
		}
	}
	for _, view := range []resource.View{resource.Certificates, resource.Lists} {
		for _, s := range p.Plan.Seen(view) {
			shape, ok := s.Got.(resource.Ender)
			if !ok {
				continue
			}
			if until := shape.Ends().Due; until.After(p.Begun) {
				due[s.ID] = until
			}
		}
	}
	return due
}

// vpns tells how tunnels, certificates and lists were found. How many certificates
// there are is known after a pass over everything.
func (f Findings) vpns(p Pass) status.VPNs {
	v := f.VPNs
	certificates := status.Certificates(p.Plan)
	if p.Scope.Whole {
		v.CertificatesInAll = len(certificates)
	}
	v.Certificates = status.Expiring(v.Certificates, certificates, p.Scope.Holds)
	v.CRLs = status.Expiring(v.CRLs, p.Plan.Seen(resource.Lists), p.Scope.Holds)
	elsewhere := outside(p.Scope, f.VPNs.Tunnels, func(t status.Tunnel) resource.ID { return t.ID })
	found := status.Tunnels(p.Facts.Traits, p.Plan, p.Present)
	v.Tunnels = status.Since(p.Begun, f.VPNs.Tunnels, append(elsewhere, found...))
	return v
}

// TakeDue returns what is to be renewed by now, and the findings without that.
func (f Findings) TakeDue(now time.Time) (Findings, []resource.ID) {
	due := make(map[resource.ID]time.Time, len(f.Due))
	var ids []resource.ID
	for id, until := range f.Due {
		if until.After(now) {
			due[id] = until
		} else {
			ids = append(ids, id)
		}
	}
	f.Due = due
	return f, ids
}

// NextDue is when something is to be renewed, if anything is.
func (f Findings) NextDue() (at time.Time, ok bool) {
	for _, until := range f.Due {
		if !ok || until.Before(at) {
			at, ok = until, true
		}
	}
	return at, ok
}

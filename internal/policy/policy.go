// Package policy decides what an agent does about each change of a plan: repair it,
// or leave it, and why. It is a function of the plan and of facts, which a pass has
// gathered before: it asks nobody, notes nothing and has no clock. Its test reads as
// the policy.
package policy

import (
	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// Facts are what a pass goes by besides the plan.
type Facts struct {
	Traits func(kind string) resource.Traits

	Observing   bool   // the configuration wants nothing repaired
	Locked      bool   // the state is open for changing: no other vpnd is at work
	Booting     bool   // the host is still starting
	Guarding    bool   // this is the first pass of a boot, for which the network waits
	Busy        string // the package manager at work, as in "apt-get (process 12)"; empty for none
	Beside      bool   // a slow step of another pass is at work, and this one looks at a part besides
	Unconfirmed bool   // an apply waits for somebody to confirm it

	Suppressed Set                  // what somebody undid
	Undoing    Set                  // what an undo is about to change
	Drifted    map[resource.ID]bool // what was seen to have moved before, and is not repaired
	TooEarly   map[resource.ID]bool // what failed, and is not to be tried again yet
	Damped     map[resource.ID]bool // what is flapping, and is not to be repaired yet
}

// A Set is some resources, or, where nobody knows which, many.
type Set struct {
	IDs       map[resource.ID]bool
	Unguarded bool // all that does not guard the host
	All       bool
}

// Of returns these as a set.
func Of(ids []resource.ID) Set {
	s := Set{IDs: make(map[resource.ID]bool, len(ids))}
	for _, id := range ids {
		s.IDs[id] = true
	}
	return s
}

// A Decision is what is done about one change.
type Decision struct {
	Outcome status.Outcome
	Moved   bool   // it puts right what moved behind vpnd's back
	For     string // for whom it waits, where people should know
	Soon    bool   // what it waits for may be over at any moment: another pass is due
}

// Decisions are made of a plan, by resource.
type Decisions map[resource.ID]Decision

// Decide decides about all changes of a plan. Of two of one resource the first
// counts: a reader takes notice once its file was repaired.
func Decide(p *engine.Plan, f Facts) Decisions {
	all := make(Decisions, len(p.Changes))
	lost := false
	for _, c := range p.Changes {
		lost = lost || Protected(c)
	}
	for _, c := range p.Changes {
		if _, decided := all[c.ID]; !decided {
			all[c.ID] = f.decide(c, lost)
		}
	}
	return all
}

// Protected says whether a change would make a protected key anew: certificates and
// profiles that were handed out hold its other half. One that is lost may be in
// somebody's hands or in a backup, so a new one is for a person to ask for.
func Protected(c engine.Change) bool { return c.Lacks == c.ID }

// decide goes from the strongest reason to leave a thing to the weakest.
func (f Facts) decide(c engine.Change, lost bool) Decision {
	is := f.Traits(c.ID.Kind)
	moved := f.Moved(c)
	d := func(o status.Outcome) Decision { return Decision{Outcome: o, Moved: moved} }
	waits := func(who string, soon bool) Decision {
		return Decision{Outcome: status.Waits, Moved: moved, For: who, Soon: soon}
	}
	switch {
	case f.Suppressed.Has(c.ID, is):
		return d(status.Suppressed)
	case f.Observing:
		return d(status.Reported)
	case Protected(c):
		return d(status.Protected)
	case c.Lacks != resource.ID{}:
		return waits("", false)
	case f.Beside && lost && !is.Guards: // it may wait for what is lost, and nobody sees that from here
		return waits("", true)
	case !f.Locked, f.Undoing.Has(c.ID, is):
		return waits("", false)
	case f.Beside && !moved: // new things are for a pass of their own
		return waits("", true)
	case f.Unconfirmed && !moved: // what would an undo undo?
		return waits("vpnd confirm or vpnd rollback of an apply", false)
	case f.Guarding && !is.Guards, f.Booting && is.StartsLater:
		return waits("", true)
	case f.Busy != "" && !is.Guards:
		return waits(f.Busy, true)
	case f.TooEarly[c.ID]:
		return d(status.Failed)
	case f.Damped[c.ID]:
		return d(status.Flapping)
	}
	return d(status.Repaired)
}

// Moved says whether a change puts right what moved behind vpnd's back. A repair
// that failed is to be finished, and its cause is still the same.
func (f Facts) Moved(c engine.Change) bool {
	return c.IsDrift || c.Reason == engine.Unfinished && f.Drifted[c.ID]
}

// Has says whether a resource of that kind is among them.
func (s Set) Has(id resource.ID, is resource.Traits) bool {
	return s.All || s.IDs[id] || s.Unguarded && !is.Guards
}

// Bars returns what is wrong and not repaired now, and without which nothing that
// needs it may go ahead: what failed and waits for its next try, what is about to be
// undone, and filter rules that are left to another writer for a moment. Forwarding
// is not switched on before the rules that it was to come after.
func Bars(p *engine.Plan, all Decisions, f Facts) []resource.ID {
	var ids []resource.ID
	for _, c := range p.Changes {
		is := f.Traits(c.ID.Kind)
		o := all[c.ID].Outcome
		if o == status.Failed || o == status.Flapping && is.Filters.Of(c.ID.Name) || f.Undoing.Has(c.ID, is) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Soon says whether anything waits for what may be over at any moment.
func (all Decisions) Soon() bool {
	for _, d := range all {
		if d.Soon {
			return true
		}
	}
	return false
}

// For names for whom anything waits: a package manager before a person.
func (all Decisions) For() (who string) {
	for _, d := range all {
		if d.For != "" && (who == "" || d.Soon) {
			who = d.For
		}
	}
	return who
}

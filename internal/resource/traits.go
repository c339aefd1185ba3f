package resource

// Traits are what a kind is, apart from what it does. Whoever decides by the kind
// of a thing asks for a trait of it, and never for the name of the kind: so a new
// kind changes nothing else.
type Traits struct {
	Path      bool // its names are paths: there is room for one thing at each, whatever its kind, and what leaves makes room for what comes
	Directory bool // it is a directory, and other files may be in it
	Keeps     bool // it stays on the host when its block goes, as a package does until its removal is asked for
	Lingers   bool // it is removed after all else was applied: a rule set must not go before its successor stands
	Alone     bool // it can be made without what it comes after, rules apart: these hold whether or not the service stands whose port they open, and keep nobody out before they stand
	Together  bool // those of different blocks leave at once, in one transaction or side by side
	Whole     bool // looking at one costs as much as looking at all
	Moves     bool // what it holds can't be made anew: it goes along where a host is moved, with what lies in it where it is a directory
	Finds     bool // what it finds on the host may tell that it was there before, though nothing is on record of it
	NeedsHost bool // it is no part of a root file system that does not run

	Guards      bool // the host's safety rests on it from moment to moment, and only the kernel holds it: made first at boot, repaired whatever else goes on
	Runs        bool // it is a service: started after all else, and what it reads must stand before
	Slow        bool // a change of it takes seconds and more by its nature
	StartsLater bool // its time comes when the host has booted: a service, or what comes over the network
	Fetched     bool // it comes over the network, so that what is gone or replaced may not come back
	Carries     bool // its name is that of a unit or an interface by which somebody may reach the host

	View View // where the status tells of it

	Essential Which // changed again and again by another writer, it is repaired all the same
	Filters   Which // a packet may be kept out by it; its kind is rules then
	Forwards  Which // it lets packets through the host
}

// Needs says whether such a thing can't be made where something failed that it
// comes after.
func (t Traits) Needs(other Traits) bool { return !t.Alone || other.Filters != nil }

// A Which says of which names of a kind something is true; nil is of none.
type Which func(name string) bool

// Of says whether it is true of that name.
func (w Which) Of(name string) bool { return w != nil && w(name) }

// All is true of every name.
func All(string) bool { return true }

// Traits returns what the kind of that name is, nothing in particular where there
// is none.
func (c Catalog) Traits(kind string) Traits {
	for i := range c.Kinds {
		if c.Kinds[i].Name == kind {
			return c.Kinds[i].Traits
		}
	}
	return Traits{}
}

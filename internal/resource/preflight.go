package resource

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Preflighter knows what has to be on the host for a thing to come true, and
// says so before anything is touched: the unit that shall run, the account that
// shall own a file. It changes nothing, and takes what the plan is about to make
// for made. What it returns may be a [Mistake]; one that is a warning is told and
// stops nobody.
type Preflighter[T any] interface {
	Preflight(ctx context.Context, name string, want T, plan Prospect) error
}

// A Bringer makes things with which others come that are no resources, or not
// these: a package its accounts, a tun its interface. Brings returns them, and the
// kinds of which it may bring more than anybody can tell before. It is asked of
// what a plan makes or changes; got is nil where nothing is.
type Bringer[T any] interface {
	Brings(name string, got, want *T) (things []ID, may []string)
}

// A Requirement is what a block needs of the host besides what it makes itself.
// It stands with the resource that would fail without it, and is only looked at
// where a plan makes or changes that: what works already is not refused.
type Requirement struct {
	Owner Owner  // the block that asks for it; set by the configuration
	Path  string // the attribute that does
	// Met returns nil where the host is as it has to be, and else what is wrong
	// and the way out. It changes nothing.
	Met func(ctx context.Context, plan Prospect) *Mistake
}

// What comes with resources besides themselves, as kinds of an [ID].
const (
	Interface = "interface" // of the network, by its name
	Network   = "network"   // that an interface is in, as the address of the host with the length of its prefix
	User      = "user"
	Group     = "group"
	Path      = "path" // whatever is there
)

// A Prospect is what a plan is about to do, as far as it matters to what is not
// on the host yet, or no longer.
type Prospect struct {
	Coming  map[ID]Arrival       // made or changed, and what comes with that
	May     map[string][]Arrival // what may bring more of a kind than is known before
	Leaving map[ID]bool          // taken away, or stopped
	Undo    bool                 // it brings back what was there before, which nobody judges anew
	Step    int                  // at which the plan is looked at: that of a change which needs something
}

// An Arrival is a step of a plan that brings something, and the block that asks
// for it.
type Arrival struct {
	By   ID
	Step int
}

// Comes says whether the plan makes or changes that, be it sooner or later.
func (p Prospect) Comes(kind, name string) bool {
	_, comes := p.Coming[ID{Kind: kind, Name: name}]
	return comes
}

// Leaves says whether the plan takes that away.
func (p Prospect) Leaves(kind, name string) bool { return p.Leaving[ID{Kind: kind, Name: name}] }

// Before returns the names of all of a kind that come before they are needed.
func (p Prospect) Before(kind string) []string {
	var names []string
	for id, a := range p.Coming {
		if id.Kind == kind && a.Step < p.Step {
			names = append(names, id.Name)
		}
	}
	return names
}

// Lacking judges what is not on the host, m, by what the plan brings. It returns
// nil where the plan brings one of these things before it is needed. What comes
// too late is still a mistake, and what something may bring of which nobody can
// tell before is a warning. A thing without a name is any of its kind.
func (p Prospect) Lacking(m Mistake, things ...ID) *Mistake {
	late := ""
	var may, mayLate []string
	for _, id := range things {
		for _, a := range p.May[id.Kind] {
			by := &may
			if a.Step > p.Step {
				by = &mayLate
			}
			if a.Step != p.Step && !slices.Contains(*by, a.By.String()) {
				*by = append(*by, a.By.String())
			}
		}
		switch a, comes := p.Coming[id]; {
		case comes && a.Step < p.Step:
			return nil
		case comes && a.Step > p.Step && late == "":
			late = a.By.String()
		}
	}
	const most = 3 // that are named
	words := func(names []string) string { return strings.Join(names[max(0, len(names)-most):], " or ") }
	switch {
	case late != "":
		m.Hint = fmt.Sprintf("%s brings it, but comes after this one; name %s in depends_on", late, late)
	case len(may) > 0:
		m.Warning = true
		m.Hint = fmt.Sprintf("where %s does not bring it, the apply stops there", words(may))
	case len(mayLate) > 0:
		m.Hint += fmt.Sprintf("; if %s brings it, name that in depends_on", words(mayLate))
	}
	return &m
}

// Err is the mistake as an error, nil where there is none.
func (m *Mistake) Err() error {
	if m == nil {
		return nil
	}
	return m
}

// Error says what is wrong and the way out.
func (m *Mistake) Error() string { return m.Summary + "; " + m.Hint }

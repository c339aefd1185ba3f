package findings

import (
	"slices"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// A Scope is what a pass looks at. An event says where to look: there, at all that
// reads it, and at what is wrong already, and nowhere else. A pass of the interval,
// at a start or after a lost event is over everything.
type Scope struct {
	Whole  bool
	IDs    map[resource.ID]bool
	Except map[resource.ID]bool // seen since by a pass that came in between
}

// Holds says whether a resource is in the scope.
func (s Scope) Holds(id resource.ID) bool { return (s.Whole || s.IDs[id]) && !s.Except[id] }

// Of returns the part of a configuration that is in the scope.
func (s Scope) Of(present []resource.Resource) []resource.Resource {
	if s.Whole {
		return present
	}
	part := make([]resource.Resource, 0, len(s.IDs))
	for _, r := range present {
		if s.Holds(r.ID) {
			part = append(part, r)
		}
	}
	return part
}

// Without returns the scope without what another pass has seen since.
func (s Scope) Without(seen Scope) Scope {
	except := make(map[resource.ID]bool, len(s.Except)+len(seen.IDs))
	for _, ids := range []map[resource.ID]bool{s.Except, seen.IDs} {
		for id := range ids {
			except[id] = true
		}
	}
	s.Except = except
	return s
}

// renews says whether the pass tells such a note anew if it still holds. One about
// a kind is told with anything of that kind.
func (s Scope) renews(n engine.Note) bool {
	if n.ID.Name != "" || s.Whole {
		return s.Holds(n.ID)
	}
	for id := range s.IDs {
		if id.Kind == n.ID.Kind {
			return true
		}
	}
	return false
}

// outside returns those of a list that a pass does not tell of.
func outside[T any](s Scope, all []T, id func(T) resource.ID) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return s.Holds(id(one)) })
}

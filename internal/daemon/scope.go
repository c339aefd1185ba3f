package daemon

import (
	"maps"
	"slices"

	"vpnd/internal/resource"
)

// A scope is what a look looks at. An event says where to look: there, at all
// that reads it, and at what is wrong already, and nowhere else. A look of the
// interval, at a start or after a lost event is at everything.
type scope struct {
	whole  bool
	ids    map[resource.ID]bool
	kinds  map[string]bool      // of which all are in it
	except map[resource.ID]bool // seen since by a look that came in between
}

func (s scope) holds(id resource.ID) bool { return (s.whole || s.ids[id]) && !s.except[id] }

// cut returns the part of what is in force that is in the scope.
func (s scope) cut(present []resource.Resource) []resource.Resource {
	if s.whole {
		return present
	}
	part := make([]resource.Resource, 0, len(s.ids))
	for _, r := range present {
		if s.holds(r.ID) {
			part = append(part, r)
		}
	}
	return part
}

// outside returns those of a list that a look does not tell of.
func outside[T any](s scope, all []T, id func(T) resource.ID) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return s.holds(id(one)) })
}

// aim finds the scope of a look.
func (l *look) aim() scope {
	if l.everywhere() {
		return scope{whole: true}
	}
	return l.near()
}

// near is the scope of a look that is not at everything.
func (l *look) near() scope {
	r := l.reach()
	s := scope{ids: make(map[resource.ID]bool), kinds: make(map[string]bool)}
	for _, h := range l.hints {
		if h.Name == "" {
			s.add(r, r.kinds[h.Kind]...)
		} else if id := (resource.ID{Kind: h.Kind, Name: h.Name}); r.Has(id) {
			s.add(r, id)
		}
	}
	s.add(r, l.ripe...)
	s.add(r, l.wrong()...)
	if s.mayWait(l.Catalog) {
		for _, id := range r.unique() {
			s.ids[id] = true
		}
	}
	return s
}

// everywhere says whether the look has to be at everything.
func (l *look) everywhere() bool {
	switch {
	case l.noticed == atStart, l.noticed == byReload, l.unsure, l.active.Unsaved != nil && !l.active.Observing():
		return true
	case l.noticed == byTimer && !l.begun.Before(l.due()):
		return true
	}
	return slices.ContainsFunc(l.hints, func(h resource.Hint) bool {
		_, known := l.Catalog.Kind(h.Kind)
		return !known
	})
}

// wrong lists what was not as it shall be when it was last seen. Every look is
// at these too: they are tried again, and others wait for them.
func (l *look) wrong() []resource.ID {
	ids := slices.Clone(l.status.FailClosed)
	for id := range l.known {
		ids = append(ids, id)
	}
	for _, p := range l.status.Pending {
		ids = append(ids, p.ID)
	}
	for _, u := range l.status.Unknown {
		ids = append(ids, u.ID)
	}
	return append(ids, l.retries.IDs()...)
}

// add takes things into the scope, with all that reads them.
func (s scope) add(r *reach, ids ...resource.ID) {
	for _, id := range ids {
		if s.ids[id] {
			continue
		}
		s.ids[id] = true
		s.add(r, r.Readers(id)...)
		if r.catalog.Traits(id.Kind).Whole && !s.kinds[id.Kind] {
			s.kinds[id.Kind] = true
			s.add(r, r.kinds[id.Kind]...)
		}
	}
}

// among leaves in the scope only what is allowed.
func (s scope) among(allowed func(resource.ID) bool) scope {
	maps.DeleteFunc(s.ids, func(id resource.ID, _ bool) bool { return !allowed(id) })
	return s
}

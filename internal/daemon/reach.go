package daemon

import "vpnd/internal/resource"

// reach says what a change of each thing that is in force concerns.
type reach struct {
	catalog resource.Catalog
	present []resource.Resource
	place   map[resource.ID]int           // in present
	kinds   map[string][]resource.ID      // of each kind
	readers map[resource.ID][]resource.ID // of each thing
	heard   map[resource.ID]bool          // what slow things read, or what that is made from
	needed  map[resource.ID][]int         // who comes after each thing or block
	halves  []resource.ID                 // see unique; nil before it is asked for
}

// reach is found when it is first asked for.
func (f *force) reach(c resource.Catalog) *reach {
	if f.reached == nil {
		f.reached = newReach(c, f.present)
	}
	return f.reached
}

func newReach(c resource.Catalog, present []resource.Resource) *reach {
	r := &reach{
		catalog: c,
		present: present,
		place:   make(map[resource.ID]int, len(present)),
		kinds:   make(map[string][]resource.ID),
		readers: make(map[resource.ID][]resource.ID),
		heard:   make(map[resource.ID]bool),
		needed:  make(map[resource.ID][]int),
	}
	for i, one := range present {
		r.place[one.ID] = i
		r.kinds[one.ID.Kind] = append(r.kinds[one.ID.Kind], one.ID)
		for _, t := range one.Triggers {
			r.readers[t.On] = append(r.readers[t.On], one.ID)
		}
		for _, id := range one.After {
			r.needed[id] = append(r.needed[id], i)
		}
	}
	for _, one := range present {
		if c.Traits(one.ID.Kind).Slow {
			r.hear(one)
		}
	}
	return r
}

// hear notes what a thing reads, and what that is made from.
func (r *reach) hear(one resource.Resource) {
	for _, t := range one.Triggers {
		if r.heard[t.On] {
			continue
		}
		r.heard[t.On] = true
		if i, ok := r.place[t.On]; ok {
			r.hear(r.present[i])
		}
	}
}

func (r *reach) has(id resource.ID) bool {
	_, ok := r.place[id]
	return ok
}

// inNeed returns all that needs one of these, or something that does.
func (r *reach) inNeed(of map[resource.ID]bool) map[resource.ID]bool {
	found := make(map[resource.ID]bool)
	var follow func(out resource.ID)
	follow = func(out resource.ID) {
		for _, name := range r.names(out) {
			for _, i := range r.needed[name] {
				one := r.present[i]
				if k, ok := r.catalog.Kind(one.ID.Kind); found[one.ID] || owns(one, name) || ok && !k.Needs(out) {
					continue
				}
				found[one.ID] = true
				follow(one.ID)
			}
		}
	}
	for id := range of {
		follow(id)
	}
	return found
}

// names returns by what others may come after a thing: itself, and the blocks
// that own it.
func (r *reach) names(id resource.ID) []resource.ID {
	names := []resource.ID{id}
	if i, ok := r.place[id]; ok {
		for _, o := range r.present[i].Owners {
			names = append(names, o.Block)
		}
	}
	return names
}

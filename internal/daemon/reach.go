package daemon

import (
	"vpnd/internal/active"
	"vpnd/internal/engine/glance"
	"vpnd/internal/resource"
)

// reach says what a change of each thing that is in force concerns.
type reach struct {
	*resource.Graph
	of      *active.Configuration
	catalog resource.Catalog
	present []resource.Resource
	kinds   map[string][]resource.ID // of each kind
	heard   map[resource.ID]bool     // what slow things read, or what that is made from
	halves  []resource.ID            // see unique; nil before it is asked for
	glances *glance.Memory           // of passes over all of it; nil where none was made
}

// glances is what a pass over everything knows from the last one. It begins anew unless
// its time alone has come: whoever reloads or starts the agent has it find out all.
func (a *agent) glances(p *pass) *glance.Memory {
	if !p.Scope.Whole {
		return nil
	}
	r := a.graph()
	if r.glances == nil || p.noticed != byTimer {
		r.glances = new(glance.Memory)
	}
	return r.glances
}

// graph is found when it is first asked for.
func (a *agent) graph() *reach {
	if a.reach == nil || a.reach.of != a.active {
		a.reach = newReach(a.opts.Catalog, a.active.Present)
		a.reach.of = a.active
	}
	return a.reach
}

func newReach(c resource.Catalog, present []resource.Resource) *reach {
	r := &reach{
		Graph:   resource.NewGraph(c, present),
		catalog: c,
		present: present,
		kinds:   make(map[string][]resource.ID),
	}
	var slow []resource.ID
	for _, one := range present {
		r.kinds[one.ID.Kind] = append(r.kinds[one.ID.Kind], one.ID)
		if c.Traits(one.ID.Kind).Slow {
			slow = append(slow, one.ID)
		}
	}
	r.heard = r.Inputs(slow...)
	return r
}

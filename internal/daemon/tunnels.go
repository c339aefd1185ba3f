package daemon

import (
	"reflect"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Tunnel is an interface of a tunnel that the configuration asks for.
type Tunnel struct {
	ID    resource.ID `json:"id"`
	Block string      `json:"block"`
	Up    bool        `json:"up"`

	Attached bool `json:"attached"` // a program serves it
}

// tunnels tells how the tunnels were found.
func (l *look) tunnels(p *engine.Plan) {
	all := outside(l.scope, l.status.Tunnels, func(t Tunnel) resource.ID { return t.ID })
	l.status.Tunnels = append(all, tunnelsOf(p, l.scope.cut(l.force.present))...)
}

func tunnelsOf(p *engine.Plan, present []resource.Resource) []Tunnel {
	seen := make(map[resource.ID]any)
	for _, s := range p.Seen("tun") {
		seen[s.ID] = s.Got
	}
	var all []Tunnel
	for _, r := range present {
		if r.ID.Kind != "tun" {
			continue
		}
		t := Tunnel{ID: r.ID, Block: block(r.ID, r.Owners)}
		if got := seen[r.ID]; got != nil {
			t.Up, t.Attached = predicate(got, "up"), predicate(got, "attached")
		}
		all = append(all, t)
	}
	return all
}

// predicate returns a truth value of a shape.
func predicate(shape any, name string) bool {
	v := reflect.ValueOf(shape).Elem()
	for _, f := range resource.Fields(v.Type()) {
		if is, ok := v.Field(f.Index).Interface().(*bool); ok && f.Name == name && is != nil {
			return *is
		}
	}
	return false
}

// block names the first block that asks for a resource.
func block(id resource.ID, owners []resource.Owner) string {
	if len(owners) == 0 {
		return id.String()
	}
	return owners[0].Block.String()
}

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
}

// tunnels tells how the tunnels were found.
func (l *look) tunnels(p *engine.Plan) {
	up := make(map[resource.ID]bool)
	for _, s := range p.Seen("tun") {
		up[s.ID] = predicate(s.Got, "up")
	}
	all := outside(l.scope, l.status.Tunnels, func(t Tunnel) resource.ID { return t.ID })
	for _, r := range l.scope.cut(l.force.present) {
		if r.ID.Kind == "tun" {
			all = append(all, Tunnel{ID: r.ID, Block: block(r.ID, r.Owners), Up: up[r.ID]})
		}
	}
	l.status.Tunnels = all
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

package status

import (
	"reflect"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Expiry is when a certificate or a revocation list runs out.
type Expiry struct {
	ID       resource.ID `json:"id"`
	Block    string      `json:"block,omitempty"`
	NotAfter time.Time   `json:"not_after"`
	Fresh    bool        `json:"fresh"` // false once it is to be renewed
}

// Server is an OpenVPN server and who is connected to it.
type Server struct {
	Block   string   `json:"block"`
	Socket  string   `json:"socket"`
	Up      bool     `json:"up"` // it answers
	Clients []Client `json:"clients"`
	Error   string   `json:"error,omitempty"` // why nobody knows
}

// Client is one connected client.
type Client struct {
	Name    string `json:"name"`
	From    string `json:"from"`    // address and port it comes from
	Address string `json:"address"` // in the VPN
	Since   string `json:"since"`   // as OpenVPN writes it
}

// Tunnel is an interface of a tunnel that the configuration asks for.
type Tunnel struct {
	ID    resource.ID `json:"id"`
	Block string      `json:"block"`
	Up    bool        `json:"up"`

	Attached bool `json:"attached"` // a program serves it
}

// Tunnels tells how the tunnels that are asked for were found.
func Tunnels(p *engine.Plan, present []resource.Resource) []Tunnel {
	seen := make(map[resource.ID]any)
	for _, s := range p.Seen("tun") {
		seen[s.ID] = s.Got
	}
	var all []Tunnel
	for _, r := range present {
		if r.ID.Kind != "tun" {
			continue
		}
		t := Tunnel{ID: r.ID, Block: Block(r.ID, r.Owners)}
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

// Block names the first block that asks for a resource.
func Block(id resource.ID, owners []resource.Owner) string {
	if len(owners) == 0 {
		return id.String()
	}
	return owners[0].Block.String()
}

package ipsec

import (
	"net/netip"
	"slices"

	"vpnd/internal/resource"
)

// Exports is what other blocks may know of a tunnel.
type Exports struct {
	Tunnel    string         `vpnd:"tunnel" doc:"the address of the resource that knows how it stands"`
	Networks  []netip.Prefix `vpnd:"networks" doc:"the networks of the other side"`
	Locals    []netip.Prefix `vpnd:"local_networks" doc:"those of this side"`
	Interface string         `vpnd:"interface" doc:"its interface, empty where it has none"`
}

// Exports tells other blocks what goes through the tunnel.
func (t *Tunnel) Exports(name string) any {
	e := &Exports{Tunnel: id(kindConnection, name).String(), Networks: []netip.Prefix{}, Locals: []netip.Prefix{}}
	for _, c := range t.children(name) {
		e.Networks, e.Locals = join(e.Networks, c.Remote), join(e.Locals, c.Local)
	}
	if t.Interface != nil {
		e.Interface = t.Interface.Name
	}
	return e
}

func join(all, more []netip.Prefix) []netip.Prefix {
	for _, n := range more {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// Claims tells what no other block may have: the interface. That networks of two
// tunnels overlap may be meant, where one takes over from the other.
func (t *Tunnel) Claims(string) []resource.Claim {
	if t.mode() != route || t.Interface == nil {
		return nil
	}
	return []resource.Claim{{Sort: "tunnel interface", Value: t.Interface.Name, Path: "interface"}}
}

// Package link converges tun and xfrm interfaces, and routes.
package link

import (
	"net/netip"

	"vpnd/internal/resource"
)

// Tun is a persistent tun or tap interface. Its name is the interface's, of at
// most 15 bytes.
type Tun struct {
	Mode       *string        `vpnd:"mode" doc:"tun (layer 3) or tap (layer 2)" default:"tun"`
	Addresses  []netip.Prefix `vpnd:"addresses,glance" doc:"addresses with their prefix lengths; all others go, but for the link-local ones of the kernel"`
	MTU        *int           `vpnd:"mtu" doc:"largest packet, in bytes"`
	Up         *bool          `vpnd:"up" doc:"whether the interface is switched on" default:"true"`
	User       *string        `vpnd:"user" doc:"user that may attach to the interface, by name or number; where a group is named too, it must be in that group"`
	Group      *string        `vpnd:"group" doc:"group that may attach to the interface, by name or number"`
	MultiQueue *bool          `vpnd:"multi_queue" doc:"whether several processes may attach at once"`
	Attached   *bool          `vpnd:"attached,computed,hint" doc:"whether a program serves it; without one nothing gets through"`
	Alias      *string        `vpnd:"alias,computed" doc:"the interface's alias, which marks those that vpnd made"`
}

// XFRM is an interface through which packets come and go by IPsec: charon's SAs and
// policies with its number. Its name is the interface's, of at most 15 bytes.
type XFRM struct {
	IfID      *int           `vpnd:"if_id,required,glance" doc:"its number, by which SAs belong to it; 1 or more, and no other interface's"`
	Addresses []netip.Prefix `vpnd:"addresses,glance" doc:"addresses with their prefix lengths; all others go, but for the link-local ones of the kernel"`
	MTU       *int           `vpnd:"mtu" doc:"largest packet, in bytes; left out, the kernel's 1500, and it tells senders what fits into ESP"`
	Up        *bool          `vpnd:"up" doc:"whether the interface is switched on" default:"true"`
	Alias     *string        `vpnd:"alias,computed" doc:"the interface's alias, which marks those that vpnd made"`
}

// Route is a route of the kernel. Its name is the destination as CIDR, or
// default for 0.0.0.0/0; in another table than main it is written
// "10.1.0.0/16 table 100".
//
// The name stands for the one route to that destination which vpnd made, and
// which its protocol number marks. Where there is none, a hand-made route to
// the same network, at the metric that the kernel gives by itself, is taken
// over. Every other route of somebody else, and each default route, is left
// alone: the one of vpnd stands beside it, or is refused where the kernel
// can't hold both.
type Route struct {
	Via      *netip.Addr `vpnd:"via,glance" doc:"the next hop"`
	Dev      *string     `vpnd:"dev,glance" doc:"the interface to send through"`
	Metric   *int        `vpnd:"metric" doc:"priority; the lower wins"`
	Table    *int        `vpnd:"table" doc:"routing table, by number, as the name says it too; main is 254"`
	Protocol *int        `vpnd:"protocol,computed" doc:"who made it, by number; see rt_protos of iproute2"`
}

// Tunnels returns whether the interface is up, and whether a program is attached. Where
// it shall be up and is not, that is drift; else it is up when a program wants it.
func (t *Tun) Tunnels() []resource.TunnelState {
	return []resource.TunnelState{{Up: resource.Or(t.Up, false), Attached: resource.Or(t.Attached, false), OnDemand: true}}
}

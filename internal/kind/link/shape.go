// Package link converges tun interfaces and routes.
package link

import "net/netip"

// Tun is a persistent tun or tap interface. Its name is the interface's, of at
// most 15 bytes.
type Tun struct {
	Mode       *string        `vpnd:"mode" doc:"tun (layer 3) or tap (layer 2)" default:"tun"`
	Addresses  []netip.Prefix `vpnd:"addresses" doc:"addresses with their prefix lengths"`
	MTU        *int           `vpnd:"mtu" doc:"largest packet, in bytes"`
	Up         *bool          `vpnd:"up" doc:"whether the interface is switched on" default:"true"`
	User       *string        `vpnd:"user" doc:"user that may attach to the interface, by name or number"`
	Group      *string        `vpnd:"group" doc:"group that may attach to the interface, by name or number"`
	MultiQueue *bool          `vpnd:"multi_queue" doc:"whether several processes may attach at once"`
}

// Route is a route of the kernel. Its name is the destination as CIDR, or
// default; the same destination in another table is written
// "10.1.0.0/16 table 100".
type Route struct {
	Via    *netip.Addr `vpnd:"via" doc:"the next hop"`
	Dev    *string     `vpnd:"dev" doc:"the interface to send through"`
	Metric *int        `vpnd:"metric" doc:"priority; the lower wins"`
	Table  *int        `vpnd:"table" doc:"routing table, by number; main is 254"`
}

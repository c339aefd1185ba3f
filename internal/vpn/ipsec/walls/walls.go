// Package walls is the firewall around IPsec tunnels: what goes through them is let
// through and keeps its addresses, what makes them is let in, and what would leave or
// comes in clear, where a tunnel is down, is dropped in front of all other rules.
package walls

import (
	"net/netip"
	"slices"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// Walls are those of the tunnels of one block, which carry the same networks.
type Walls struct {
	Name       string       // of the block; the chains are called VPND-IPSEC-NAME
	Flows      []Flow       // what goes through, in both families
	Peers      []netip.Addr // outside addresses of the other side; none for any
	Bound      netip.Addr   // outside address of this side; invalid for any
	Uplink     string       // interface that the peers come in by; empty for any
	Interfaces []string     // by which packets go through; none where policies decide
	Hosts      bool         // nothing but both hosts themselves, as in transport mode

	Guard     bool // drop what would leave in clear, or came so
	Firewall  bool // let in what makes the tunnels, and through what goes by them
	NATExempt bool // translate no address of what goes through
	MSS, MSS6 int  // longest segment of TCP in packets of either family, in bytes; 0 for no clamp
}

// A Flow is what two networks of one family may send each other.
type Flow struct{ Local, Remote netip.Prefix }

const prefix = "VPND-IPSEC-"

// MaxName is how long the name of a block may be, so that VPND-IPSEC-NAME-O is within
// the 28 characters of a chain.
const MaxName = 28 - len(prefix) - len("-O")

// IPTables is what chains are made with; Debian doesn't install it by itself.
var IPTables = resource.ID{Kind: "package", Name: "iptables"}

// Chains returns the chains, with what they are made with in front of them.
func (w *Walls) Chains() []resource.Resource {
	all := []resource.Resource{{ID: IPTables, Want: &pkg.Package{Installed: resource.Ptr(true)}}}
	for _, six := range []bool{false, true} {
		add := func(table, suffix, hook string, priority int, rules []string) {
			if len(rules) > 0 {
				all = append(all, resource.Resource{
					ID:    resource.ID{Kind: "chain", Name: family(six) + "/" + table + "/" + prefix + w.Name + suffix},
					Want:  &chain.Chain{Hook: &hook, At: resource.Ptr("top"), Priority: &priority, Rules: rules},
					After: []resource.ID{IPTables},
				})
			}
		}
		w.side(six).chains(add)
	}
	return all
}

func family(six bool) string {
	if six {
		return "ip6"
	}
	return "ip"
}

// Of returns which of these resources are chains of a family.
func Of(six bool, all []resource.Resource) []resource.ID {
	var ids []resource.ID
	for _, r := range all {
		if r.ID.Kind == "chain" && (r.ID.Name[:4] == "ip6/") == six {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// Forwards says whether packets of others go through, in that family.
func (w *Walls) Forwards(six bool) bool { return w.side(six).forwards() }

// side is the walls in one family.
type side struct {
	*Walls
	six   bool
	flows []Flow
}

func (w *Walls) side(six bool) side {
	s := side{Walls: w, six: six}
	for _, f := range w.Flows {
		if f.Local.Addr().Is6() == six && f.Remote.Addr().Is6() == six && !slices.Contains(s.flows, f) {
			s.flows = append(s.flows, f)
		}
	}
	return s
}

func (s side) forwards() bool {
	return !s.Hosts && slices.ContainsFunc(s.flows, func(f Flow) bool { return !f.Local.IsSingleIP() || f.Local.Addr() != s.Bound })
}

// outer says whether packets of IKE and ESP may be of this family.
func (s side) outer() bool {
	for _, a := range append(slices.Clone(s.Peers), s.Bound) {
		if a.IsValid() {
			return a.Is6() == s.six
		}
	}
	return true
}

func (s side) chains(add func(table, suffix, hook string, priority int, rules []string)) {
	if s.Guard {
		add("filter", "-O", "OUTPUT", chain.Guard, s.kept(true))
		add("filter", "-C", "INPUT", chain.Guard, s.kept(false))
		if s.forwards() {
			add("filter", "-G", "FORWARD", chain.Guard, s.guarded())
		}
	}
	if s.Firewall {
		if s.outer() {
			add("filter", "-I", "INPUT", chain.Listener, s.admitted())
		}
		if s.forwards() {
			add("filter", "", "FORWARD", chain.Tunnel, s.accepted())
		}
	}
	if s.NATExempt {
		add("nat", "", "POSTROUTING", chain.Tunnel, s.exempted())
	}
	if s.forwards() {
		add("mangle", "", "FORWARD", chain.Tunnel, s.clamped())
	}
}

// Advertised warns of what cuts hosts off where something forwards IPv6: the kernel
// ignores router advertisements then, and the default route runs out.
func Advertised() resource.Mistake {
	return resource.Mistake{
		Summary: "forwarding of IPv6 makes the kernel ignore router advertisements, and a default route learned from them runs out",
		Hint:    "set accept_ra in a gateway block or by a sysctl block where the uplink has its route from router advertisements",
		Warning: true,
	}
}

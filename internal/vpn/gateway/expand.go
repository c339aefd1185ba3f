package gateway

import (
	"context"
	"net/netip"
	"strings"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/resource"
)

const masquerade = "masquerade"

// Expand returns the chains of each family in use and the switch that turns
// forwarding on. The switch waits for the chains, so that nothing is ever
// forwarded that they would not let through.
func (g *Gateway) Expand(name string) ([]resource.Resource, error) {
	all := []resource.Resource{{ID: iptables, Want: &pkg.Package{Installed: resource.Ptr(true)}}}
	for _, six := range []bool{false, true} {
		if s := g.side(six); len(s.networks) > 0 {
			all = append(all, s.expand("VPND-GW-"+name)...)
		}
	}
	g.require(all)
	return all, nil
}

// require adds what a gateway needs of its host to what changes with that: the
// rules that name the uplink, and those that translate.
func (g *Gateway) require(all []resource.Resource) {
	var named int
	for i, r := range all {
		_, table, _ := strings.Cut(r.ID.Name, "/")
		nat := r.ID.Kind == "chain" && strings.HasPrefix(table, "nat/")
		if nat || named == 0 && r.ID.Kind == "chain" {
			named = i
		}
		if addr, err := netip.ParseAddr(resource.Or(g.NAT, masquerade)); nat && err == nil && strings.HasPrefix(r.ID.Name, "ip/") {
			all[i].Requires = append(all[i].Requires, local("nat", addr))
		}
		if addr, err := netip.ParseAddr(resource.Or(g.NAT6, masquerade)); nat && err == nil && strings.HasPrefix(r.ID.Name, "ip6/") {
			all[i].Requires = append(all[i].Requires, local("nat6", addr))
		}
	}
	all[named].Requires = append(all[named].Requires, resource.Requirement{
		Path: "uplink",
		Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return link.Present(*g.Uplink, plan)
		},
	})
}

func local(path string, addr netip.Addr) resource.Requirement {
	return resource.Requirement{
		Path: path,
		Met:  func(_ context.Context, plan resource.Prospect) *resource.Mistake { return link.Local(addr, plan) },
	}
}

// iptables is what chains are made with; Debian doesn't install it by itself.
var iptables = resource.ID{Kind: "package", Name: "iptables"}

func (s side) expand(name string) []resource.Resource {
	var all []resource.Resource
	var ids []resource.ID
	add := func(table, chainName, hook, at string, rules []string, after ...resource.ID) resource.ID {
		id := resource.ID{Kind: "chain", Name: s.family() + "/" + table + "/" + chainName}
		if len(rules) > 0 {
			all = append(all, resource.Resource{ID: id, Want: &chain.Chain{Hook: &hook, At: &at, Priority: resource.Ptr(resource.Or(s.Priority, chain.Router)), Rules: rules}, After: append(after, iptables)})
			ids = append(ids, id)
		}
		return id
	}
	accepted := add("filter", name, "FORWARD", "top", s.accepted())
	add("filter", name+"-END", "FORWARD", "bottom", s.refused(), accepted)
	add("nat", name, "POSTROUTING", "top", s.translated())
	add("mangle", name, "FORWARD", "top", s.clamped())
	return append(all, s.sysctls(ids)...)
}

// sysctls returns the switches. Forwarding comes first: writing it resets
// other keys of the interfaces.
func (s side) sysctls(after []resource.ID) []resource.Resource {
	key := "net.ipv4.ip_forward"
	if s.six {
		key = "net.ipv6.conf.all.forwarding"
	}
	all := []resource.Resource{{ID: resource.ID{Kind: "sysctl", Name: key}, Want: &sysctl.Sysctl{Value: resource.Ptr("1")}, After: after}}
	if s.six && s.AcceptRA != nil {
		value := "0"
		if *s.AcceptRA {
			value = "2" // also while forwarding, see ip-sysctl of the kernel
		}
		all = append(all, resource.Resource{
			// A dot of the interface's own, as in eth0.100, is a slash in a key.
			ID:    resource.ID{Kind: "sysctl", Name: "net.ipv6.conf." + strings.ReplaceAll(*s.Uplink, ".", "/") + ".accept_ra"},
			Want:  &sysctl.Sysctl{Value: &value},
			After: []resource.ID{all[0].ID},
		})
	}
	return all
}

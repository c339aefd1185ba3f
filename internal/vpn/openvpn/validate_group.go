package openvpn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// checkGroups checks the groups, and what a server with groups can't have.
func (s *Server) checkGroups(c *check) {
	if len(s.Groups) == 0 {
		return
	}
	if s.topology() != "subnet" {
		c.Add("topology", `use topology = "subnet"`, "groups need topology subnet")
	}
	if resource.Or(s.DuplicateCN, false) {
		c.Add("duplicate_cn", "leave it out", "members of groups have addresses of their own, which clients that share a name can't")
	}
	if !resource.Or(s.Management, true) {
		c.Warn("management", "leave it out", "who comes into a group or leaves one keeps the address of before until they dial anew")
	}
	before := len(c.Found)
	seen := make(map[string]bool)
	for i := range s.Groups {
		g := &s.Groups[i]
		path := "group." + g.Name
		if !isName.MatchString(g.Name) {
			c.Add(path, "use letters, digits, dashes and underscores", "%q can't be the name of a group", g.Name)
		}
		if seen[g.Name] {
			c.Add(path, "make one of them", "there are two groups of this name")
		}
		seen[g.Name] = true
		s.checkShare(c, path, g, s.Groups[:i])
		s.checkShare6(c, path, g, s.Groups[:i])
		s.checkConfined(c, path, g)
	}
	if len(c.Found) == before && s.hasNetwork() {
		s.checkSeats(c)
	}
}

// checkShare checks the IPv4 network of a group.
func (s *Server) checkShare(c *check, path string, g *Group, others []Group) {
	path += ".network"
	p := resource.Or(g.Network, netip.Prefix{})
	if !p.Addr().Is4() {
		c.Add(path, "write it as a part of network, and IPv6 under network6", "the network of a group is one of IPv4")
		return
	}
	var taken []netip.Prefix
	for _, other := range others {
		taken = append(taken, resource.Or(other.Network, netip.Prefix{}))
	}
	s.checkReserved(c, path, p, resource.Or(s.Network, netip.Prefix{}), s.networks(false), taken)
	if share := g.share(s, 0, false); !share.IsValid() || share.Bits() > 30 {
		c.Add(path, fmt.Sprintf("a group needs at least a /30 for each process, and here are %d", len(s.processes())), "%s is too small", p)
	}
}

// checkShare6 checks the IPv6 network of a group. Without one its members would have
// addresses that no rule of the group knows.
func (s *Server) checkShare6(c *check, path string, g *Group, others []Group) {
	path += ".network6"
	p := resource.Or(g.Network6, netip.Prefix{})
	switch {
	case g.Network6 == nil && s.Network6 == nil:
		return
	case g.Network6 == nil:
		c.Add(path, "choose a part of network6", "the VPN has IPv6, and members of the group have no addresses of their own there")
		return
	case s.Network6 == nil:
		c.Add(path, "set network6", "the VPN has no IPv6 network")
		return
	case !p.Addr().Is6() || p.Addr().Is4In6():
		c.Add(path, "choose a part of network6", "%s is no IPv6 network", p)
		return
	}
	var taken []netip.Prefix
	for _, other := range others {
		taken = append(taken, resource.Or(other.Network6, netip.Prefix{}))
	}
	s.checkReserved(c, path, p, *s.Network6, s.networks(true), taken)
	if share, share6 := g.share(s, 0, false), g.share(s, 0, true); share.IsValid() && (!share6.IsValid() || 128-share6.Bits() < 32-share.Bits()) {
		c.Add(path, "choose a larger part of network6", "%s has fewer addresses than the IPv4 network of the group", p)
	}
}

// checkReserved checks that a network can be a group's.
func (s *Server) checkReserved(c *check, path string, p, whole netip.Prefix, listeners, taken []netip.Prefix) {
	switch {
	case p != p.Masked():
		c.Masked(path, []netip.Prefix{p})
		return
	case !whole.IsValid():
		return
	case p.Bits() <= whole.Bits() || !whole.Contains(p.Addr()):
		c.Add(path, "choose a part of the network of the server, or widen that: it is what gateways and other blocks know of the VPN", "%s is no part of %s", p, whole)
		return
	}
	for n, own := range listeners {
		if own.IsValid() && p.Contains(subnet.First(own)) {
			c.Add(path, "choose another part, such as the last one", "%s holds %s, which is the address of the server for %s", p, subnet.First(own), s.processes()[n][0])
		}
	}
	if i := slices.IndexFunc(taken, p.Overlaps); i >= 0 {
		c.Add(path, "give each group a part of its own", "%s overlaps with %s of another group", p, taken[i])
	}
}

// checkConfined checks what members of a group are told, and what they may reach.
func (s *Server) checkConfined(c *check, path string, g *Group) {
	c.Masked(path+".routes", g.Routes)
	for _, network := range g.Routes {
		s.checkRoute(c, path+".routes", network)
	}
	push := resource.Or(g.Push, Push{})
	s.checkPush(c, path+".push", push)
	if g.Reach == nil {
		return
	}
	c.Masked(path+".reach", g.Reach)
	if resource.Or(s.ClientToClient, false) {
		c.Add(path+".reach", "leave client_to_client out", "client_to_client lets members reach all other clients, past the firewall")
	}
	reached := func(a netip.Addr) bool {
		return slices.ContainsFunc(g.Reach, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	for _, server := range slices.Concat(s.push().DNS, push.DNS) {
		if !reached(server) {
			c.Warn(path+".reach", fmt.Sprintf("add %q", netip.PrefixFrom(server, server.BitLen())), "members are told to ask the name server %s, which they may not reach", server)
		}
	}
	for _, to := range g.Reach {
		if !s.leadsTo(g, to) {
			c.Warn(path+".reach", "add it to routes of the group, or to push { routes }", "members have no route to %s", to)
		}
	}
}

// leadsTo says whether members of a group have a route to a network by the VPN.
func (s *Server) leadsTo(g *Group, to netip.Prefix) bool {
	all, own := s.push(), resource.Or(g.Push, Push{})
	if resource.Or(own.RedirectGateway, resource.Or(all.RedirectGateway, false)) {
		return true
	}
	routes := slices.Concat(all.Routes, own.Routes, g.Routes)
	for _, r := range slices.Concat(all.Measured, own.Measured) {
		if p, err := netip.ParsePrefix(r.Network); err == nil {
			routes = append(routes, p)
		}
	}
	for _, p := range []*netip.Prefix{s.Network, s.Network6} {
		if p != nil {
			routes = append(routes, *p)
		}
	}
	for _, line := range slices.Concat(all.Options, own.Options) { // nobody knows what these lead to
		if strings.HasPrefix(line, "route") {
			return true
		}
	}
	return slices.ContainsFunc(routes, func(p netip.Prefix) bool { return resource.Within(to, p) })
}

// checkSeats checks that there is an address for every member, and for who is none.
func (s *Server) checkSeats(c *check) {
	for i := range s.Groups {
		if g := &s.Groups[i]; s.seating(g) == nil {
			c.Add("group."+g.Name+".network", "use a larger network", "there are %d addresses at each listener, which are too few for its members", seats(g.share(s, 0, false)))
		}
	}
	for n, listeners := range s.processes() {
		first, last := s.dynamic(n)
		if !first.Is4() || !last.Is4() {
			continue
		}
		if last.Less(first) {
			c.Add("group", "use a larger network, or smaller groups", "the groups leave no address for clients of %s that are in none", strings.Join(listeners, " and "))
			continue
		}
		for _, g := range s.Groups {
			if s.Network6 == nil {
				continue
			}
			first6 := pool6(s.networks(true)[n])
			last6 := subnet.Advance(first6, subnet.Number(last)-subnet.Number(first), 0)
			if p := *g.Network6; !last6.Less(p.Addr()) && (p.Contains(first6) || first6.Less(p.Addr())) {
				c.Add("group."+g.Name+".network6", "choose a part farther behind", "%s overlaps with the addresses from %s to %s of clients in no group", p, first6, last6)
			}
		}
	}
}

// checkMember checks the group of a client, and that nobody else has an address there.
func (s *Server) checkMember(c *check, path string, client Client) {
	g := s.groupOf(&client)
	if client.Group != nil && g == nil {
		var names []string
		for _, g := range s.Groups {
			names = append(names, g.Name)
		}
		hint := "add group " + fmt.Sprintf("%q", *client.Group) + " { network = … }"
		if len(names) > 0 {
			hint += "; there are " + strings.Join(names, ", ")
		}
		c.Add(path+".group", hint, "there is no group of this name")
		return
	}
	for _, fixed := range []struct {
		path    string
		address *netip.Addr
	}{{path + ".address", client.Address}, {path + ".address6", client.Address6}} {
		if fixed.address == nil {
			continue
		}
		for i := range s.Groups {
			of := &s.Groups[i]
			network := resource.Or(of.Network, netip.Prefix{})
			if fixed.address.Is6() {
				network = resource.Or(of.Network6, netip.Prefix{})
			}
			switch inside := network.Contains(*fixed.address); {
			case inside && of != g:
				c.Add(fixed.path, fmt.Sprintf("choose another one, or write group = %q", of.Name), "%s is among the addresses of the group %s", fixed.address, of.Name)
			case !inside && of == g:
				c.Add(fixed.path, "choose an address of the group, or leave it out", "%s is no address of the group %s, which has %s", fixed.address, g.Name, network)
			}
		}
	}
	for i, line := range client.Options {
		words, err := openvpn.Directive(line)
		at := fmt.Sprintf("%s.options[%d]", path, i)
		switch {
		case err != nil || len(words) == 0:
		case len(s.Groups) > 0 && strings.HasPrefix(words[0], "ifconfig-"):
			c.Add(at, "use address, or group", "where there are groups, vpnd says who has which address")
		case g != nil && g.Reach != nil && strings.HasPrefix(words[0], "iroute"):
			c.Add(at, "use routes of the client", "the rules of its group would not hold for what comes from this network")
		}
	}
	if g != nil && client.Address6 != nil {
		c.Add(path+".address6", "leave it out, and choose address", "the IPv6 address of a member stands at the place of its IPv4 address")
	}
	if g != nil && client.Address != nil {
		s.checkSeat(c, path+".address", *client.Address, g)
	}
}

// checkSeat checks that a member can have a fixed address.
func (s *Server) checkSeat(c *check, path string, a netip.Addr, g *Group) {
	if share := s.holding(a, g.shares(s)); share.IsValid() && (a == share.Addr() || a == subnet.Last(share)) {
		c.Add(path, "choose another one", "%s is the first or the last of %s, the share of a listener, which stay free", a, share)
	}
}

package openvpn

import (
	"net/netip"
	"slices"

	"vpnd/internal/kind/chain"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// Group is a part of the clients, with addresses, pushes and rules of its own.
type Group struct {
	Name     string         `vpnd:"name,label" doc:"name of the group"`
	Network  *netip.Prefix  `vpnd:"network,required" doc:"the part of network that only its members have addresses of, each the same whenever it connects; every process has its share"`
	Network6 *netip.Prefix  `vpnd:"network6" doc:"the part of network6, likewise; needed where there is network6"`
	Routes   []netip.Prefix `vpnd:"routes" doc:"networks behind the server that its members are told of besides"`
	Reach    []netip.Prefix `vpnd:"reach" doc:"networks that its members may reach, and nothing else, this host and other clients included; left out, whatever a gateway passes on"`
	Push     *Push          `vpnd:"push,block" doc:"what its members are told besides"`
}

// group returns a group by its name, nil where there is none.
func (s *Server) group(name string) *Group {
	for i := range s.Groups {
		if s.Groups[i].Name == name {
			return &s.Groups[i]
		}
	}
	return nil
}

// groupOf returns the group of a client, nil where it is in none.
func (s *Server) groupOf(c *Client) *Group {
	if c == nil || c.Group == nil {
		return nil
	}
	return s.group(*c.Group)
}

// share is what the members of a group have addresses of at the n-th process.
func (g *Group) share(s *Server, n int, six bool) netip.Prefix {
	if six {
		return s.part(resource.Or(g.Network6, netip.Prefix{}), n)
	}
	return s.part(resource.Or(g.Network, netip.Prefix{}), n)
}

// seats is how many addresses a share has: its first and its last stay free.
func seats(share netip.Prefix) int { return 1<<(share.Addr().BitLen()-share.Bits()) - 2 }

// seating returns the seat of every member of a group, nil where there are too few. It
// does not depend on the order of their blocks, and holds for those who are revoked too, so
// that nobody is moved by that.
func (s *Server) seating(g *Group) map[string]int {
	share := g.share(s, 0, false)
	if !share.Addr().Is4() || seats(share) < 1 {
		return nil
	}
	var names []string
	fixed := make(map[string]int)
	for _, client := range s.Clients {
		switch {
		case client.Group == nil || *client.Group != g.Name:
		case client.Address == nil:
			names = append(names, client.Name)
		default:
			if place, ok := subnet.Transpose(*client.Address, s.holding(*client.Address, g.shares(s)), share); ok {
				fixed[client.Name] = subnet.Number(place) - subnet.Number(share.Addr()) - 1
			}
		}
	}
	return subnet.Spread(names, seats(share), fixed)
}

// shares are those of all processes in IPv4.
func (g *Group) shares(s *Server) []netip.Prefix {
	var all []netip.Prefix
	for n := range s.processes() {
		all = append(all, g.share(s, n, false))
	}
	return all
}

// holding returns the network that holds an address, an invalid one where none does.
func (s *Server) holding(a netip.Addr, networks []netip.Prefix) netip.Prefix {
	if i := slices.IndexFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) }); i >= 0 {
		return networks[i]
	}
	return netip.Prefix{}
}

// addresses returns the addresses that a client always has at this process, invalid ones
// where it takes what it gets.
func (i *instance) addresses(m member) (address, address6 netip.Addr) {
	c := resource.Or(m.block, Client{})
	g := i.groupOf(m.block)
	if g == nil {
		if c.Address != nil {
			address, _ = i.placed(*c.Address, i.index)
		}
		if c.Address6 != nil {
			address6, _ = i.placed(*c.Address6, i.index)
		}
		return address, address6
	}
	seat := i.seats[g.Name][c.Name] + 1
	address = subnet.Advance(g.share(i.Server, i.index, false).Addr(), seat, 0)
	if i.network6 != nil {
		address6 = subnet.Advance(g.share(i.Server, i.index, true).Addr(), seat, 0)
	}
	return address, address6
}

// told is what a client is told besides: as a member of its group, and by itself.
func (s *settings) told(m member) Push {
	own := resource.Or(resource.Or(m.block, Client{}).Push, Push{})
	g := s.groupOf(m.block)
	if g == nil {
		return own
	}
	all := resource.Or(g.Push, Push{})
	all.Routes = slices.Concat(g.Routes, all.Routes, own.Routes)
	all.Measured = slices.Concat(all.Measured, own.Measured)
	all.ExcludeRoutes = slices.Concat(all.ExcludeRoutes, own.ExcludeRoutes)
	all.DNS = slices.Concat(all.DNS, own.DNS)
	all.SearchDomains = slices.Concat(all.SearchDomains, own.SearchDomains)
	all.Options = slices.Concat(all.Options, own.Options)
	if own.Domain != nil {
		all.Domain = own.Domain
	}
	for _, flag := range []struct{ of, own **bool }{
		{&all.RedirectGateway, &own.RedirectGateway}, {&all.BlockIPv6, &own.BlockIPv6}, {&all.BlockOutsideDNS, &own.BlockOutsideDNS},
	} {
		if *flag.own != nil {
			*flag.of = *flag.own
		}
	}
	return all
}

// addGroups has members of groups reach what they may and nothing else: neither through
// this host nor on it. The chains stand in front of whatever accepts, and let what they
// do not refuse go on to it.
func (e *expansion) addGroups() {
	for _, six := range []bool{false, true} {
		var rules []string
		for i := range e.Groups {
			rules = append(rules, e.confined(&e.Groups[i], six)...)
		}
		if len(rules) == 0 {
			continue
		}
		family := "ip"
		if six {
			family = "ip6"
		}
		e.addIPTables()
		for _, at := range []struct{ name, hook string }{{"VPND-GRF-" + e.name, "FORWARD"}, {"VPND-GRI-" + e.name, "INPUT"}} {
			wall := id("chain", family+"/filter/"+at.name)
			e.add(wall, &chain.Chain{Hook: &at.hook, At: resource.Ptr("top"), Priority: resource.Ptr(chain.Guard), Rules: rules}, iptables)
			e.walls = append(e.walls, wall)
		}
	}
}

// confined returns the rules of a group in one family. Answers go to whoever asked;
// who was let in by one of the rules and no longer is stops being so at once.
func (e *expansion) confined(g *Group, six bool) []string {
	if g.Reach == nil {
		return nil
	}
	var rules []string
	for _, from := range e.sources(g, six) {
		rules = append(rules, "-s "+from.String()+" -m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY -j RETURN")
		for _, to := range g.Reach {
			if to.Addr().Is6() == six {
				rules = append(rules, "-s "+from.String()+" -d "+to.String()+" -j RETURN")
			}
		}
		rules = append(rules, "-s "+from.String()+" -j DROP")
	}
	return rules
}

// sources are where packets of the members of a group come from: its network, and those
// behind its members.
func (e *expansion) sources(g *Group, six bool) []netip.Prefix {
	var all []netip.Prefix
	for _, network := range []*netip.Prefix{g.Network, g.Network6} {
		if network != nil && network.Addr().Is6() == six {
			all = append(all, *network)
		}
	}
	for _, client := range e.Clients {
		for _, network := range client.Routes {
			if e.groupOf(&client) == g && network.Addr().Is6() == six {
				all = append(all, network)
			}
		}
	}
	return all
}

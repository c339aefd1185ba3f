package openvpn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

// checkListen says whether there are listeners of UDP and of TCP.
func (s *Server) checkListen(c *check) (udp, tcp bool) {
	var all []endpoint.Listener
	for i, one := range s.listeners() {
		path := fmt.Sprintf("listen[%d]", i)
		l, err := endpoint.ParseListener(one)
		if err != nil {
			c.Add(path, "write a protocol ("+strings.Join(endpoint.Protocols, ", ")+") and a port from 1 to 65535, as in udp/1194, tcp/192.0.2.1:443 or udp6/[2001:db8::1]:1194", "%v", err)
			continue
		}
		if other := slices.IndexFunc(all, l.Meets); other >= 0 {
			c.Add(path, "leave one of them out; udp6 and tcp6 without an address take IPv4 too", "%s and %s listen at the same place", l, all[other])
		}
		all = append(all, l)
		udp, tcp = udp || l.Transport() == "udp", tcp || l.Transport() == "tcp"
	}
	s.checkListeners(c, all)
	s.checkDevices(c)
	c.OneOf("processes", resource.Or(s.Processes, "each"), "each", "one")
	return udp, tcp
}

// checkListeners checks the blocks of listeners, of which there are those.
func (s *Server) checkListeners(c *check, all []endpoint.Listener) {
	seen := make(map[endpoint.Listener]bool)
	for _, block := range s.Listeners {
		path := "listener." + block.Name
		l, err := endpoint.ParseListener(block.Name)
		switch {
		case err != nil || !slices.Contains(all, l):
			c.Add(path, "write one of "+strings.Join(s.listeners(), ", "), "listen has no such listener")
		case seen[l]:
			c.Add(path, "make one of them", "there are two blocks for this listener")
		}
		seen[l] = true
	}
	if s.shared() && len(s.Listeners) > 0 {
		c.Add("listener."+s.Listeners[0].Name, `leave it out, or processes = "one"`, "one process has one network and one interface, those of the server")
	}
	if !s.several() {
		return
	}
	if s.topology() != "subnet" {
		c.Add("topology", `use topology = "subnet", or a single listener`, "several listeners need topology subnet")
	}
	if resource.Or(s.ClientToClient, false) {
		c.Warn("client_to_client", "leave it out, and let a gateway block pass on what clients send each other", "each listener is a process of its own, and packets between clients of two of them go through the firewall all the same")
	}
	for _, client := range s.Clients {
		if len(client.Routes) > 0 {
			c.Warn("client."+client.Name+".routes", "have it dial that listener only", "a route of this host leads to one interface, so these networks are reached while the client is connected to %s", s.listeners()[0])
		}
	}
}

func (s *Server) checkDevices(c *check) {
	own := make(map[string]string)
	for _, block := range s.Listeners {
		if block.Dev != nil {
			own[block.Name] = *block.Dev
		}
	}
	seen := make(map[string]bool)
	for n, listeners := range s.processes() {
		path, dev := "dev", s.device(n)
		if name, ok := own[listeners[0]]; ok {
			path, dev = "listener."+listeners[0]+".dev", name
		}
		if !isDevice.MatchString(dev) || strings.HasPrefix(dev, "tap") || dev == "tun" || dev == "null" || strings.Trim(dev, ".") == "" {
			c.Add(path, "use a fixed name such as tun0, of at most 15 letters, digits, dots and dashes; tap is not supported", "%q can't be the name of a tun interface", dev)
		}
		if seen[dev] {
			c.Add(path, "give each one of its own", "two listeners can't share the interface %s", dev)
		}
		seen[dev] = true
	}
}

// checkParts checks the networks: the whole, and what each listener has of it.
func (s *Server) checkParts(c *check) {
	whole, whole6 := resource.Or(s.Network, netip.Prefix{}), resource.Or(s.Network6, netip.Prefix{})
	many := len(s.processes())
	fine, fine6 := false, false
	switch part := s.part(whole, 0); {
	case s.Network == nil && s.Network6 != nil:
	case !whole.IsValid() || !whole.Addr().Is4():
		c.Add("network", `write it as in "10.8.0.0/24", and IPv6 under network6`, "the network of the VPN is one of IPv4")
	case many == 1 && !fits(whole):
		c.Add("network", "a /24 has room for 253 clients", "%s is too large or too small; OpenVPN takes a /16 to a /29", whole)
	case !s.given(false) && !fits(part):
		c.Add("network", "a /24 in two parts has room for 125 clients each", "%s in %d parts is too large or too small; OpenVPN takes a /16 to a /29 for each listener", whole, parts(many))
	default:
		c.Masked("network", []netip.Prefix{whole})
		c.own("network", whole)
		fine = whole == whole.Masked()
	}
	if s.Network == nil && s.Network6 != nil {
		s.checkSix(c)
	}
	switch part := s.part(whole6, 0); {
	case s.Network6 == nil:
	case !whole6.Addr().Is6() || whole6.Addr().Is4In6() || many == 1 && !fits6(whole6):
		c.Add("network6", `write it as in "fd00:8::/64"`, "%s is no IPv6 network between /64 and /124", whole6)
	case !s.given(true) && !fits6(part):
		c.Add("network6", `write it as in "fd00:8::/64"`, "%s in %d parts is too large or too small; OpenVPN takes a /64 to a /124 for each listener", whole6, parts(many))
	default:
		c.Masked("network6", []netip.Prefix{whole6})
		c.own("network6", whole6)
		fine6 = whole6 == whole6.Masked()
	}
	s.checkGiven(c, fine, fine6)
}

// checkSix checks what a VPN of IPv6 alone can't have.
func (s *Server) checkSix(c *check) {
	const hint = "set network"
	if s.topology() != "subnet" {
		c.Add("topology", `use topology = "subnet", or set network`, "%s is of IPv4", s.topology())
	}
	if pool := s.pool(); pool.Start != nil || pool.End != nil {
		c.Add("pool", "leave them out, or set network", "start and end are of IPv4, which the VPN does not have")
	}
	if len(s.Groups) > 0 {
		c.Add("group", hint, "members of groups have addresses of IPv4, which the VPN does not have")
	}
	if resource.Or(s.push().RedirectGateway, false) {
		c.Warn("push.redirect_gateway", hint, "the VPN has IPv6 alone, so what clients send by IPv4 goes past it")
	}
	for _, client := range s.Clients {
		if client.Address != nil {
			c.Add("client."+client.Name+".address", "set network, or use address6", "the VPN has no IPv4 network")
		}
	}
}

// parts is how many parts a network is cut into for some listeners.
func parts(listeners int) int {
	n := 1
	for n < listeners {
		n *= 2
	}
	return n
}

// given says whether every listener has a network of its own given.
func (s *Server) given(six bool) bool {
	n := 0
	for _, block := range s.Listeners {
		if six && block.Network6 != nil || !six && block.Network != nil {
			n++
		}
	}
	return n >= len(s.processes())
}

func fits(p netip.Prefix) bool  { return p.IsValid() && p.Bits() >= 16 && p.Bits() <= 29 }
func fits6(p netip.Prefix) bool { return p.IsValid() && p.Bits() >= 64 && p.Bits() <= 124 }

// checkGiven checks that parts which are given are parts, and that no two listeners
// have the same.
func (s *Server) checkGiven(c *check, fine, fine6 bool) {
	var taken []netip.Prefix
	for n, listeners := range s.processes() {
		one := listeners[0]
		block := s.listenerBlock(one)
		for _, of := range []struct {
			name  string
			whole *netip.Prefix
			given *netip.Prefix
			fine  bool
			fits  func(netip.Prefix) bool
			room  string
		}{{"network", s.Network, block.Network, fine, fits, "a /16 to a /29"}, {"network6", s.Network6, block.Network6, fine6, fits6, "a /64 to a /124"}} {
			path := "listener." + one + "." + of.name
			switch {
			case of.given != nil && of.whole == nil:
				c.Add(path, "set "+of.name+" of the server, which holds those of all listeners", "the VPN has no %s", of.name)
				continue
			case of.whole == nil || !of.fine:
				continue
			case of.given == nil:
				path = of.name
			case *of.given != of.given.Masked():
				c.Masked(path, []netip.Prefix{*of.given})
				continue
			case !of.fits(*of.given):
				c.Add(path, "choose a part of "+of.whole.String(), "%s is too large or too small; OpenVPN takes %s for each listener", of.given, of.room)
				continue
			case !resource.Within(*of.given, *of.whole):
				c.Add(path, "choose a part of "+of.name+", or widen that: it is what gateways and other blocks know of the VPN", "%s is no part of %s", of.given, of.whole)
				continue
			}
			part := resource.Or(of.given, s.part(*of.whole, n))
			if other := slices.IndexFunc(taken, part.Overlaps); other >= 0 {
				c.Add(path, "give each listener a part of its own, in listener blocks", "%s has %s, which overlaps with %s of another listener", one, part, taken[other])
			}
			taken = append(taken, part)
		}
	}
}

// listenerBlock returns the block of a listener, an empty one where it has none.
func (s *Server) listenerBlock(name string) Listener {
	l, err := endpoint.ParseListener(name)
	for _, block := range s.Listeners {
		if other, wrong := endpoint.ParseListener(block.Name); err == nil && wrong == nil && l == other {
			return block
		}
	}
	return Listener{}
}

// hasNetwork says whether addresses can be judged at all.
func (s *Server) hasNetwork() bool {
	p := resource.Or(s.Network, netip.Prefix{})
	return p.IsValid() && p.Addr().Is4() && (fits(p) || s.several() && fits(s.part(p, 0)))
}

// checkRemotes checks what profiles dial.
func (s *Server) checkRemotes(c *check) {
	if s.Remote == nil && len(s.PKI.Clients) > 0 && resource.Or(s.Profiles, "") != "false" {
		c.Add("remote", `write the name or address of this host as clients see it, or profiles = false`, "profiles don't know what to dial")
	}
	if s.Remote == nil {
		return
	}
	for i, text := range s.remotes() {
		path := "remote"
		if i > 0 {
			path = fmt.Sprintf("remotes[%d]", i-1)
		}
		r, err := endpoint.ParseRemote(text)
		switch {
		case err != nil:
			c.Add(path, "one name or address without a protocol", "%v", err)
		case r.Port != 0 && r.Transport == "" && len(s.listeners()) > 1:
			c.Add(path, fmt.Sprintf(`say to which, as in "tcp/%s", and leave the port out where it is the one listened on`, text), "port %d leads to one of the listeners only", r.Port)
		default:
			s.checkLeads(c, path, text, r)
		}
	}
}

// checkLeads checks that somebody listens where a remote leads.
func (s *Server) checkLeads(c *check, path, text string, r endpoint.Remote) {
	var all []endpoint.Listener
	for _, text := range s.listeners() {
		if l, err := endpoint.ParseListener(text); err == nil {
			all = append(all, l)
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, r.Leads) {
		return
	}
	if r.Transport != "" && !slices.ContainsFunc(all, func(l endpoint.Listener) bool { return l.Transport() == r.Transport }) {
		c.Add(path, fmt.Sprintf(`add a listener of %s to listen, or leave "%[1]s/" out`, r.Transport), "nobody listens where %s leads", text)
		return
	}
	l := all[0]
	hint := fmt.Sprintf("listen on %s6/%d, or write an address of IPv4", l.Transport(), l.Port)
	if !strings.Contains(r.Host, ":") {
		hint = fmt.Sprintf("listen on %s/%d, or write an address of IPv6", l.Transport(), l.Port)
	}
	c.Add(path, hint, "%s is of another family than %s, where the server listens", r.Host, strings.Join(s.listeners(), " and "))
}

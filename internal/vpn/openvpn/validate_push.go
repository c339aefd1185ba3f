package openvpn

import (
	"fmt"
	"net/netip"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

func (s *Server) checkPush(c *check, path string, p Push) {
	c.masked(path+".routes", p.Routes)
	for _, network := range p.Routes {
		s.checkRoute(c, path+".routes", network)
	}
	s.checkMeasured(c, path, p)
	s.checkExcluded(c, path, p)
	for _, server := range p.DNS {
		switch {
		case server.Zone() != "":
			c.add(path+".dns", fmt.Sprintf("%s is known on one link only", server), "use an address without a zone")
		case server.IsLoopback() || server.IsUnspecified() || server.IsMulticast():
			c.add(path+".dns", fmt.Sprintf("%s is each client itself, or nobody", server), "write the address by which clients reach the name server, such as that of this host in the VPN")
		}
	}
	if p.Domain != nil && !endpoint.IsHost(*p.Domain) {
		c.add(path+".domain", fmt.Sprintf("%q is no domain", *p.Domain), "write it as in corp.example.com")
	}
	for i, domain := range p.SearchDomains {
		if !endpoint.IsHost(domain) {
			c.add(fmt.Sprintf("%s.search_domains[%d]", path, i), fmt.Sprintf("%q is no domain", domain), "write it as in corp.example.com")
		}
	}
	s.checkLeaks(c, path, p)
	c.pushOptions(path+".options", p.Options)
}

// checkRoute checks a network that clients shall reach by the VPN.
func (s *Server) checkRoute(c *check, path string, network netip.Prefix) {
	switch {
	case network.Bits() == 0:
		c.add(path, fmt.Sprintf("%s is everything, the way to this server too", network), "use redirect_gateway = true")
		return
	case network.Addr().Is6() && s.Network6 == nil:
		c.add(path, fmt.Sprintf("%s can't be reached without IPv6 in the VPN", network), "set network6")
	case network.Addr().Is4() && s.Network == nil && s.Network6 != nil:
		c.add(path, fmt.Sprintf("%s can't be reached without IPv4 in the VPN", network), "set network")
	}
	for _, own := range []*netip.Prefix{s.Network, s.Network6} {
		inside := own != nil && own.IsValid() && own.Bits() <= network.Bits() && own.Contains(network.Addr())
		if inside && s.topology() == "subnet" {
			c.warn(path, fmt.Sprintf("%s is in the network of the VPN, which every client has a route to already", network), "leave it out")
		}
	}
}

// checkMeasured checks routes with a metric.
func (s *Server) checkMeasured(c *check, path string, p Push) {
	seen := slices.Clone(p.Routes)
	for _, r := range p.Measured {
		at := path + ".route." + r.Network
		network, err := netip.ParsePrefix(r.Network)
		switch {
		case err != nil || network.Addr().Zone() != "":
			c.add(at, fmt.Sprintf("%q is no network", r.Network), `write it as in route "10.7.0.0/16"`)
			continue
		case slices.Contains(seen, network.Masked()):
			c.add(at, fmt.Sprintf("there are two routes to %s", network), "make one of them")
		}
		seen = append(seen, network.Masked())
		c.masked(at, []netip.Prefix{network})
		s.checkRoute(c, at, network)
		c.between(at+".metric", r.Metric, 0, 9999)
	}
}

// checkExcluded checks networks that clients shall go on to reach past the VPN.
func (s *Server) checkExcluded(c *check, path string, p Push) {
	path += ".exclude_routes"
	c.masked(path, p.ExcludeRoutes)
	for _, network := range p.ExcludeRoutes {
		switch {
		case network.Addr().Is6():
			c.add(path, fmt.Sprintf("OpenVPN knows no gateway past the VPN for IPv6, so %s can't be excluded", network), "push routes to what is to be reached through the VPN instead")
		case network.Bits() == 0:
			c.add(path, "0.0.0.0/0 is everything", "leave redirect_gateway out, and name what is behind the server under routes")
		case slices.Contains(p.Routes, network):
			c.add(path, fmt.Sprintf("%s is among the routes too", network), "leave it out of one of them")
		}
	}
}

// checkLeaks checks what is to keep clients from leaking.
func (s *Server) checkLeaks(c *check, path string, p Push) {
	redirect := resource.Or(p.RedirectGateway, false)
	if resource.Or(p.BlockIPv6, false) && s.Network6 != nil {
		c.add(path+".block_ipv6", "the VPN has IPv6, which clients could not use then", "leave it out: with redirect_gateway IPv6 goes through the VPN; or leave network6 out")
	}
	if redirect && !resource.Or(p.BlockIPv6, true) && s.Network6 == nil {
		c.warn(path+".block_ipv6", "what clients send by IPv6 goes past the VPN", "leave it out, or set network6")
	}
	if resource.Or(p.BlockOutsideDNS, false) && len(p.DNS) == 0 && len(s.push().DNS) == 0 {
		c.warn(path+".block_outside_dns", "Windows asks the name servers of the VPN only, and there are none", "set dns")
	}
}

package openvpn

import (
	"fmt"
	"net/netip"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

func (s *Server) checkPush(c *check, path string, p Push) {
	c.Masked(path+".routes", p.Routes)
	for _, network := range p.Routes {
		s.checkRoute(c, path+".routes", network)
	}
	s.checkMeasured(c, path, p)
	s.checkExcluded(c, path, p)
	for _, server := range p.DNS {
		switch {
		case server.Zone() != "":
			c.Add(path+".dns", "use an address without a zone", "%s is known on one link only", server)
		case server.IsLoopback() || server.IsUnspecified() || server.IsMulticast():
			c.Add(path+".dns", "write the address by which clients reach the name server, such as that of this host in the VPN", "%s is each client itself, or nobody", server)
		}
	}
	if p.Domain != nil && !endpoint.IsHost(*p.Domain) {
		c.Add(path+".domain", "write it as in corp.example.com", "%q is no domain", *p.Domain)
	}
	for i, domain := range p.SearchDomains {
		if !endpoint.IsHost(domain) {
			c.Add(fmt.Sprintf("%s.search_domains[%d]", path, i), "write it as in corp.example.com", "%q is no domain", domain)
		}
	}
	s.checkLeaks(c, path, p)
	c.pushOptions(path+".options", p.Options)
}

// checkRoute checks a network that clients shall reach by the VPN.
func (s *Server) checkRoute(c *check, path string, network netip.Prefix) {
	switch {
	case network.Bits() == 0:
		c.Add(path, "use redirect_gateway = true", "%s is everything, the way to this server too", network)
		return
	case network.Addr().Is6() && s.Network6 == nil:
		c.Add(path, "set network6", "%s can't be reached without IPv6 in the VPN", network)
	case network.Addr().Is4() && s.Network == nil && s.Network6 != nil:
		c.Add(path, "set network", "%s can't be reached without IPv4 in the VPN", network)
	}
	for _, own := range []*netip.Prefix{s.Network, s.Network6} {
		if own != nil && resource.Within(network, *own) && s.topology() == "subnet" {
			c.Warn(path, "leave it out", "%s is in the network of the VPN, which every client has a route to already", network)
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
			c.Add(at, `write it as in route "10.7.0.0/16"`, "%q is no network", r.Network)
			continue
		case slices.Contains(seen, network.Masked()):
			c.Add(at, "make one of them", "there are two routes to %s", network)
		}
		seen = append(seen, network.Masked())
		c.Masked(at, []netip.Prefix{network})
		s.checkRoute(c, at, network)
		c.Between(at+".metric", r.Metric, 0, 9999)
	}
}

// checkExcluded checks networks that clients shall go on to reach past the VPN.
func (s *Server) checkExcluded(c *check, path string, p Push) {
	path += ".exclude_routes"
	c.Masked(path, p.ExcludeRoutes)
	for _, network := range p.ExcludeRoutes {
		switch {
		case network.Addr().Is6():
			c.Add(path, "push routes to what is to be reached through the VPN instead", "OpenVPN knows no gateway past the VPN for IPv6, so %s can't be excluded", network)
		case network.Bits() == 0:
			c.Add(path, "leave redirect_gateway out, and name what is behind the server under routes", "0.0.0.0/0 is everything")
		case slices.Contains(p.Routes, network):
			c.Add(path, "leave it out of one of them", "%s is among the routes too", network)
		}
	}
}

// checkLeaks checks what is to keep clients from leaking.
func (s *Server) checkLeaks(c *check, path string, p Push) {
	redirect := resource.Or(p.RedirectGateway, false)
	if resource.Or(p.BlockIPv6, false) && s.Network6 != nil {
		c.Add(path+".block_ipv6", "leave it out: with redirect_gateway IPv6 goes through the VPN; or leave network6 out", "the VPN has IPv6, which clients could not use then")
	}
	if redirect && !resource.Or(p.BlockIPv6, true) && s.Network6 == nil {
		c.Warn(path+".block_ipv6", "leave it out, or set network6", "what clients send by IPv6 goes past the VPN")
	}
	if resource.Or(p.BlockOutsideDNS, false) && len(p.DNS) == 0 && len(s.push().DNS) == 0 {
		c.Warn(path+".block_outside_dns", "set dns", "Windows asks the name servers of the VPN only, and there are none")
	}
}

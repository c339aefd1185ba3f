package openvpn

import (
	"net/netip"
	"strconv"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// Push is what clients are told to do.
type Push struct {
	Routes          []netip.Prefix `vpnd:"routes" doc:"networks that are behind the server"`
	Measured        []PushedRoute  `vpnd:"route,block" doc:"a network behind the server, with a metric; its label is the network"`
	ExcludeRoutes   []netip.Prefix `vpnd:"exclude_routes" doc:"IPv4 networks that clients go on to reach past the VPN, by the gateway of their own (net_gateway)"`
	DNS             []netip.Addr   `vpnd:"dns" doc:"name servers"`
	Domain          *string        `vpnd:"domain" doc:"domain that names without one are looked up in"`
	SearchDomains   []string       `vpnd:"search_domains" doc:"further domains that such names are looked up in (DOMAIN-SEARCH)"`
	RedirectGateway *bool          `vpnd:"redirect_gateway" doc:"send everything through the VPN; IPv6 too, or, without network6, nowhere, so that it does not leak; left out, no, or for a client what all are told"`
	BlockIPv6       *bool          `vpnd:"block_ipv6" doc:"let no packet of IPv6 leave a client, where the VPN has none; left out, so with redirect_gateway"`
	BlockOutsideDNS *bool          `vpnd:"block_outside_dns" doc:"have Windows ask no name server but by the VPN; left out, profiles say so where redirect_gateway and dns are set"`
	Options         []string       `vpnd:"options" doc:"further directives to push, one an entry"`
}

// PushedRoute is a network behind the server that clients may also reach otherwise.
type PushedRoute struct {
	Network string `vpnd:"network,label" doc:"the network"`
	Metric  *int   `vpnd:"metric,required" doc:"the metric of the route: of several to one network the lowest is taken"`
}

// writePush is for the server and for the files of its clients.
func (s *settings) writePush(d *directives, p Push) {
	for _, network := range p.Routes {
		d.add("push", routed(network))
	}
	for _, r := range p.Measured {
		network, err := netip.ParsePrefix(r.Network)
		if err != nil || network.Addr().Is6() && s.Network6 == nil {
			continue // which was told
		}
		gateway := "vpn_gateway"
		if network.Addr().Is6() {
			gateway = subnet.First(*s.Network6).String() // of a server, route-ipv6 takes no word here
		}
		d.add("push", routed(network)+" "+gateway+" "+strconv.Itoa(resource.Or(r.Metric, 0)))
	}
	for _, network := range p.ExcludeRoutes {
		d.add("push", routed(network)+" net_gateway")
	}
	s.writeRedirect(d, p)
	for _, server := range p.DNS {
		d.add("push", "dhcp-option DNS "+server.String())
	}
	if p.Domain != nil {
		d.add("push", "dhcp-option DOMAIN "+*p.Domain)
	}
	for _, domain := range p.SearchDomains {
		d.add("push", "dhcp-option DOMAIN-SEARCH "+domain)
	}
	if resource.Or(p.BlockOutsideDNS, false) {
		d.add("push", "block-outside-dns")
	}
	for _, option := range p.Options {
		d.add("push", option)
	}
}

// routed is a network as route and route-ipv6 have it.
func routed(network netip.Prefix) string {
	suffix, args := route(network)
	return "route" + suffix + " " + strings.Join(args, " ")
}

// decoy is an address for clients whose IPv6 goes nowhere: OpenVPN can only
// redirect a family that the tunnel has. It is the one of openvpn(8), under
// block-ipv6.
const decoy = "ifconfig-ipv6 fd15:53b6:dead::2/64 fd15:53b6:dead::1"

func (s *settings) writeRedirect(d *directives, p Push) {
	redirect, block := s.redirection(p)
	switch {
	case redirect && s.Network == nil:
		d.add("push", "redirect-gateway def1 ipv6 !ipv4")
	case redirect && (block || s.Network6 != nil):
		d.add("push", "redirect-gateway def1 ipv6")
	case redirect:
		d.add("push", "redirect-gateway def1")
	case block:
		d.add("push", "redirect-gateway !ipv4 ipv6")
	}
	if block {
		d.add("push", decoy)
		d.add("push", "block-ipv6")
	}
}

// redirection says whether everything is sent through the VPN, and whether IPv6, which
// that does not have, is sent nowhere.
func (s *settings) redirection(p Push) (redirect, block bool) {
	redirect = resource.Or(p.RedirectGateway, false)
	return redirect, s.Network6 == nil && resource.Or(p.BlockIPv6, redirect)
}

// writeOwnPush is for the file of one client: what it is told besides, and of what all
// are told the other way about that its block wants.
func (s *settings) writeOwnPush(d *directives, p Push) {
	all := s.push()
	if resource.Or(all.BlockOutsideDNS, false) && !resource.Or(p.BlockOutsideDNS, true) {
		d.add("push-remove", "block-outside-dns")
	}
	if p.RedirectGateway != nil || p.BlockIPv6 != nil {
		p = s.turned(d, all, p)
	}
	s.writePush(d, p)
}

// turned takes back how all are redirected, where a client shall be otherwise.
func (s *settings) turned(d *directives, all, p Push) Push {
	if p.RedirectGateway == nil {
		p.RedirectGateway = all.RedirectGateway
	}
	if p.BlockIPv6 == nil {
		p.BlockIPv6 = all.BlockIPv6
	}
	redirect, block := s.redirection(all)
	if own, blocked := s.redirection(p); (redirect || block) && (own != redirect || blocked != block) {
		d.add("push-remove", "redirect-gateway")
		if block {
			d.add("push-remove", "block-ipv6")
			d.add("push-remove", "ifconfig-ipv6 fd15:") // the decoy; the directive alone would be any address
		}
	}
	return p
}

package profile

import (
	"math/bits"
	"net/netip"
	"strings"
)

// routing is what goes through the tunnel.
func (j *judge) routing(d directive) {
	args := d.args()
	switch d.name() {
	case "redirect-gateway", "redirect-private":
		j.Redirects = true
	case "route-nopull":
		j.NoRoutes = true
	case "pull-filter":
		switch {
		case len(args) != 2 || args[0] != "accept" && args[0] != "ignore" && args[0] != "reject":
			j.told.wrong(d.line, "this is no filter", `write it as in pull-filter ignore "route 10.9."`)
		case args[0] == "accept":
			j.told.wrong(d.line, "what a server may change on this host is for the block to say, and not for the profile", "delete it, and write accept_routes or redirect_gateway there")
		default:
			j.keep(d)
		}
	default:
		j.route(d, args)
	}
}

// route judges one.
func (j *judge) route(d directive, args []string) {
	var network netip.Prefix
	var ok bool
	if d.name() == "route-ipv6" {
		network, ok = Network6(args)
		args = append([]string{""}, args...) // as of IPv4, which has a mask
	} else {
		network, ok = Network4(args)
	}
	switch {
	case !ok:
		j.told.wrong(d.line, "this is no route to a network", "write it as in route 10.0.0.0 255.255.0.0 or route-ipv6 fd00:1::/64")
	case Wide(network):
		j.Redirects = true
	case len(args) > 2 && args[2] == "net_gateway":
		j.keep(d) // which stays out of the tunnel
	case len(args) > 2 && args[2] != "vpn_gateway" && args[2] != "default":
		j.told.wrong(d.line, "this route has a next hop of its own", "delete that; what goes through the tunnel has none, and others are route blocks")
	default:
		j.Routes = append(j.Routes, network)
	}
}

// Wide says whether a network is so large that a route to it takes away what somebody
// reaches this host by: half of all addresses and the like.
func Wide(network netip.Prefix) bool { return network.Bits() < 8 }

// Network4 reads the arguments of a route.
func Network4(args []string) (netip.Prefix, bool) {
	if len(args) == 0 || len(args) > 4 {
		return netip.Prefix{}, false
	}
	addr, err := netip.ParseAddr(args[0])
	if err != nil || !addr.Is4() {
		return netip.Prefix{}, false
	}
	length := 32
	if len(args) > 1 && args[1] != "default" {
		mask, err := netip.ParseAddr(args[1])
		if err != nil || !mask.Is4() {
			return netip.Prefix{}, false
		}
		b := mask.As4()
		word := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		length = bits.LeadingZeros32(^word)
		if word != ^uint32(0)<<(32-length) {
			return netip.Prefix{}, false
		}
	}
	p := netip.PrefixFrom(addr, length)
	return p, p == p.Masked()
}

// Network6 reads the arguments of a route-ipv6.
func Network6(args []string) (netip.Prefix, bool) {
	if len(args) == 0 || len(args) > 3 {
		return netip.Prefix{}, false
	}
	text := args[0]
	if !strings.Contains(text, "/") {
		text += "/128"
	}
	p, err := netip.ParsePrefix(text)
	return p, err == nil && p.Addr().Is6() && !p.Addr().Is4In6() && p == p.Masked()
}

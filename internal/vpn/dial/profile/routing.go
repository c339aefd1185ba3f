package profile

import (
	"net/netip"

	"vpnd/internal/kind/openvpn"
)

// routing is what goes through the tunnel.
func (j *judge) routing(d Directive) {
	args := d.args()
	switch d.name() {
	case "redirect-gateway", "redirect-private":
		j.Redirects = d.Line
	case "route-nopull":
		j.NoRoutes = true
	case "pull-filter":
		switch {
		case len(args) != 2 || args[0] != "accept" && args[0] != "ignore" && args[0] != "reject":
			j.told.wrong(d.Line, "this is no filter", `write it as in pull-filter ignore "route 10.9."`)
		case args[0] == "accept":
			j.told.wrong(d.Line, "what a server may change on this host is for the block to say, and not for the profile", "delete it, and write accept_routes or redirect_gateway there")
		default:
			j.keep(d)
		}
	default:
		j.route(d, args)
	}
}

// route judges one.
func (j *judge) route(d Directive, args []string) {
	var network netip.Prefix
	var ok bool
	if d.name() == "route-ipv6" {
		network, ok = openvpn.Network6(args)
		args = append([]string{""}, args...) // as of IPv4, which has a mask
	} else {
		network, ok = openvpn.Network4(args)
	}
	switch {
	case !ok:
		j.told.wrong(d.Line, "this is no route to a network", "write it as in route 10.0.0.0 255.255.0.0 or route-ipv6 fd00:1::/64")
	case Wide(network):
		j.Redirects = d.Line
	case len(args) > 2 && args[2] == "net_gateway":
		j.keep(d) // which stays out of the tunnel
	case len(args) > 2 && args[2] != "vpn_gateway" && args[2] != "default":
		j.told.wrong(d.Line, "this route has a next hop of its own", "delete that; what goes through the tunnel has none, and others are route blocks")
	default:
		j.Routes = append(j.Routes, network)
	}
}

// Wide says whether a network is so large that a route to it takes away what somebody
// reaches this host by: half of all addresses and the like.
func Wide(network netip.Prefix) bool { return network.Bits() < 8 }

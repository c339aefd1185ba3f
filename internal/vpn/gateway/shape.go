// Package gateway turns a host into a router for networks behind it:
// forwarding, filter rules, address translation and an MSS clamp.
//
// What a gateway accepts stands in a chain at the top of FORWARD, so it works
// with a policy of DROP, as Docker leaves behind. What it refuses, connections
// opened from elsewhere into its networks and packets beyond what these may
// reach, stands in a chain at the bottom: another block, a tunnel for example,
// can still accept what it needs, in whatever order they are applied.
package gateway

import "net/netip"

// Gateway is a router for networks.
type Gateway struct {
	Uplink      *string        `vpnd:"uplink,required" doc:"the interface to the rest of the world"`
	Networks    []netip.Prefix `vpnd:"networks,required" doc:"the networks it serves, IPv4 and IPv6"`
	NAT         *string        `vpnd:"nat" doc:"how IPv4 leaves by the uplink: masquerade, a fixed address of this host, or false for as it is" default:"masquerade"`
	NAT6        *string        `vpnd:"nat6" doc:"the same for IPv6; left out, unique local networks (fc00::/7) are masqueraded and all others leave as they are"`
	Interfaces  []string       `vpnd:"interfaces" doc:"the interfaces the networks are behind, tun+ for all that begin with tun; left out, any but the uplink"`
	Reach       []netip.Prefix `vpnd:"reach" doc:"where the networks may open connections to; left out, everywhere"`
	Admit       []netip.Prefix `vpnd:"admit" doc:"who may open connections into the networks, besides the networks themselves; left out, nobody"`
	Isolate     *bool          `vpnd:"isolate" doc:"drop what is neither accepted here nor by another chain; with false it is left to the policy of FORWARD" default:"true"`
	Exempt      []netip.Prefix `vpnd:"exempt" doc:"networks to which addresses are not translated"`
	IPsecExempt *bool          `vpnd:"ipsec_exempt" doc:"do not translate what goes into an IPsec tunnel; needs xt_policy, which every kernel of a distribution has" default:"true"`
	MSSClamp    *bool          `vpnd:"mss_clamp" doc:"fit the segments of TCP to the path, so that no page hangs behind a tunnel" default:"true"`
	Priority    *int           `vpnd:"priority" doc:"which of vpnd's chains at one end of a hook comes first, as of a chain block; firewall blocks, with 200, come before" default:"300"`
	AcceptRA    *bool          `vpnd:"accept_ra" doc:"whether the uplink goes on learning its IPv6 routes from router advertisements, which forwarding otherwise stops; left out, not managed"`
}

package across

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/sysctl"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/ipsec/walls"
	"vpnd/internal/vpn/wireguard"
)

// wireguards finds what is wrong between WireGuard and gateways: one that leads into
// it, people who send everything to a host that passes nothing on, and a host that
// forgets its own way out.
func (r *review) wireguards(blocks []resource.Block) {
	for _, w := range of[wireguard.WireGuard](blocks) {
		for _, g := range r.gateways {
			if g.shape.Uplink != nil && *g.shape.Uplink == w.id.Name {
				r.intoTunnel(g, w.id)
			}
		}
		r.passedOn(w)
		r.advertised(w, blocks)
	}
}

func (r *review) passedOn(w block[wireguard.WireGuard]) {
	for _, own := range w.shape.Addresses {
		everything := slices.ContainsFunc(w.shape.Reach, func(n netip.Prefix) bool { return n.Bits() == 0 && n.Addr().Is6() == own.Addr().Is6() })
		if !everything || slices.ContainsFunc(r.gateways, func(g block[gateway.Gateway]) bool { return serves(g.shape, own.Masked()) }) {
			continue
		}
		r.add(w.id, resource.Mistake{
			Path: "reach", Summary: fmt.Sprintf("people in %s send everything here, and no gateway passes it on", own.Masked()),
			Hint:    fmt.Sprintf("add a gateway block with networks = %s.networks, unless somebody else forwards and translates it", w.id),
			Warning: true,
		})
	}
}

// advertised warns where WireGuard has IPv6 forwarded and nobody thought of what that
// does to the uplink. A gateway for IPv6 tells it by itself.
func (r *review) advertised(w block[wireguard.WireGuard], blocks []resource.Block) {
	six := func(n netip.Prefix) bool { return n.Addr().Is6() }
	thought := slices.ContainsFunc(r.gateways, func(g block[gateway.Gateway]) bool {
		return g.shape.AcceptRA != nil || slices.ContainsFunc(g.shape.Networks, six)
	}) || slices.ContainsFunc(of[sysctl.Sysctl](blocks), func(s block[sysctl.Sysctl]) bool { return strings.HasSuffix(s.id.Name, "accept_ra") })
	if w.shape.Forwards(true) && !thought {
		m := walls.Advertised()
		m.Path = "addresses"
		r.add(w.id, m)
	}
}

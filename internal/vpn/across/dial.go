package across

import (
	"fmt"
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial"
	"vpnd/internal/vpn/gateway"
)

// dials wants what a client leads to the other side not to be here.
func (r *review) dials(blocks []resource.Block) {
	for _, c := range of[dial.Client](blocks) {
		for _, route := range c.shape.Exports(c.id.Name).(*dial.Exports).Reach {
			for _, other := range blocks {
				if other.ID != c.id && r.ledAway(c, route, other) {
					break
				}
			}
		}
	}
}

// ledAway says whether a route takes away what another block has here: because it is as
// close or closer, or because the guard drops what does not go through the tunnel.
func (r *review) ledAway(c block[dial.Client], route netip.Prefix, other resource.Block) bool {
	for _, here := range networksHere(other) {
		m := resource.Mistake{Path: "routes"}
		switch {
		case !route.Overlaps(here):
			continue
		case route.Bits() >= here.Bits():
			m.Summary = fmt.Sprintf("%s leads through the tunnel, and is in %s of %s", route, here, other.ID)
			m.Hint = "packets of one would go to the other; give one of them another network"
		case resource.Or(c.shape.Guard, true):
			m.Summary = fmt.Sprintf("%s is within %s, of which the guard drops what does not go through the tunnel", here, route)
			m.Hint = fmt.Sprintf("name smaller networks in routes, without that of %s; or write guard = false", other.ID)
		default:
			continue
		}
		r.add(c.id, m)
		return true
	}
	return false
}

// networksHere are those that a block has on this side.
func networksHere(b resource.Block) []netip.Prefix {
	if g, ok := b.Shape.(*gateway.Gateway); ok {
		return g.Networks
	}
	var all []netip.Prefix
	if claimer, ok := b.Shape.(resource.Claimer); ok {
		for _, claim := range claimer.Claims(b.ID.Name) {
			if p, err := netip.ParsePrefix(claim.Value); err == nil && claim.Sort == "network" {
				all = append(all, p)
			}
		}
	}
	return all
}

package connection

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"vpnd/internal/resource"
)

// private are the networks that addresses in a VPN are of, unless the block says
// otherwise: RFC 1918, RFC 6598, RFC 4193.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// astray says what the address leads away that the server gave to this host, empty for
// nothing. With it comes a route to all of its network, before the ones that were there;
// OpenVPN filters what is pushed by how it begins, and so by no mask.
func (d device) astray(accept []netip.Prefix) string {
	if len(accept) == 0 {
		accept = private
	}
	for _, own := range d.networks {
		if own.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !slices.ContainsFunc(accept, func(p netip.Prefix) bool { return resource.Within(own, p) }) {
			return fmt.Sprintf("the server gave it an address of %s, which leads all of that through the tunnel; accept_addresses of the block says what it may", own)
		}
		for _, other := range slices.Sorted(maps.Keys(d.others)) {
			if at := slices.IndexFunc(d.others[other], own.Overlaps); at >= 0 {
				return fmt.Sprintf("the server gave it an address of %s, which overlaps with %s, the network of %s", own, d.others[other][at], other)
			}
		}
	}
	return ""
}

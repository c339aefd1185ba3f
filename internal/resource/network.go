package resource

import (
	"net/netip"
	"slices"
)

// special are networks that can't be anybody's own; see the registries of
// special-purpose addresses (RFC 6890).
var special = []struct {
	prefix netip.Prefix
	whose  string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "nobody"},
	{netip.MustParsePrefix("127.0.0.0/8"), "each host itself"},
	{netip.MustParsePrefix("169.254.0.0/16"), "one link"},
	{netip.MustParsePrefix("224.0.0.0/4"), "groups of hosts"},
	{netip.MustParsePrefix("240.0.0.0/4"), "nobody"},
	{netip.MustParsePrefix("::1/128"), "each host itself"},
	{netip.MustParsePrefix("fe80::/10"), "one link"},
	{netip.MustParsePrefix("ff00::/8"), "groups of hosts"},
}

// Special returns the special network that another one has to do with, and whose
// its addresses are; an invalid one where it is an ordinary network.
func Special(network netip.Prefix) (among netip.Prefix, whose string) {
	for _, s := range special {
		if network.Bits() > 0 && s.prefix.Overlaps(network) {
			return s.prefix, s.whose
		}
	}
	return netip.Prefix{}, ""
}

// Within says whether a network lies in another one, or is it.
func Within(network, outer netip.Prefix) bool {
	return network.Bits() >= outer.Bits() && outer.Contains(network.Addr())
}

// OfFamily returns those of IPv6, or else of IPv4.
func OfFamily(six bool, networks []netip.Prefix) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(networks), func(n netip.Prefix) bool { return n.Addr().Is6() != six })
}

package openvpn

import (
	"math/bits"
	"net/netip"
	"strings"
)

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

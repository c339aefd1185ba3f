// Package subnet reckons with networks and the addresses in them.
package subnet

import "net/netip"

// First is the first address of a network.
func First(network netip.Prefix) netip.Addr { return network.Masked().Addr().Next() }

// Last returns the last address of an IPv4 network, its broadcast address.
func Last(p netip.Prefix) netip.Addr {
	bytes := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(bytes)
}

// Mask writes the prefix length of an IPv4 network as OpenVPN wants it.
func Mask(p netip.Prefix) string {
	m := ^uint32(0) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
}

// Number is an IPv4 address as a number.
func Number(a netip.Addr) int {
	b := a.As4()
	return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
}

// Advance returns the address that lies n times 2^shift behind another one.
func Advance(a netip.Addr, n, shift int) netip.Addr {
	bytes := a.AsSlice()
	for carry, at := n<<(shift%8), len(bytes)-1-shift/8; carry > 0 && at >= 0; at-- {
		carry += int(bytes[at])
		bytes[at] = byte(carry)
		carry >>= 8
	}
	moved, _ := netip.AddrFromSlice(bytes)
	return moved
}

// Transpose returns the address that has the same place in one network as a has in
// another; false where it has none.
func Transpose(a netip.Addr, from, to netip.Prefix) (netip.Addr, bool) {
	place := a.AsSlice()
	for bit := range from.Bits() {
		place[bit/8] &^= 0x80 >> (bit % 8)
	}
	there := to.Masked().Addr().AsSlice()
	if len(there) != len(place) {
		return a, false
	}
	for bit := range to.Bits() {
		if place[bit/8]&(0x80>>(bit%8)) != 0 {
			return a, false
		}
	}
	for n := range there {
		there[n] |= place[n]
	}
	moved, _ := netip.AddrFromSlice(there)
	return moved, true
}

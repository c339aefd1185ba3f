package openvpn

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// networks returns the network of every process in one family, in the order of
// listen; those that can't be told are invalid.
func (s *Server) networks(six bool) []netip.Prefix {
	var all []netip.Prefix
	for n, listeners := range s.processes() {
		block := s.listenerBlock(listeners[0])
		whole, given := s.Network, block.Network
		if six {
			whole, given = s.Network6, block.Network6
		}
		if given == nil && whole != nil {
			given = resource.Ptr(s.part(*whole, n))
		}
		all = append(all, resource.Or(given, netip.Prefix{}))
	}
	return all
}

// part returns the n-th of the equal parts of a network, one a process; their number
// is a power of two.
func (s *Server) part(whole netip.Prefix, n int) netip.Prefix {
	bits := 0
	for 1<<bits < len(s.processes()) {
		bits++
	}
	bits += whole.Bits()
	if !whole.IsValid() || bits > whole.Addr().BitLen() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(subnet.Advance(whole.Masked().Addr(), n, whole.Addr().BitLen()-bits), bits)
}

// dynamic returns the first and the last address of the pool of the n-th process: of
// what groups leave of it the largest range.
func (s *Server) dynamic(n int) (first, last netip.Addr) {
	pool, network := s.pool(), s.networks(false)[n]
	for _, end := range []**netip.Addr{&pool.Start, &pool.End} {
		if *end != nil {
			there, _ := s.placed(**end, n)
			*end = &there
		}
	}
	return s.gap(pool.within(network))
}

// gap returns the largest range between two addresses in which no group has any; the
// first one of several alike. The last lies before the first where there is none.
func (s *Server) gap(first, last netip.Addr) (from, to netip.Addr) {
	var held []netip.Prefix
	if len(s.Groups) == 0 || !first.Is4() || !last.Is4() { // of what was complained of nothing more is told
		return first, last
	}
	for _, g := range s.Groups {
		if p := resource.Or(g.Network, netip.Prefix{}); p.Addr().Is4() && p.Addr().Compare(last) <= 0 && !subnet.Last(p).Less(first) {
			held = append(held, p.Masked())
		}
	}
	resource.Sort(held, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	from, to = first, first.Prev()
	begin, size := first, -1
	consider := func(end netip.Addr) {
		if room := subnet.Number(end) - subnet.Number(begin); room > size && room >= 0 {
			from, to, size = begin, end, room
		}
	}
	for _, p := range held {
		consider(p.Addr().Prev())
		begin = subnet.Last(p).Next()
	}
	consider(last)
	return from, to
}

// inPool says whether an address lies in the pool of a process.
func (s *Server) inPool(a netip.Addr) bool {
	for n := range s.processes() {
		if first, last := s.dynamic(n); !a.Less(first) && !last.Less(a) {
			return true
		}
	}
	return false
}

// placed returns the address in the network of the n-th process that has the place of
// a in the one that holds it; false where there is none.
func (s *Server) placed(a netip.Addr, n int) (netip.Addr, bool) {
	networks := s.networks(a.Is6())
	for _, from := range networks {
		if from.Contains(a) {
			return subnet.Transpose(a, from, networks[n])
		}
	}
	return a, false
}

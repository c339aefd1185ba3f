package openvpn

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// hasFile says whether the client needs a file of its own.
func (s *settings) hasFile(m member) bool {
	return m.block != nil || s.exclusive()
}

// clientConfig writes the file that the process reads when the client connects.
func (i *instance) clientConfig(m member) directives {
	var d directives
	c := resource.Or(m.block, Client{})
	if resource.Or(c.Disabled, false) {
		d.add("disable")
	}
	address, address6 := i.addresses(m)
	if address.IsValid() {
		d.add("ifconfig-push", address.String(), i.counterpart(address))
	}
	if address6.IsValid() {
		d.add("ifconfig-ipv6-push", netip.PrefixFrom(address6, i.network6.Bits()).String())
	}
	for _, p := range i.behind(m) {
		suffix, args := route(p)
		d.add("iroute"+suffix, args...)
	}
	i.writeOwnPush(&d, i.told(m))
	d.raw(c.Options)
	return d
}

// counterpart is what stands beside an address in ifconfig-push: the mask of
// the network, or the other end of the client's own link.
func (i *instance) counterpart(address netip.Addr) string {
	switch i.topology() {
	case "net30":
		return address.Prev().String()
	case "p2p":
		return subnet.First(i.network).String()
	default:
		return subnet.Mask(*i.Network)
	}
}

// exclusive says whether only those may come in who have a file. A CA elsewhere bars
// nobody before its next list is here, so there the configuration says who may.
func (s *Server) exclusive() bool { return resource.Or(s.CCDExclusive, false) || s.PKI.Outside }

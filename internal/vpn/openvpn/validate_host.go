package openvpn

import (
	"fmt"
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// own checks that a network can be one of a VPN.
func (c *check) own(path string, network netip.Prefix) {
	if among, whose := resource.Special(network); among.IsValid() {
		c.add(path, fmt.Sprintf("%s is among %s, the addresses of %s", network, among, whose), `choose one of the private networks, as in "10.8.0.0/24" or "fd00:8::/64"`)
	}
}

// checkRoom warns of more clients than there are addresses.
func (s *Server) checkRoom(c *check) {
	if s.MaxClients == nil || !s.hasNetwork() || s.failedPool() {
		return
	}
	first, last := s.dynamic(0)
	room := subnet.Number(last) - subnet.Number(first) + 1
	if s.topology() != "subnet" {
		room /= 4
	}
	for _, client := range s.Clients {
		if client.Address != nil && client.Address.Is4() && !s.inPool(*client.Address) {
			room++
		}
	}
	if *s.MaxClients > room {
		c.warn("max_clients", fmt.Sprintf("there are addresses for %d clients, so %d are never connected at once", room, *s.MaxClients), "use a larger network or pool, or a smaller number")
	}
}

// failedPool says whether the pool is one that was complained of.
func (s *Server) failedPool() bool {
	first, last := s.dynamic(0)
	return !first.Is4() || !last.Is4() || last.Less(first)
}

package openvpn

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

func (s *Server) checkClients(c *check) {
	if s.PKI == nil {
		return
	}
	given := make(map[netip.Addr]string)
	seen := make(map[string]bool)
	var behind []netip.Prefix
	for _, client := range s.Clients {
		path := "client." + client.Name
		if seen[client.Name] {
			c.Add(path, "make one of them", "there are two blocks for this client")
		}
		seen[client.Name] = true
		s.checkKnown(c, path, client.Name)
		s.checkMember(c, path, client)
		s.checkAddresses(c, path, client, given)
		behind = s.checkRoutes(c, path, client, behind)
		s.checkPush(c, path+".push", resource.Or(client.Push, Push{}))
		c.clientOptions(path+".options", client.Options)
	}
}

func (s *Server) checkKnown(c *check, path, name string) {
	if _, ok := s.PKI.Clients[name]; ok {
		return
	}
	if slices.Contains(s.PKI.Revoked, name) {
		if s.fingerprints() { // this block itself says so
			return
		}
		c.Warn(path, "delete the block, or give the client a new certificate (vpnd client add)", "the PKI has revoked this client, so its block does nothing")
		return
	}
	names := slices.Sorted(maps.Keys(s.PKI.Clients))
	hint := "add client " + fmt.Sprintf("%q", name) + " {} to the pki block"
	if len(names) > 0 && len(names) <= 20 {
		hint += "; it has " + strings.Join(names, ", ")
	}
	c.Add(path, hint, "the PKI has no client of this name")
}

func (s *Server) checkAddresses(c *check, path string, client Client, given map[netip.Addr]string) {
	for _, fixed := range []struct {
		path    string
		address *netip.Addr
	}{{path + ".address", client.Address}, {path + ".address6", client.Address6}} {
		if fixed.address == nil {
			continue
		}
		if other, ok := given[*fixed.address]; ok {
			c.Add(fixed.path, "give each client one of its own", "%s has the address %s already", other, fixed.address)
		}
		given[*fixed.address] = client.Name
	}
	if s.groupOf(&client) != nil {
		return
	}
	if client.Address != nil && s.hasNetwork() {
		s.checkAddress(c, path+".address", *client.Address)
	}
	switch a := resource.Or(client.Address6, netip.Addr{}); {
	case client.Address6 == nil:
	case s.Network6 == nil:
		c.Add(path+".address6", "set network6", "the VPN has no IPv6 network")
	case !s.Network6.Contains(a):
		c.Add(path+".address6", "choose an address inside", "%s lies outside of the network %s", a, s.Network6)
	default:
		s.checkAddress6(c, path+".address6", a)
	}
}

func (s *Server) checkAddress6(c *check, path string, a netip.Addr) {
	for n, own := range s.networks(true) {
		if a == own.Masked().Addr() || a == subnet.First(own) {
			c.Add(path, "choose another one", "%s is the address of the server or of the network", a)
		}
		if _, ok := s.placed(a, n); !ok && own.IsValid() {
			c.Add(path, "choose an address in a part, nearer to its beginning, or make the parts alike", "%s has no counterpart in %s, the part of another listener", a, own)
		}
	}
}

func (s *Server) checkAddress(c *check, path string, address netip.Addr) {
	before := len(c.Found)
	c.host(path, s, address)
	if len(c.Found) > before {
		return
	}
	if bytes := address.As4(); s.topology() == "net30" && bytes[3]%4 != 2 {
		c.Add(path, "choose an address that leaves 2 when divided by 4, such as .6 or .10", "with net30, %s is not the client's end of a /30", address)
	}
	if s.topology() == "subnet" && s.inPool(address) {
		first, last := s.dynamic(0)
		c.Warn(path, "set start or end of the pool so that fixed addresses lie outside", "%s lies in the pool from %s to %s, so another client may have it first", address, first, last)
	}
}

// checkRoutes returns all networks behind clients so far.
func (s *Server) checkRoutes(c *check, path string, client Client, behind []netip.Prefix) []netip.Prefix {
	path += ".routes"
	c.Masked(path, client.Routes)
	for _, p := range client.Routes {
		if p.Addr().Is6() && s.Network6 == nil {
			c.Add(path, "set network6", "%s can't be reached without IPv6 in the VPN", p)
		}
		if p.Addr().Is4() && s.Network == nil && s.Network6 != nil {
			c.Add(path, "set network", "%s can't be reached without IPv4 in the VPN", p)
		}
		if p.Bits() == 0 {
			c.Add(path, "name the networks behind this client", "%s is everything, and this server would lose its own way out", p)
			continue
		}
		for _, other := range append([]netip.Prefix{resource.Or(s.Network, netip.Prefix{}), resource.Or(s.Network6, netip.Prefix{})}, behind...) {
			if other.IsValid() && other.Overlaps(p) {
				c.Add(path, "a network can be behind one client only, and not be the VPN itself", "%s overlaps with %s, which is somewhere else", p, other)
			}
		}
		behind = append(behind, p)
	}
	return behind
}

// own checks that a network can be one of a VPN.
func (c *check) own(path string, network netip.Prefix) {
	if among, whose := resource.Special(network); among.IsValid() {
		c.Add(path, `choose one of the private networks, as in "10.8.0.0/24" or "fd00:8::/64"`, "%s is among %s, the addresses of %s", network, among, whose)
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
		c.Warn("max_clients", "use a larger network or pool, or a smaller number", "there are addresses for %d clients, so %d are never connected at once", room, *s.MaxClients)
	}
}

// failedPool says whether the pool is one that was complained of.
func (s *Server) failedPool() bool {
	first, last := s.dynamic(0)
	return !first.Is4() || !last.Is4() || last.Less(first)
}

package wireguard

import (
	"fmt"
	"net/netip"
	"slices"

	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

// taken are what two peers can't both have.
type taken struct {
	names, keys map[string]string
	addresses   map[netip.Addr]string
	networks    map[netip.Prefix]string
}

func (w *WireGuard) checkPeers(c *check, name string) {
	t := taken{make(map[string]string), make(map[string]string), make(map[netip.Addr]string), make(map[netip.Prefix]string)}
	for _, p := range w.Addresses {
		t.addresses[p.Addr()] = "this host"
	}
	for _, p := range w.Peers {
		path := "peer." + p.Name
		if !isPeer.MatchString(p.Name) {
			c.Add(path, "use at most 15 letters, digits, dots, dashes and underscores: wg-quick names the interface after its profile", "%q can't be the name of a peer", p.Name)
			continue
		}
		if t.names[p.Name] != "" {
			c.Add(path, "make one of them", "there are two peers of this name")
		}
		t.names[p.Name] = p.Name
		w.checkPeer(c, path, p)
		if p.PublicKey != nil {
			w.checkKey(c, path+".public_key", p, t.keys)
		}
		if p.revoked() {
			continue // nothing of it is in use
		}
		w.checkAddress(c, path+".address", p, p.Address, false, t.addresses)
		w.checkAddress(c, path+".address6", p, p.Address6, true, t.addresses)
		w.checkNetworks(c, path, p, t.networks)
	}
}

func (w *WireGuard) checkPeer(c *check, path string, p Peer) {
	if len(p.addresses()) == 0 && !p.revoked() {
		switch {
		case p.madeHere():
			c.Add(path, w.wayIn(), "it is neither a person, who has an address, nor another site, which has a key")
		case len(p.Networks) == 0:
			c.Add(path, w.wayIn()+", or networks", "it has neither an address nor networks, so that nothing could be sent to it")
		}
	}
	if p.Endpoint != nil {
		c.Found = append(c.Found, kind.BadEndpoint(path+".endpoint", *p.Endpoint)...)
		w.checkLoop(c, path+".endpoint", p)
	}
	if p.Keepalive != nil {
		c.Found = append(c.Found, kind.BadKeepalive(path+".keepalive", *p.Keepalive)...)
	}
	c.Path(path+".psk_file", p.PSKFile)
	if p.PSKFile != nil && resource.Or(p.PSK, false) {
		c.Add(path+".psk", "leave psk or psk_file out", "the shared key is made here, and stands in a file of others too")
	}
}

// wayIn is what a person needs: an address that is free.
func (w *WireGuard) wayIn() string {
	const keys = "write public_key, which wg pubkey prints there, for another site"
	attribute, address := w.free()
	if !address.IsValid() {
		return keys
	}
	return fmt.Sprintf("write %s = %q, which is free, for a person; %s", attribute, address, keys)
}

// free returns the first address of the VPN that nobody has, and the attribute of a
// peer that it is for; an invalid one where all are taken.
func (w *WireGuard) free() (attribute string, address netip.Addr) {
	taken := make(map[netip.Addr]bool)
	for _, p := range w.Addresses {
		taken[p.Addr()] = true
	}
	for _, p := range w.Peers {
		for _, a := range p.addresses() {
			taken[a.Addr()] = true
		}
	}
	for _, p := range w.Addresses {
		for a := p.Masked().Addr().Next(); p.Contains(a) && !wholeNetwork(a, p); a = a.Next() {
			if !taken[a] {
				return map[bool]string{false: "address", true: "address6"}[a.Is6()], a
			}
		}
	}
	return "", netip.Addr{}
}

func (w *WireGuard) checkKey(c *check, path string, p Peer, keys map[string]string) {
	if bad := kind.BadPublicKey(*p.PublicKey); bad != "" {
		c.Add(path, "write the 44 characters that wg pubkey prints on the other side", "%s", bad)
		return
	}
	if other := keys[*p.PublicKey]; other != "" {
		c.Add(path, "each peer has a key of its own: WireGuard knows it by nothing else", "the peer %s has this key already", other)
	}
	keys[*p.PublicKey] = p.Name
}

func (w *WireGuard) checkAddress(c *check, path string, p Peer, a *netip.Addr, six bool, given map[netip.Addr]string) {
	if a == nil {
		return
	}
	i := slices.IndexFunc(w.Addresses, func(n netip.Prefix) bool { return n.Contains(*a) })
	switch {
	case a.Is6() != six || a.Is4In6() || a.Zone() != "":
		c.Add(path, "address takes one of IPv4, address6 one of IPv6", "%s is an address of the other family, or of one link", a)
		return
	case i < 0 && len(w.Addresses) == 0: // which was told
	case i < 0:
		c.Add(path, "choose an address inside", "%s lies outside of the networks of the VPN, %s", a, list(w.own()))
	case wholeNetwork(*a, w.Addresses[i]):
		c.Add(path, "choose an address between the first and the last", "%s stands for the whole network", a)
	case given[*a] != "":
		c.Add(path, "give each peer one of its own", "%s has the address %s already", given[*a], a)
	}
	given[*a] = p.Name
}

// checkNetworks wants each network to be behind one peer: WireGuard sends a packet to
// one of them, and the kernel takes a network from the other without a word.
func (w *WireGuard) checkNetworks(c *check, path string, p Peer, behind map[netip.Prefix]string) {
	path += ".networks"
	c.Masked(path, p.Networks)
	for i, n := range p.Networks {
		if n.Bits() == 0 && resource.Or(w.Routes, true) {
			c.Add(path, "name the networks behind this peer, or write routes = false and lead what shall go there by route blocks with a table", "%s is everything, and this host would lose its own way out", n)
		}
		for _, o := range w.own() {
			if o.Overlaps(n) && n.Bits() > 0 {
				c.Add(path, "name what is behind the peer; its own address is for address", "%s overlaps with %s, the network of the VPN", n, o)
			}
		}
		for o, other := range behind {
			if o.Overlaps(n) && (o.Bits() > 0 && n.Bits() > 0 || o == n) {
				c.Add(path, "a network is behind one peer; WireGuard sends each packet to one of them", "%s overlaps with %s, which is behind %s", n, o, other)
			}
		}
		for _, o := range p.Networks[:i] {
			if o.Overlaps(n) && o.Bits() > 0 && n.Bits() > 0 {
				c.Add(path, "keep the larger of them", "%s and %s overlap", o, n)
			}
		}
	}
	for _, n := range p.Networks {
		behind[n] = p.Name
	}
}

// checkLoop wants the way to a peer not to lead through the tunnel to it.
func (w *WireGuard) checkLoop(c *check, path string, p Peer) {
	to, err := netip.ParseAddrPort(*p.Endpoint)
	if err != nil || !resource.Or(w.Routes, true) {
		return
	}
	for _, n := range slices.Concat(p.Networks, w.own()) {
		if n.Bits() > 0 && n.Contains(to.Addr()) {
			c.Add(path, "write where it is found outside of the tunnel, or leave that address out of networks", "%s lies in %s, so that the way to the peer would lead through the tunnel to it", to.Addr(), n)
		}
	}
}

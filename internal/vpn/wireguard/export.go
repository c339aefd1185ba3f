package wireguard

import (
	"fmt"
	"net/netip"

	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

// Exports is what other blocks may know of it.
type Exports struct {
	Name      string         `vpnd:"name"`
	Network   netip.Prefix   `vpnd:"network" doc:"the network of the VPN, the IPv4 one where there are several"`
	Network6  *netip.Prefix  `vpnd:"network6" doc:"the IPv6 network of the VPN"`
	Networks  []netip.Prefix `vpnd:"networks" doc:"all networks of the VPN"`
	Remote    []netip.Prefix `vpnd:"remote_networks" doc:"networks behind peers"`
	Dev       string         `vpnd:"dev" doc:"its interface"`
	Protocol  string         `vpnd:"protocol" doc:"udp"`
	Port      int            `vpnd:"port" doc:"the port it listens on"`
	PublicKey string         `vpnd:"public_key_file" doc:"path of its public key"`
	Profiles  string         `vpnd:"profiles" doc:"directory of the profiles, empty where there are none"`
	Tunnel    string         `vpnd:"tunnel" doc:"the address of the resource that knows how it stands"`
}

// Exports tells other blocks where things are.
func (w *WireGuard) Exports(name string) any {
	s := settings{w, name}
	e := &Exports{
		Name: name, Networks: w.own(), Remote: w.behind(""), Dev: name, Protocol: "udp", Port: w.listen(), PublicKey: s.key() + ".pub",
		Profiles: s.profiles(), Tunnel: id(kind.Kind, name).String(),
	}
	for _, n := range w.own() {
		if n.Addr().Is6() && e.Network6 == nil {
			e.Network6 = &n
		}
		if !e.Network.IsValid() || n.Addr().Is4() && e.Network.Addr().Is6() {
			e.Network = n
		}
	}
	return e
}

// Claims tells what no other block may have: the port, the interface, the networks of
// the VPN and those behind its peers.
func (w *WireGuard) Claims(name string) []resource.Claim {
	claims := []resource.Claim{
		{Sort: "listener", Value: fmt.Sprintf("udp/%d", w.listen()), Path: "listen"},
		{Sort: "device", Value: name, Path: ""},
	}
	for _, n := range w.own() {
		claims = append(claims, resource.Claim{Sort: "network", Value: n.String(), Path: "addresses"})
	}
	for _, p := range w.Peers {
		for _, n := range p.Networks {
			if n.Bits() > 0 {
				claims = append(claims, resource.Claim{Sort: "network", Value: n.String(), Path: "peer." + p.Name + ".networks"})
			}
		}
	}
	return claims
}

// Enrolled tells which people may come in.
func (w *WireGuard) Enrolled() resource.Enrollment {
	people := make(map[string]bool)
	for _, p := range w.Peers {
		if p.madeHere() {
			people[p.Name] = !p.revoked()
		}
	}
	attribute, address := w.free()
	e := resource.Enrollment{Block: "peer", Revoked: "revoked", People: people}
	if address.IsValid() {
		e.With, e.Value = attribute, address.String()
	}
	return e
}

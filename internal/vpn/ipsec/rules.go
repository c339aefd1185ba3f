package ipsec

import (
	"net/netip"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

// wall is the firewall around the tunnel.
func (t *Tunnel) wall(name string) (*walls.Walls, error) {
	w := &walls.Walls{
		Name: name, Flows: t.flows(name), Bound: t.bound(), Hosts: t.mode() == transport,
		Guard: resource.Or(t.Guard, true), Firewall: resource.Or(t.Firewall, true), NATExempt: resource.Or(t.NATExempt, true),
	}
	if t.peer().IsValid() {
		w.Peers = []netip.Addr{t.peer()}
	}
	if t.mode() == route {
		w.Interfaces = []string{t.Interface.Name}
	}
	if !resource.Or(t.MSSClamp, true) {
		return w, nil
	}
	esp, err := t.proposals(name)
	path := proposal.Path{MTU: resource.Or(t.PathMTU, 0), Six: t.outerSix(), UDP: t.translated(), Bare: t.mode() == transport}
	w.MSS, w.MSS6 = proposal.MSS(esp, path, false), proposal.MSS(esp, path, true)
	return w, err
}

func (t *Tunnel) outerSix() bool { return t.peer().Is6() || t.bound().Is6() }

// Package across finds what is wrong between blocks that are each right by
// themselves: a gateway whose uplink is the device of a VPN, a VPN that sends
// everything to a host which passes nothing on.
package across

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/firewall"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/ipsec"
	"vpnd/internal/vpn/openvpn"
)

// Review returns what is wrong between the blocks of a configuration.
func Review(blocks []resource.Block) []resource.Finding {
	r := &review{
		servers: of[openvpn.Server](blocks), gateways: of[gateway.Gateway](blocks), firewalls: of[firewall.Firewall](blocks),
		sites: of[ipsec.Tunnel](blocks),
	}
	for i, g := range r.gateways {
		r.uplink(g)
		for _, other := range r.gateways[:i] {
			r.apart(g, other)
		}
	}
	for _, s := range r.servers {
		r.redirected(s)
		r.walled(s)
		r.offloaded(s, of[link.Tun](blocks))
	}
	r.tunnels(blocks)
	r.secrets(blocks)
	r.wireguards(blocks)
	r.dials(blocks)
	return r.found
}

// A block is one of a kind, with its name.
type block[T any] struct {
	id    resource.ID
	shape *T
}

func of[T any](blocks []resource.Block) []block[T] {
	var some []block[T]
	for _, b := range blocks {
		if shape, ok := b.Shape.(*T); ok {
			some = append(some, block[T]{b.ID, shape})
		}
	}
	return some
}

type review struct {
	servers   []block[openvpn.Server]
	gateways  []block[gateway.Gateway]
	firewalls []block[firewall.Firewall]
	sites     []block[ipsec.Tunnel]
	found     []resource.Finding
}

func (r *review) add(id resource.ID, m resource.Mistake) {
	r.found = append(r.found, resource.Finding{Block: id, Mistake: m})
}

// uplink wants a gateway to lead out of the VPN and not back into it.
func (r *review) uplink(g block[gateway.Gateway]) {
	for _, s := range r.servers {
		devs := s.shape.Exports(s.id.Name).(*openvpn.Exports).Devs
		if g.shape.Uplink != nil && slices.Contains(devs, *g.shape.Uplink) {
			r.add(g.id, resource.Mistake{
				Path: "uplink", Summary: fmt.Sprintf("%s is the device of %s, and leads to its clients", *g.shape.Uplink, s.id),
				Hint: "write the interface that leads to the rest of the world",
			})
		}
	}
}

// apart wants a network to have one gateway. Two by different uplinks may be
// meant, for two ways out.
func (r *review) apart(g, other block[gateway.Gateway]) {
	for _, network := range g.shape.Networks {
		i := slices.IndexFunc(other.shape.Networks, network.Overlaps)
		if i < 0 {
			continue
		}
		m := resource.Mistake{
			Path: "networks", Summary: fmt.Sprintf("%s is also served by %s, as %s", network, other.id, other.shape.Networks[i]),
			Hint: "what one of them refuses, the other may accept; make one gateway of both, unless there are two ways out",
		}
		m.Warning = g.shape.Uplink != nil && other.shape.Uplink != nil && *g.shape.Uplink != *other.shape.Uplink
		r.add(g.id, m)
		return
	}
}

// redirected wants what clients send here, since they are told to send all, to be
// passed on.
func (r *review) redirected(s block[openvpn.Server]) {
	push := s.shape.Push
	if push == nil || push.RedirectGateway == nil || !*push.RedirectGateway || s.shape.Network == nil {
		return
	}
	if slices.ContainsFunc(r.gateways, func(g block[gateway.Gateway]) bool { return serves(g.shape, *s.shape.Network) }) {
		return
	}
	r.add(s.id, resource.Mistake{
		Path: "push.redirect_gateway", Summary: "clients send everything here, and no gateway passes it on",
		Hint:    fmt.Sprintf("add a gateway block with networks = [%s.network], unless somebody else forwards and translates it", s.id),
		Warning: true,
	})
}

func serves(g *gateway.Gateway, network netip.Prefix) bool {
	return slices.ContainsFunc(g.Networks, func(p netip.Prefix) bool { return resource.Within(network, p) })
}

// walled wants a server that opens no port of its own to be let in by the firewall
// that drops what nobody accepts.
func (r *review) walled(s block[openvpn.Server]) {
	if s.shape.Firewall == nil || *s.shape.Firewall {
		return
	}
	for _, at := range s.shape.Ports() {
		for _, f := range r.firewalls {
			refuses := f.shape.InputDefault != nil && *f.shape.InputDefault != "return"
			if !refuses || r.opens(at.Protocol, at.Port) {
				continue
			}
			r.add(s.id, resource.Mistake{
				Path: "firewall", Summary: fmt.Sprintf("%s refuses packets to %s/%d, which no rule of a firewall block accepts", f.id, at.Protocol, at.Port),
				Hint:    "leave firewall out, or add " + strings.Join([]string{`an input rule with protocol = "` + at.Protocol + `"`, fmt.Sprintf(`ports = ["%d"]`, at.Port), `action = "accept"`}, ", "),
				Warning: true,
			})
			return
		}
	}
}

// opens says whether a rule of a firewall block lets somebody open a port.
func (r *review) opens(protocol string, port int) bool {
	return slices.ContainsFunc(r.firewalls, func(f block[firewall.Firewall]) bool { return f.shape.Admits(protocol, port) })
}

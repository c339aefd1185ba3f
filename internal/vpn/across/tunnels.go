package across

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/sysctl"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/ipsec"
	"vpnd/internal/vpn/ipsec/walls"
)

// A carrier is the shape of a block that carries traffic between networks by IPsec.
type carrier interface {
	Carries(name string) []walls.Flow
}

// carried is such a block with what it carries.
type carried struct {
	resource.Block
	flows []walls.Flow
}

// tunnels finds what is wrong between IPsec tunnels, and between them and others.
func (r *review) tunnels(blocks []resource.Block) {
	var before []carried
	for _, b := range blocks {
		if c, ok := b.Shape.(carrier); ok {
			now := carried{b, c.Carries(b.ID.Name)}
			r.apartFrom(now, before)
			r.elsewhere(now, blocks)
			before = append(before, now)
		}
	}
	if len(before) > 0 {
		r.unprotected(blocks)
		r.listens(before[0].Block, blocks)
	}
	r.interfaces(blocks)
	for i, s := range r.sites {
		r.admits(s)
		for _, other := range r.sites[:i] {
			r.toldApart(s, other)
		}
	}
}

// apartFrom wants packets to belong to one tunnel. Two may be meant, where one takes
// over from the other; only then somebody has to decide.
func (r *review) apartFrom(b carried, before []carried) {
	for _, other := range before {
		for _, f := range b.flows {
			i := slices.IndexFunc(other.flows, func(o walls.Flow) bool { return f.Local.Overlaps(o.Local) && f.Remote.Overlaps(o.Remote) })
			if i < 0 {
				continue
			}
			r.add(b.ID, resource.Mistake{
				Path: networksOf(b.Block), Summary: fmt.Sprintf("what goes from %s to %s may go through %s too, which carries %s to %s", f.Local, f.Remote, other.ID, other.flows[i].Local, other.flows[i].Remote),
				Hint:    "with policies the kernel takes whichever it finds first; name other networks, or let an ipsec_failover block decide",
				Warning: true,
			})
			break
		}
	}
}

// networksOf is the attribute that names the networks of the other side.
func networksOf(b resource.Block) string {
	if _, ok := b.Shape.(*ipsec.Tunnel); ok {
		return "remote.networks"
	}
	return "remote_networks"
}

// elsewhere wants the networks of the other side not to be those of a VPN of this
// host, to which their packets would go instead.
func (r *review) elsewhere(b carried, blocks []resource.Block) {
	for _, other := range blocks {
		claimer, ok := other.Shape.(resource.Claimer)
		if !ok || other.ID == b.ID {
			continue
		}
		for _, claim := range claimer.Claims(other.ID.Name) {
			network, err := netip.ParsePrefix(claim.Value)
			if claim.Sort != "network" || err != nil {
				continue
			}
			if i := slices.IndexFunc(b.flows, func(f walls.Flow) bool { return f.Remote.Overlaps(network) }); i >= 0 {
				r.add(b.ID, resource.Mistake{
					Path: networksOf(b.Block), Summary: fmt.Sprintf("%s of the other side overlaps with %s of %s", b.flows[i].Remote, network, other.ID),
					Hint: "packets of one would go to the other; give one of them another network",
				})
				return
			}
		}
	}
}

// interfaces wants a gateway to lead to the rest of the world and not into a tunnel.
func (r *review) interfaces(blocks []resource.Block) {
	for _, b := range blocks {
		if b.ID.Kind != "xfrm_interface" {
			continue
		}
		for _, g := range r.gateways {
			if g.shape.Uplink != nil && *g.shape.Uplink == b.ID.Name {
				r.intoTunnel(g, b.ID)
			}
		}
	}
}

func (r *review) intoTunnel(g block[gateway.Gateway], into resource.ID) {
	r.add(g.id, resource.Mistake{
		Path: "uplink", Summary: fmt.Sprintf("%s is %s, and leads to the other side of a tunnel", *g.shape.Uplink, into),
		Hint: "write the interface that leads to the rest of the world",
	})
}

// listens wants nobody to listen where charon does, be it at one address: IKE, RFC 7296,
// section 2, and what comes through translation, RFC 3948.
func (r *review) listens(tunnel resource.Block, blocks []resource.Block) {
	for _, b := range blocks {
		claimer, ok := b.Shape.(resource.Claimer)
		if !ok {
			continue
		}
		for _, claim := range claimer.Claims(b.ID.Name) {
			at, udp := strings.CutPrefix(claim.Value, "udp/")
			port := at[strings.LastIndex(at, ":")+1:]
			if claim.Sort == "listener" && udp && (port == "500" || port == "4500") {
				r.add(b.ID, resource.Mistake{
					Path: claim.Path, Summary: fmt.Sprintf("strongSwan listens on udp/%s, which %s needs", port, tunnel.ID),
					Hint: "choose another port",
				})
			}
		}
	}
}

// unprotected refuses switches that take IPsec off an interface. Amazon's sample for
// its VPN sets them on the one to the internet, which ends every tunnel by policy.
func (r *review) unprotected(blocks []resource.Block) {
	for _, b := range blocks {
		s, ok := b.Shape.(*sysctl.Sysctl)
		if !ok || resource.Or(s.Value, "0") == "0" {
			continue
		}
		dev, rest := strings.CutPrefix(strings.ReplaceAll(b.ID.Name, "/", "."), "net.ipv4.conf.")
		dev, key, _ := cutLast(dev)
		if !rest || key != "disable_policy" && key != "disable_xfrm" || ofTunnel(dev, blocks) {
			continue
		}
		r.add(b.ID, resource.Mistake{
			Path: "value", Summary: fmt.Sprintf("%s has %s ignore IPsec, so that tunnels by policy carry nothing, or let through what came in clear", key, dev),
			Hint: "take the block away; it is for interfaces of tunnels alone, and xfrm interfaces do without",
		})
	}
}

func cutLast(text string) (before, after string, found bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// ofTunnel says whether an interface is that of a tunnel.
func ofTunnel(dev string, blocks []resource.Block) bool {
	return strings.HasPrefix(dev, "vti") || strings.HasPrefix(dev, "ipsec") ||
		slices.ContainsFunc(blocks, func(b resource.Block) bool { return b.ID.Kind == "xfrm_interface" && b.ID.Name == dev })
}

// admits wants a tunnel that opens no port of its own to be let in by the firewall that
// drops what nobody accepts.
func (r *review) admits(s block[ipsec.Tunnel]) {
	if s.shape.Firewall == nil || *s.shape.Firewall {
		return
	}
	for _, f := range r.firewalls {
		refuses := f.shape.InputDefault != nil && *f.shape.InputDefault != "return"
		if !refuses || r.opens("udp", 500) && r.opens("udp", 4500) {
			continue
		}
		r.add(s.id, resource.Mistake{
			Path: "firewall", Summary: fmt.Sprintf("%s refuses packets to udp/500 and udp/4500, which no rule of a firewall block accepts", f.id),
			Hint:    `leave firewall out, or add an input rule with protocol = "udp", ports = ["500", "4500"], action = "accept", and one with protocol = "esp"`,
			Warning: true,
		})
		return
	}
}

// toldApart wants charon to know by the id of the peer which secret is its.
func (r *review) toldApart(s, other block[ipsec.Tunnel]) {
	a, b := s.shape.Identity(), other.shape.Identity()
	if s.shape.Certificate != nil || other.shape.Certificate != nil ||
		resource.Equal(s.shape.PSK, other.shape.PSK) && resource.Equal(s.shape.PSKFile, other.shape.PSKFile) {
		return
	}
	open, closed := other.id, a.Remote
	if a.Anybody() {
		open, closed = s.id, b.Remote
	}
	switch {
	case a.Anybody() != b.Anybody() && a.Local == b.Local:
		r.add(s.id, resource.Mistake{
			Path: "remote.id", Summary: fmt.Sprintf("whoever has the secret of %s may say to be %s too", open, closed),
			Hint:    fmt.Sprintf("write in %s who the other side is; or give this side another id in one of them", open),
			Warning: true,
		})
	case a.Anybody() != b.Anybody() || a.Remote != b.Remote || a.Anybody() && a.Local != b.Local:
	default:
		r.add(s.id, resource.Mistake{
			Path: "remote.id", Summary: fmt.Sprintf("%s is with the same id, %s, and has another secret, so that charon may try the wrong one", other.id, a.Remote),
			Hint: "give the other side an id of its own in one tunnel, or both tunnels the same secret; or make one tunnel with two child blocks",
		})
	}
}

package ipsec

import (
	"net/netip"
	"slices"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

// Modes of a tunnel.
const (
	policy    = "policy"
	route     = "route"
	transport = "transport"
)

const anybody = "%any"

func (t *Tunnel) mode() string { return resource.Or(t.Mode, policy) }

// peer returns the address of the other side, an invalid one where it is a name or
// not known.
func (t *Tunnel) peer() netip.Addr {
	if t.Remote == nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(resource.Or(t.Remote.Address, ""))
	return addr
}

// bound returns the address of this side, an invalid one where it is left out.
func (t *Tunnel) bound() netip.Addr {
	if t.Local == nil {
		return netip.Addr{}
	}
	return resource.Or(t.Local.Address, netip.Addr{})
}

// answers says whether this side can only wait for the peer.
func (t *Tunnel) answers() bool {
	return t.Remote != nil && resource.Or(t.Remote.Address, "") == anybody
}

// fixed says whether both addresses are known and stay.
func (t *Tunnel) fixed() bool { return t.peer().IsValid() && t.bound().IsValid() }

// translated says whether ESP is, or may be, wrapped in UDP: an address is
// translated on the way, which shows where a side calls itself by another one or
// only one of both is private.
func (t *Tunnel) translated() bool {
	other := func(id *string, addr netip.Addr) bool {
		says, err := netip.ParseAddr(resource.Or(id, ""))
		return err == nil && says != addr
	}
	return resource.Or(t.Encap, false) || !t.fixed() ||
		other(t.Local.ID, t.bound()) || other(t.Remote.ID, t.peer()) || t.bound().IsPrivate() != t.peer().IsPrivate()
}

// start returns what is done with a child SA once it is loaded.
func (t *Tunnel) start(c Child) string {
	switch {
	case c.Start != nil:
		return *c.Start
	case t.Start != nil:
		return *t.Start
	case t.answers():
		return "none"
	default:
		return "trap|start"
	}
}

// dpd returns what is done with a child SA when the peer is dead. One that this side
// began it begins again.
func (t *Tunnel) dpd(c Child) string {
	switch {
	case t.DPDAction != nil:
		return *t.DPDAction
	case t.start(c) == "none":
		return "clear"
	default:
		return "restart"
	}
}

// children returns the child SAs with all that they leave out.
func (t *Tunnel) children(name string) []Child {
	all := slices.Clone(t.Children)
	if len(all) == 0 {
		all = []Child{{Name: name}}
	}
	for i, c := range all {
		if c.Local == nil && t.Local != nil {
			all[i].Local = t.Local.Networks
		}
		if c.Remote == nil && t.Remote != nil {
			all[i].Remote = t.Remote.Networks
		}
		if c.ESP == nil {
			all[i].ESP = t.esp()
		}
		if c.RekeyTime == nil {
			all[i].RekeyTime = t.RekeyTime
		}
	}
	return all
}

func (t *Tunnel) ike() []string { return orDefault(t.IKE, proposal.DefaultIKE) }
func (t *Tunnel) esp() []string { return orDefault(t.ESP, proposal.DefaultESP) }

func orDefault(words []string, otherwise string) []string {
	if words == nil {
		return []string{otherwise}
	}
	return words
}

// flows returns each pair of networks; a side without networks is its host, where that
// has an address.
func (t *Tunnel) flows(name string) []walls.Flow {
	var all []walls.Flow
	for _, c := range t.children(name) {
		for _, l := range networks(c.Local, t.bound()) {
			for _, r := range networks(c.Remote, t.peer()) {
				all = append(all, walls.Flow{Local: l, Remote: r})
			}
		}
	}
	return all
}

func networks(given []netip.Prefix, host netip.Addr) []netip.Prefix {
	if len(given) == 0 && host.IsValid() {
		return []netip.Prefix{netip.PrefixFrom(host, host.BitLen())}
	}
	return given
}

// Carries returns what goes through the tunnel, as other blocks may mean it too.
func (t *Tunnel) Carries(name string) []walls.Flow { return t.flows(name) }

// forwards says whether packets of others go through, in that family.
func (t *Tunnel) forwards(name string, six bool) bool {
	w := walls.Walls{Flows: t.flows(name), Bound: t.bound(), Hosts: t.mode() == transport}
	return w.Forwards(six)
}

// proposals returns all proposals of ESP, on which Validate found nothing wrong.
func (t *Tunnel) proposals(name string) ([]proposal.Proposal, error) {
	var all []proposal.Proposal
	for _, c := range t.children(name) {
		for _, text := range c.ESP {
			p, err := proposal.Parse(proposal.ESP, text)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

// words returns proposals as swanctl reads them.
func words(use proposal.Use, texts []string) ([]string, error) {
	var all []string
	for _, text := range texts {
		p, err := proposal.Parse(use, text)
		if err != nil {
			return nil, err
		}
		all = append(all, p.String())
	}
	return all, nil
}

package aws

import (
	"context"
	"net/netip"
	"strings"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

// addWalls puts up one firewall for both tunnels: what goes through either may.
func (e *expansion) addWalls() error {
	w := &walls.Walls{
		Name: e.name, Bound: resource.Or(e.LocalAddress, netip.Addr{}), Uplink: *e.Uplink,
		Guard: resource.Or(e.Guard, true), Firewall: resource.Or(e.Firewall, true), NATExempt: resource.Or(e.NATExempt, true),
	}
	w.Flows = e.Carries(e.name)
	for _, t := range e.both {
		w.Peers = append(w.Peers, t.Outside)
		if e.mode() == route {
			w.Interfaces = append(w.Interfaces, t.name)
		}
	}
	esp, err := e.esp()
	if err != nil {
		return err
	}
	if resource.Or(e.MSSClamp, true) {
		w.MSS, w.MSS6 = proposal.MSS(esp, e.path(), false), proposal.MSS(esp, e.path(), true)
	}
	e.walls = w
	chains := w.Chains()
	e.resources = append(e.resources, chains...)
	for _, r := range chains {
		if r.ID.Kind == "chain" {
			e.chains = append(e.chains, r.ID)
		}
	}
	e.require()
	return nil
}

// require wants the uplink to be there where the first rule is about it.
func (e *expansion) require() {
	for i := range e.resources {
		if r := &e.resources[i]; r.ID.Kind == "chain" && strings.HasSuffix(r.ID.Name, "-I") {
			r.Requires = append(r.Requires, resource.Requirement{
				Path: "uplink",
				Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
					return link.Present(*e.Uplink, plan)
				},
			})
			return
		}
	}
}

func (e *expansion) path() proposal.Path {
	return proposal.Path{MTU: resource.Or(e.PathMTU, 0), Six: e.c.Tunnels[0].Outside.Is6(), UDP: e.translated(e.c)}
}

// esp returns the proposals of ESP of both tunnels.
func (e *expansion) esp() ([]proposal.Proposal, error) {
	var all []proposal.Proposal
	for _, t := range e.both {
		for _, text := range t.esp {
			p, err := proposal.Parse(proposal.ESP, text)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
}

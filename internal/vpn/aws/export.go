package aws

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

// Exports is what other blocks may know of the tunnels.
type Exports struct {
	Tunnel     string            `vpnd:"tunnel" doc:"the address of the resource that knows how the traffic stands; with BGP, that of the preferred tunnel"`
	Tunnels    map[string]string `vpnd:"tunnels" doc:"those of both tunnels, by Amazon's outside address"`
	Networks   []netip.Prefix    `vpnd:"networks" doc:"the networks of Amazon's side"`
	Interfaces []string          `vpnd:"interfaces" doc:"the interfaces of both tunnels, the preferred one first; none with policies"`
	FRR        string            `vpnd:"frr" doc:"the configuration of FRRouting; empty where routing is static"`
}

// Exports tells other blocks what goes through the tunnels.
func (v *VPN) Exports(name string) any {
	out := &Exports{Tunnel: id(kindFailover, name).String(), Tunnels: map[string]string{}, Networks: []netip.Prefix{}, Interfaces: []string{}}
	c, err := v.read()
	if err != nil {
		return out // a mistake in the document, which was told
	}
	out.Networks = append(out.Networks, v.remotes(c)...)
	both := v.tunnels(name, c)
	for _, t := range v.ordered(both) {
		out.Tunnels[t.Outside.String()] = id(kindConnection, t.name).String()
		if v.mode() == route {
			out.Interfaces = append(out.Interfaces, t.name)
		}
	}
	if !c.Static {
		out.Tunnel = id(kindConnection, v.ordered(both)[0].name).String()
		out.FRR = (&expansion{VPN: v, name: name, c: c, both: both}).frr()
	}
	return out
}

// Carries returns what goes through the tunnels, as other blocks may mean it too.
func (v *VPN) Carries(string) []walls.Flow {
	c, err := v.read()
	if err != nil {
		return nil
	}
	var all []walls.Flow
	for _, l := range v.LocalNetworks {
		for _, r := range v.remotes(c) {
			all = append(all, walls.Flow{Local: l, Remote: r})
		}
	}
	return all
}

// Claims tells what only one block may have: Amazon takes one pair of SAs a tunnel, and
// FRRouting has one configuration.
func (v *VPN) Claims(string) []resource.Claim {
	c, err := v.read()
	if err != nil {
		return nil
	}
	var all []resource.Claim
	for _, t := range c.Tunnels {
		all = append(all, resource.Claim{Sort: "tunnel of Amazon's to", Value: t.Outside.String(), Path: "configuration"})
	}
	if !c.Static && resource.Or(v.bgp().Configure, true) {
		all = append(all, resource.Claim{Sort: "configuration of FRRouting", Value: frrConf, Path: "bgp"})
	}
	return all
}

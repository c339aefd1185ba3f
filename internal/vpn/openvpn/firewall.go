package openvpn

import (
	"slices"
	"strconv"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

// addFirewall accepts packets to where the server listens, in the families in
// which it does, with one chain for all of its processes. It stands at the top of
// INPUT and harms nobody where everything is accepted anyway.
func (e *expansion) addFirewall() {
	if !resource.Or(e.Firewall, true) {
		return
	}
	e.addIPTables()
	for _, family := range []string{"ip", "ip6"} {
		var rules []string
		for _, l := range e.everywhere() {
			if slices.Contains(l.Families(), family) {
				rules = append(rules, accepted(l))
			}
		}
		if len(rules) == 0 {
			continue
		}
		wall := id("chain", family+"/filter/VPND-OVPN-"+e.name)
		e.add(wall, &chain.Chain{Hook: resource.Ptr("INPUT"), At: resource.Ptr("top"), Priority: resource.Ptr(chain.Listener), Rules: rules}, iptables)
		e.walls = append(e.walls, wall)
	}
}

var iptables = id("package", "iptables")

// addIPTables adds what chains are made with, which Debian doesn't install by itself.
func (e *expansion) addIPTables() {
	if !slices.ContainsFunc(e.resources, func(r resource.Resource) bool { return r.ID == iptables }) {
		e.add(iptables, &pkg.Package{Installed: resource.Ptr(true)})
	}
}

// accepted is the rule that lets packets to the listener in.
func accepted(l endpoint.Listener) string {
	rule := "-p " + l.Transport() + " -m " + l.Transport() + " --dport " + strconv.Itoa(int(l.Port)) + " -j ACCEPT"
	if l.Address.IsValid() {
		rule = "-d " + l.Address.String() + " " + rule
	}
	return rule
}

package openvpn

import (
	"slices"
	"strconv"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// addFirewall accepts packets to where the server listens, in the families in
// which it does, with one chain for all of its processes. It stands at the top of INPUT and harms nobody where
// everything is accepted anyway.
func (e *expansion) addFirewall() {
	if !resource.Or(e.Firewall, true) {
		return
	}
	iptables := id("package", "iptables") // Debian doesn't install it by itself
	e.add(iptables, &pkg.Package{Installed: resource.Ptr(true)})
	for _, family := range []string{"ip", "ip6"} {
		var rules []string
		for _, i := range e.instances {
			if slices.Contains(i.listener.families(), family) {
				rules = append(rules, i.listener.accepted())
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

// accepted is the rule that lets packets to the listener in.
func (l listener) accepted() string {
	rule := "-p " + l.transport() + " -m " + l.transport() + " --dport " + strconv.Itoa(int(l.port)) + " -j ACCEPT"
	if l.address.IsValid() {
		rule = "-d " + l.address.String() + " " + rule
	}
	return rule
}

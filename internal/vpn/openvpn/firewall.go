package openvpn

import (
	"strconv"
	"strings"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// addFirewall accepts packets to where the server listens, in the families in
// which it does. The chain stands at the top of INPUT and harms nobody where
// everything is accepted anyway.
func (e *expansion) addFirewall() {
	if !resource.Or(e.Firewall, true) {
		return
	}
	iptables := id("package", "iptables") // Debian doesn't install it by itself
	e.add(iptables, &pkg.Package{Installed: resource.Ptr(true)})
	l := e.listen
	for _, family := range l.families() {
		rule := "-p " + l.transport() + " -m " + l.transport() + " --dport " + strconv.Itoa(int(l.port)) + " -j ACCEPT"
		if l.address.IsValid() {
			rule = "-d " + l.address.String() + " " + rule
		}
		wall := id("chain", family+"/filter/VPND-OVPN-"+e.name)
		e.add(wall, &chain.Chain{Hook: resource.Ptr("INPUT"), At: resource.Ptr("top"), Priority: resource.Ptr(chain.Listener), Rules: []string{rule}}, iptables)
		e.walls = append(e.walls, wall)
	}
}

// families returns those the listener takes packets of: a socket for IPv6
// without an address takes both.
func (l listener) families() []string {
	switch {
	case !strings.HasSuffix(l.protocol, "6"):
		return []string{"ip"}
	case l.address.IsValid():
		return []string{"ip6"}
	default:
		return []string{"ip", "ip6"}
	}
}

package wireguard

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/sysctl"
	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

// prefix begins the names of the chains.
const prefix = "VPND-WG-"

// addWalls adds the rules of each family. What leaves by the interface leaves by no
// uplink, so that no gateway translates its addresses.
func (e *expansion) addWalls() {
	e.walls = make(map[bool][]resource.ID)
	iptables := id("package", "iptables") // Debian doesn't install it by itself
	e.add(iptables, &pkg.Package{Installed: resource.Ptr(true)})
	for _, six := range []bool{false, true} {
		family := map[bool]string{false: "ip/", true: "ip6/"}[six]
		wall := func(table, suffix, hook, at string, priority int, rules []string) {
			if len(rules) == 0 {
				return
			}
			it := id("chain", family+table+"/"+prefix+e.name+suffix)
			r := e.add(it, &chain.Chain{Hook: &hook, At: &at, Priority: &priority, Rules: rules}, iptables)
			if len(e.walls[false])+len(e.walls[true]) == 0 {
				r.Requires = []resource.Requirement{{Met: e.unmade}}
			}
			e.walls[six] = append(e.walls[six], it)
		}
		if resource.Or(e.Guard, true) {
			wall("filter", "-O", "OUTPUT", "top", chain.Guard, e.kept(six))
			wall("filter", "-G", "FORWARD", "top", chain.Guard, e.guarded(six))
		}
		if resource.Or(e.Firewall, true) {
			wall("filter", "-I", "INPUT", "top", chain.Listener, []string{fmt.Sprintf("-p udp -m udp --dport %d -j ACCEPT", e.listen())})
			wall("filter", "", "FORWARD", "top", chain.Tunnel, e.accepted(six))
			wall("filter", "-END", "FORWARD", "bottom", chain.Tunnel, e.refused(six))
			wall("mangle", "", "FORWARD", "top", chain.Tunnel, e.clamped(six))
		}
	}
}

// unmade wants the interface that the rules name to be nobody else's, whose packets
// they would drop.
func (e *expansion) unmade(ctx context.Context, _ resource.Prospect) *resource.Mistake {
	return kind.Host().Foreign(ctx, e.name, e.key())
}

// kept returns what the filter drops of packets of this host itself that would leave
// in clear.
func (e *expansion) kept(six bool) []string {
	var rules []string
	for _, n := range resource.OfFamily(six, e.guardedNetworks()) {
		rules = append(rules, fmt.Sprintf("-d %s ! -o %s -j DROP", n, e.name))
	}
	if len(rules) == 0 {
		return nil
	}
	return append([]string{"-o lo -j RETURN"}, rules...)
}

// guarded returns what the filter drops of packets through this host: what would
// leave in clear, and what came so.
func (e *expansion) guarded(six bool) []string {
	var rules []string
	for _, n := range resource.OfFamily(six, e.guardedNetworks()) {
		rules = append(rules, fmt.Sprintf("-d %s ! -o %s -j DROP", n, e.name), fmt.Sprintf("-s %s ! -i %s -j DROP", n, e.name))
	}
	return rules
}

// guardedNetworks are those that nothing but the interface leads to. What is behind a
// site that is shut out stays closed: it would leave by the default route in clear.
func (e *expansion) guardedNetworks() []netip.Prefix {
	all := e.own()
	for _, p := range e.Peers {
		all = append(all, p.Networks...)
	}
	return slices.DeleteFunc(slices.Compact(slices.Clone(all)), func(n netip.Prefix) bool { return n.Bits() == 0 })
}

// accepted returns what the filter lets through: from peer to peer, and between
// peers and what they may reach here. What goes anywhere is for a gateway to say.
func (e *expansion) accepted(six bool) []string {
	if len(resource.OfFamily(six, e.remote())) == 0 {
		return nil
	}
	word := map[bool]string{true: "ACCEPT", false: "DROP"}[resource.Or(e.Between, true)]
	rules := []string{fmt.Sprintf("-i %s -o %[1]s -j %s", e.name, word)}
	for _, n := range resource.OfFamily(six, e.Reach) {
		if n.Bits() > 0 {
			rules = append(rules, fmt.Sprintf("-s %s -o %s -j ACCEPT", n, e.name), fmt.Sprintf("-d %s -i %s -j ACCEPT", n, e.name))
		}
	}
	return rules
}

// refused returns what the filter drops in the end: what nobody accepted.
func (e *expansion) refused(six bool) []string {
	if len(resource.OfFamily(six, e.remote())) == 0 {
		return nil
	}
	return []string{"-i " + e.name + " -j DROP", "-o " + e.name + " -j DROP"}
}

// clamped returns the rules of the MSS clamp. The kernel takes the smaller of both
// ways, so that it is right in each direction.
func (e *expansion) clamped(six bool) []string {
	if len(resource.OfFamily(six, e.remote())) == 0 {
		return nil
	}
	const clamp = " -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
	return []string{"-o " + e.name + clamp, "-i " + e.name + clamp}
}

// addForwarding switches forwarding on where something is passed on. It waits for the
// rules.
func (e *expansion) addForwarding() {
	for i, key := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if six := i == 1; e.Forwards(six) {
			e.add(id("sysctl", key), &sysctl.Sysctl{Value: resource.Ptr("1")}, e.walls[six]...)
		}
	}
}

// Forwards says whether packets of a family are passed on: between peers, or between
// them and networks here.
func (w *WireGuard) Forwards(six bool) bool {
	if len(resource.OfFamily(six, w.Reach))+len(resource.OfFamily(six, w.behind(""))) > 0 {
		return len(resource.OfFamily(six, w.remote())) > 0
	}
	return resource.Or(w.Between, true) && len(w.Peers) > 1 && len(resource.OfFamily(six, w.own())) > 0
}

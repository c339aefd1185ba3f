package dial

import (
	"fmt"
	"net/netip"
	"slices"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// prefix begins the names of the chains.
const prefix = "VPND-OVC-"

// addWalls adds the rules of each family. What leaves by the tunnel leaves by no uplink,
// so that no gateway translates its addresses.
func (e *expansion) addWalls() error {
	e.walls = make(map[bool][]resource.ID)
	if !resource.Or(e.Firewall, true) && !resource.Or(e.Guard, true) {
		return nil
	}
	iptables := id("package", "iptables") // Debian doesn't install it by itself
	e.add(iptables, &pkg.Package{Installed: resource.Ptr(true)})
	for _, six := range []bool{false, true} {
		wall := func(table, suffix, hook, at string, priority int, rules []string) {
			if len(rules) == 0 {
				return
			}
			it := id("chain", map[bool]string{false: "ip/", true: "ip6/"}[six]+table+"/"+prefix+e.name+suffix)
			e.add(it, &chain.Chain{Hook: &hook, At: &at, Priority: &priority, Rules: rules}, iptables)
			e.walls[six] = append(e.walls[six], it)
		}
		if resource.Or(e.Guard, true) {
			wall("filter", "-K", "OUTPUT", "top", chain.Guard, e.guarded(six, true))
			wall("filter", "-G", "FORWARD", "top", chain.Guard, e.guarded(six, false))
		}
		if resource.Or(e.Firewall, true) {
			wall("filter", "-O", "OUTPUT", "top", chain.Listener, e.outgoing(six))
			wall("filter", "-I", "INPUT", "top", chain.Listener, e.incoming(six))
			wall("filter", "", "FORWARD", "top", chain.Tunnel, e.passed(six))
			wall("filter", "-END", "FORWARD", "bottom", chain.Tunnel, e.refused())
			wall("mangle", "", "FORWARD", "top", chain.Tunnel, e.clamped(six))
		}
	}
	return nil
}

// guarded returns what the filter drops that would leave in clear, of this host itself
// or of others.
func (e *expansion) guarded(six, own bool) []string {
	var rules []string
	for _, n := range resource.OfFamily(six, e.networksBehindServer()) {
		rules = append(rules, fmt.Sprintf("-d %s ! -o %s -j DROP", n, e.dev()))
		if !own {
			rules = append(rules, fmt.Sprintf("-s %s ! -i %s -j DROP", n, e.dev()))
		}
	}
	if own && len(rules) > 0 {
		rules = append([]string{"-o lo -j RETURN"}, rules...)
	}
	return rules
}

// A way is to where packets of the tunnel itself go; without an address it is anywhere.
type way struct {
	address, protocol string
	port              uint16
}

// match fits packets whose address and port, of one end, are those of the way.
func (w way) match(address, port string) string {
	packets := fmt.Sprintf("-p %s -m %[1]s %s %d", w.protocol, port, w.port)
	if w.address != "" {
		packets = address + " " + w.address + " " + packets
	}
	return packets
}

// ways are those of one family. A name may stand for addresses of both.
func (e *expansion) ways(six bool) []way {
	var all []way
	for _, r := range e.reading.Remotes {
		w := way{protocol: r.Protocol, port: r.Port}
		if addr, err := netip.ParseAddr(r.Host); err == nil {
			if addr.Is6() != six {
				continue
			}
			w.address = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}

// outgoing returns what this host may send: to the server, and into the tunnel.
func (e *expansion) outgoing(six bool) []string {
	var rules []string
	for _, w := range e.ways(six) {
		rules = append(rules, w.match("-d", "--dport")+" -j ACCEPT")
	}
	return append(rules, "-o "+e.dev()+" -j ACCEPT")
}

// incoming returns what may come in: answers. What the other side opens to this host is
// for other rules to say.
func (e *expansion) incoming(six bool) []string {
	var rules []string
	for _, w := range e.ways(six) {
		rules = append(rules, w.match("-s", "--sport")+" -m conntrack --ctstate ESTABLISHED -j ACCEPT")
	}
	return append(rules, "-i "+e.dev()+" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
}

// passed returns what is forwarded: between the networks behind this host and the tunnel,
// both ways.
func (e *expansion) passed(six bool) []string {
	var rules []string
	for _, n := range resource.OfFamily(six, e.Networks) {
		rules = append(rules, fmt.Sprintf("-s %s -o %s -j ACCEPT", n, e.dev()), fmt.Sprintf("-d %s -i %s -j ACCEPT", n, e.dev()))
	}
	return rules
}

// refused returns what is dropped in the end: what nobody accepted. A gateway whose
// uplink the tunnel is accepts before.
func (e *expansion) refused() []string {
	return []string{"-i " + e.dev() + " -j DROP", "-o " + e.dev() + " -j DROP"}
}

// clamped returns the rules of the MSS clamp. The kernel takes the smaller of both ways,
// so that it is right in each direction.
func (e *expansion) clamped(six bool) []string {
	if len(resource.OfFamily(six, e.Networks)) == 0 {
		return nil
	}
	const clamp = " -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
	return []string{"-o " + e.dev() + clamp, "-i " + e.dev() + clamp}
}

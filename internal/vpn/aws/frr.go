package aws

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/file"
	"vpnd/internal/kind/frr"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

const (
	frrConf    = "/etc/frr/frr.conf"
	frrDaemons = "/etc/frr/daemons"
)

// daemons is /etc/frr/daemons: which programs of FRRouting run, and that none of them
// listens for anybody but this host on its terminal.
const daemons = `bgpd=yes
vtysh_enable=yes
zebra_options="  -A 127.0.0.1 -s 90000000"
bgpd_options="   -A 127.0.0.1"
staticd_options="-A 127.0.0.1"
`

func (v *VPN) bgp() *BGP {
	if v.BGP == nil {
		return &BGP{Packages: []string{"frr", "frr-pythontools"}}
	}
	return v.BGP
}

// addBGP has FRRouting learn and announce routes, where the block leaves it that.
func (e *expansion) addBGP() {
	b := e.bgp()
	if !resource.Or(b.Configure, true) {
		return
	}
	var after []resource.ID
	for _, name := range b.Packages {
		e.add(id("package", name), &pkg.Package{Installed: resource.Ptr(true)})
		after = append(after, id("package", name))
	}
	head := "# vpnd: aws_vpn." + e.name + "; what is changed here by hand is put back\n"
	service := id("unit", "frr.service")
	write := func(path, text string, validate []string) resource.ID {
		it := id("file", path)
		r := e.add(it, &file.File{
			Content: &text, Mode: resource.Ptr(resource.Mode(0o640)), Owner: resource.Ptr("frr"), Group: resource.Ptr("frr"), Validator: validate,
		}, after...)
		r.Requires = append(r.Requires, resource.Requirement{Path: "bgp.configure", Met: frr.Free(path)})
		return it
	}
	conf := write(frrConf, head+e.frr(), []string{"vtysh", "-C", "-f", "{}"})
	running := write(frrDaemons, head+daemons, nil)
	for _, t := range e.both {
		after = append(after, id(kindInterface, t.name))
	}
	r := e.add(service, &unit.Unit{Enabled: resource.Ptr(true), Active: resource.Ptr(true)}, append(after, conf, running)...)
	r.Triggers = []resource.Trigger{{On: conf, Do: resource.Reload}, {On: running, Do: resource.Restart}}
}

// addSpeakers lets Amazon's side speak BGP with this host, through the tunnels alone.
func (e *expansion) addSpeakers() {
	if !resource.Or(e.Firewall, true) {
		return
	}
	for _, six := range e.families() {
		var rules []string
		for _, t := range e.both {
			ours := t.Inside.Addr()
			if six {
				ours = t.Inside6.Addr()
			}
			rules = append(rules, fmt.Sprintf("-i %s -s %s -d %s -p tcp -m tcp --dport 179 -j ACCEPT", t.name, neighbor(t, six), ours))
		}
		it := id("chain", map[bool]string{false: "ip", true: "ip6"}[six]+"/filter/VPND-IPSEC-"+e.name+"-B")
		e.add(it, &chain.Chain{Hook: resource.Ptr("INPUT"), At: resource.Ptr("top"), Priority: resource.Ptr(chain.Listener), Rules: rules}, walls.IPTables)
		e.chains = append(e.chains, it)
	}
}

// frr is the configuration of FRRouting; see its user guide, BGP. Nothing is learned but
// networks of the VPC, and nothing announced but what is to be: a route that somebody
// leaks there leads nothing else away. Of two tunnels that are well, local preference has
// this side use the preferred one, and the MED asks Amazon to.
func (e *expansion) frr() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	first := e.ordered(e.both)[0]
	line("frr defaults traditional\nlog syslog informational\nservice integrated-vtysh-config\n!")
	announced := e.LocalNetworks
	if e.bgp().Announce != nil {
		announced = e.bgp().Announce
	}
	for _, six := range e.families() {
		for _, list := range []struct {
			name string
			of   []netip.Prefix
			more bool
		}{{"out", announced, false}, {"in", e.remotes(e.c), true}} {
			seq := 0
			for _, n := range of(list.of, six) {
				longer := ""
				if list.more && n.Bits() < n.Addr().BitLen() {
					longer = fmt.Sprintf(" le %d", n.Addr().BitLen())
				}
				seq += 5
				line("%s prefix-list %s seq %d permit %s%s", family(six), e.list(list.name, six), seq, n, longer)
			}
		}
	}
	line("!\nrouter bgp %d", first.ASN)
	line(" bgp router-id %s\n no bgp network import-check\n no bgp default ipv4-unicast", e.both[0].Inside.Addr())
	for _, six := range e.families() {
		for _, t := range e.both {
			keepalive, hold := e.timers(t)
			n := neighbor(t, six)
			line(" neighbor %s remote-as %d\n neighbor %s description %s, %s", n, t.PeerASN, n, t.name, t.Outside)
			line(" neighbor %s timers %d %d\n neighbor %s timers connect 10", n, keepalive, hold, n)
		}
	}
	for _, six := range e.families() {
		line(" !\n address-family %s unicast", map[bool]string{false: "ipv4", true: "ipv6"}[six])
		for _, n := range of(announced, six) {
			line("  network %s", n)
		}
		for _, t := range e.both {
			n := neighbor(t, six)
			line("  neighbor %s activate\n  neighbor %s soft-reconfiguration inbound", n, n)
			line("  neighbor %s prefix-list %s in\n  neighbor %s prefix-list %s out", n, e.list("in", six), n, e.list("out", six))
			line("  neighbor %s route-map vpnd-%s-in in\n  neighbor %s route-map vpnd-%s-out out", n, t.name, n, t.name)
		}
		line(" exit-address-family")
	}
	line("exit\n!")
	for _, t := range e.both {
		preference, med := 100, 200
		if t.name == first.name {
			preference, med = 200, 100
		}
		line("route-map vpnd-%s-in permit 10\n set local-preference %d\nexit\n!", t.name, preference)
		line("route-map vpnd-%s-out permit 10\n set metric %d\nexit\n!", t.name, med)
	}
	return b.String()
}

func (e *expansion) list(direction string, six bool) string {
	return "vpnd-" + e.name + "-" + direction + map[bool]string{true: "6"}[six]
}

func family(six bool) string { return map[bool]string{false: "ip", true: "ipv6"}[six] }

// families are those that routes are learned in: IPv6 has neighbors of its own.
func (e *expansion) families() []bool {
	var all []bool
	for _, six := range []bool{false, true} {
		if e.has(six) && (!six || e.both[0].Inside6.IsValid()) {
			all = append(all, six)
		}
	}
	return all
}

func of(networks []netip.Prefix, six bool) []netip.Prefix {
	var some []netip.Prefix
	for _, n := range networks {
		if n.Addr().Is6() == six {
			some = append(some, n.Masked())
		}
	}
	return some
}

func neighbor(t tunnel, six bool) netip.Addr {
	if six {
		return t.PeerInside6.Addr()
	}
	return t.PeerInside.Addr()
}

// timers returns how often a sign of life is sent, and how long one may be missed, in
// seconds: a third of that, RFC 4271, section 10.
func (e *expansion) timers(t tunnel) (keepalive, hold int) {
	wait := t.HoldTime
	if e.bgp().HoldTime != nil {
		wait = time.Duration(*e.bgp().HoldTime)
	}
	if wait == 0 {
		wait = 30 * time.Second
	}
	hold = int(wait / time.Second)
	return hold / 3, hold
}

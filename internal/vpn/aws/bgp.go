package aws

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// frr is the configuration of FRRouting; see its user guide, BGP. Nothing is learned but
// networks of the VPC, and nothing announced but what is to be: a route that somebody
// leaks there leads nothing else away. Of two tunnels that are well, local preference has
// this side use the preferred one, and the MED asks Amazon to.
func (e *expansion) frr() string {
	s := &script{}
	s.line("frr defaults traditional\nlog syslog informational\nservice integrated-vtysh-config\n!")
	for _, six := range e.families() {
		s.list(six, e.list("out", six), resource.OfFamily(six, e.announced()), false)
		s.list(six, e.list("in", six), resource.OfFamily(six, e.remotes(e.c)), true)
	}
	s.line("!\nrouter bgp %d", e.both[0].ASN)
	s.line(" bgp router-id %s\n no bgp network import-check\n no bgp default ipv4-unicast", e.both[0].Inside.Addr())
	for _, six := range e.families() {
		for _, t := range e.both {
			keepalive, hold := e.timers(t)
			n := neighbor(t, six)
			s.line(" neighbor %s remote-as %d\n neighbor %s description %s, %s", n, t.PeerASN, n, t.name, t.Outside)
			s.line(" neighbor %s timers %d %d\n neighbor %s timers connect 10", n, keepalive, hold, n)
		}
	}
	for _, six := range e.families() {
		e.addressFamily(s, six)
	}
	s.line("exit\n!")
	for i, t := range e.ordered(e.both) {
		s.line("route-map vpnd-%s-in permit 10\n set local-preference %d\nexit\n!", t.name, 200-100*i)
		s.line("route-map vpnd-%s-out permit 10\n set metric %d\nexit\n!", t.name, 100+100*i)
	}
	return s.String()
}

// addressFamily is what is learned and announced of one family.
func (e *expansion) addressFamily(s *script, six bool) {
	s.line(" !\n address-family %s unicast", map[bool]string{false: "ipv4", true: "ipv6"}[six])
	for _, n := range resource.OfFamily(six, e.announced()) {
		s.line("  network %s", n)
	}
	for _, t := range e.both {
		n := neighbor(t, six)
		s.line("  neighbor %s activate\n  neighbor %s soft-reconfiguration inbound", n, n)
		s.line("  neighbor %s prefix-list %s in\n  neighbor %s prefix-list %s out", n, e.list("in", six), n, e.list("out", six))
		s.line("  neighbor %s route-map vpnd-%s-in in\n  neighbor %s route-map vpnd-%s-out out", n, t.name, n, t.name)
	}
	s.line(" exit-address-family")
}

// A script is a configuration of FRRouting, line by line.
type script struct{ strings.Builder }

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// list writes a prefix list of networks, and with more of those within them too.
func (s *script) list(six bool, name string, networks []netip.Prefix, more bool) {
	for i, n := range networks {
		longer := ""
		if more && n.Bits() < n.Addr().BitLen() {
			longer = fmt.Sprintf(" le %d", n.Addr().BitLen())
		}
		s.line("%s prefix-list %s seq %d permit %s%s", family(six), name, 5*(i+1), n, longer)
	}
}

// announced are the networks that Amazon is told of.
func (e *expansion) announced() []netip.Prefix {
	if a := e.bgp().Announce; a != nil {
		return a
	}
	return e.LocalNetworks
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

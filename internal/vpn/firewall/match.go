package firewall

import (
	"net/netip"
	"strings"
)

// family is one of the two tables of everything.
type family struct {
	name string // as chain IDs have it
	six  bool
}

var families = []family{{"ip", false}, {"ip6", true}}

// multiport is how many ports one match of iptables takes; a range counts two.
const multiport = 15

// match is what rules of both tables have in common.
type match struct {
	in, out             []string
	source, destination []netip.Prefix
	protocol            string
	ports, sourcePorts  []string
	state               []string
	limit, comment      string
}

// lines returns the match as beginnings of rules, one for each combination of
// what its lists name: none where the rule does not concern the family.
func (m match) lines(f family) []string {
	sources, ok := addresses(m.source, f)
	if !ok {
		return nil
	}
	destinations, ok := addresses(m.destination, f)
	if !ok {
		return nil
	}
	if only4 := m.protocol == "icmpv6" && !f.six; only4 {
		return nil
	}
	lines := []string{""}
	lines = product(lines, "-i ", m.in)
	lines = product(lines, "-o ", m.out)
	lines = product(lines, "-s ", sources)
	lines = product(lines, "-d ", destinations)
	if m.protocol != "" {
		lines = product(lines, "-p ", []string{protocolOf(m.protocol, f)})
	}
	lines = product(lines, "", portMatches("sport", m.sourcePorts))
	lines = product(lines, "", portMatches("dport", m.ports))
	if len(m.state) > 0 {
		lines = product(lines, "-m conntrack --ctstate ", []string{strings.ToUpper(strings.Join(m.state, ","))})
	}
	if m.limit != "" {
		lines = product(lines, "-m limit --limit ", []string{m.limit})
	}
	if m.comment != "" {
		lines = product(lines, "-m comment --comment ", []string{quote(m.comment)})
	}
	return lines
}

// product appends each value to each line; no values leave the lines alone.
func product(lines []string, option string, values []string) []string {
	if len(values) == 0 {
		return lines
	}
	var all []string
	for _, line := range lines {
		for _, value := range values {
			all = append(all, line+option+value+" ")
		}
	}
	return all
}

// addresses returns the networks of the family and whether a rule that names
// these networks concerns it at all. A network that means everything is left
// out, as iptables does.
func addresses(all []netip.Prefix, f family) (own []string, concerned bool) {
	for _, p := range all {
		if p.Addr().Is6() != f.six {
			continue
		}
		if p.Bits() == 0 {
			return nil, true
		}
		own = append(own, p.String())
	}
	return own, len(all) == 0 || len(own) > 0
}

func protocolOf(name string, f family) string {
	switch {
	case name == "icmpv6", name == "icmp" && f.six:
		return "ipv6-icmp"
	default:
		return name
	}
}

// portMatches returns the matches for ports, several where one can't hold them.
func portMatches(option string, ports []string) []string {
	if len(ports) == 1 {
		return []string{"--" + option + " " + span(ports[0])}
	}
	var matches []string
	var group []string
	room := multiport
	flush := func() {
		if len(group) > 0 {
			matches = append(matches, "-m multiport --"+option+"s "+strings.Join(group, ","))
		}
		group, room = nil, multiport
	}
	for _, p := range ports {
		p = span(p)
		cost := 1 + strings.Count(p, ":")
		if cost > room {
			flush()
		}
		group = append(group, p)
		room -= cost
	}
	flush()
	return matches
}

// span writes a port or a range of ports as iptables does. Names of services
// may contain dashes themselves.
func span(port string) string {
	if isRange.MatchString(port) {
		return strings.Replace(port, "-", ":", 1)
	}
	return port
}

// quote puts text between quotes; Validate refuses text that would end them.
func quote(text string) string { return `"` + text + `"` }

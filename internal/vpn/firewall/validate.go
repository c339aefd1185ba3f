package firewall

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/chain"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
)

var (
	isName      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isInterface = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$|^[A-Za-z0-9_.@-]{0,14}\+$`)
	isProtocol  = regexp.MustCompile(`^[a-z][a-z0-9-]*$|^[0-9]{1,3}$`)
	isRange     = regexp.MustCompile(`^[0-9]+-[0-9]+$`)
	isNumber    = regexp.MustCompile(`^[0-9]+$`)
	isService   = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	isLimit     = regexp.MustCompile(`^[1-9][0-9]{0,4}/(second|minute|hour|day|sec|min|s|m|h|d)$`)
)

// maxName keeps VPND-NAME-FWD-END within the 28 characters of a chain.
const maxName = 28 - len("VPND-") - len("-FWD-END")

// Validate returns everything that is wrong with the block.
func (f *Firewall) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > maxName {
		c.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them", maxName), "%q can't be part of the name of a chain", name)
	}
	for i, r := range f.Input {
		c.rule(fmt.Sprintf("input[%d]", i), r, "out")
	}
	for i, r := range f.Forward {
		c.rule(fmt.Sprintf("forward[%d]", i), r, "")
	}
	for i, r := range f.Output {
		c.rule(fmt.Sprintf("output[%d]", i), r, "in")
	}
	for i, n := range f.NAT {
		c.nat(fmt.Sprintf("nat[%d]", i), n)
	}
	c.OneOf("input_default", resource.Or(f.InputDefault, "return"), "return", "drop", "reject")
	c.OneOf("forward_default", resource.Or(f.ForwardDefault, "return"), "return", "drop", "reject")
	c.OneOf("at", resource.Or(f.At, "top"), "top", "bottom")
	if resource.Or(f.InputDefault, "return") != "return" && !slices.ContainsFunc(f.Input, admitsSSH) {
		c.Warn("input_default", `add an input rule with protocol = "tcp" and ports = ["ssh"], unless another block does or you have another way in`, "no rule here accepts a new SSH connection")
	}
	return append(c.Found, chain.CheckPriority(f.Priority)...)
}

// Admits says whether a rule lets somebody open a port of this host.
func (f *Firewall) Admits(protocol string, port int) bool {
	return slices.ContainsFunc(f.Input, func(r Rule) bool { return r.admits(protocol, port, "") })
}

// admitsSSH says whether the rule lets somebody open TCP port 22.
func admitsSSH(r Rule) bool { return r.admits("tcp", 22, "ssh") }

// admits says whether the rule lets somebody open a port, whatever the service of
// that port is called.
func (r Rule) admits(protocol string, port int, service string) bool {
	if resource.Or(r.Action, "") != "accept" || resource.Or(r.Protocol, protocol) != protocol {
		return false
	}
	if len(r.State) > 0 && !slices.Contains(r.State, "new") {
		return false
	}
	return len(r.Ports) == 0 || slices.ContainsFunc(r.Ports, func(p string) bool {
		first, last, err := parsePorts(p)
		return service != "" && p == service || err == nil && first <= port && port <= last
	})
}

type check struct{ mistakes.Check }

func (c *check) rule(path string, r Rule, never string) {
	c.OneOf(path+".action", resource.Or(r.Action, ""), "accept", "drop", "reject", "log")
	c.match(path, r.match())
	if never == "in" && len(r.In) > 0 || never == "out" && len(r.Out) > 0 {
		c.Add(path+"."+never, "leave it out; packets through this host are the concern of forward", "packets of this hook have no such interface")
	}
	for _, s := range r.State {
		c.OneOf(path+".state", s, "new", "established", "related", "invalid", "untracked")
	}
	if r.Limit != nil && !isLimit.MatchString(*r.Limit) {
		c.Add(path+".limit", "write it as in 5/minute", "%q is no rate", *r.Limit)
	}
	if r.LogPrefix != nil {
		c.text(path+".log_prefix", *r.LogPrefix, 29)
		if resource.Or(r.Action, "") != "log" {
			c.Add(path+".log_prefix", `write a rule with action = "log" before this one`, "only a rule that logs has a prefix")
		}
	}
}

func (c *check) nat(path string, n NAT) {
	action := resource.Or(n.Action, "")
	c.OneOf(path+".action", action, "masquerade", "snat", "dnat", "accept")
	c.match(path, n.match())
	if action == "dnat" && len(n.Out) > 0 {
		c.Add(path+".out", "leave it out", "where a packet leaves isn't known yet when its destination changes")
	}
	if action != "dnat" && len(n.In) > 0 {
		c.Add(path+".in", "name its source instead", "where a packet came in isn't known any more when its source changes")
	}
	if action == "masquerade" && len(n.Source) == 0 {
		c.Add(path+".source", "name the networks that shall share the address of the host", "without a source all that leaves would be masqueraded, the host's own packets and IPv6 too")
	}
	c.target(path, n)
}

func (c *check) target(path string, n NAT) {
	changes := resource.Or(n.Action, "") == "snat" || resource.Or(n.Action, "") == "dnat"
	switch {
	case changes != (n.To != nil):
		c.Add(path+".to", `write to = "192.0.2.1" or to = "192.0.2.1:8080"`, "snat and dnat need a new address, and nothing else has one")
	case n.To == nil:
	default:
		to, err := parseTarget(*n.To)
		if err != nil {
			c.Add(path+".to", `write it as in "192.0.2.1", "192.0.2.1:8080" or "[2001:db8::1]:8080"`, "%q is no address", *n.To)
			return
		}
		if to.Port() != 0 && !hasPorts(resource.Or(n.Protocol, "")) {
			c.Add(path+".to", `add protocol = "tcp" or "udp"`, "a port can only change in a protocol that has ports")
		}
		fam := family{six: to.Addr().Is6()}
		if n.match().lines(fam) == nil {
			c.Add(path+".to", "IPv4 and IPv6 can't be translated into each other", "%s is of another family than the networks of the rule", to.Addr())
		}
	}
}

func (c *check) match(path string, m match) {
	c.empty(path, m)
	c.interfaces(path+".in", m.in)
	c.interfaces(path+".out", m.out)
	if m.protocol != "" && !isProtocol.MatchString(m.protocol) {
		c.Add(path+".protocol", "write it as in tcp, udp, icmp or esp", "%q is no protocol", m.protocol)
	}
	c.ports(path+".ports", m.ports, m.protocol)
	c.ports(path+".source_ports", m.sourcePorts, m.protocol)
	if m.comment != "" {
		c.text(path+".comment", m.comment, 255)
	}
	if m.lines(families[0]) == nil && m.lines(families[1]) == nil {
		c.Add(path, "give source, destination and protocol at least one family in common", "no packet can match: its addresses and protocol are not all of one family")
	}
}

// empty refuses lists with nothing in them: iptables has no way to say "from
// nowhere", and a rule that leaves the list out would mean everywhere.
func (c *check) empty(path string, m match) {
	for _, list := range []struct {
		attribute string
		empty     bool
	}{
		{"in", m.in != nil && len(m.in) == 0},
		{"out", m.out != nil && len(m.out) == 0},
		{"source", m.source != nil && len(m.source) == 0},
		{"destination", m.destination != nil && len(m.destination) == 0},
		{"ports", m.ports != nil && len(m.ports) == 0},
		{"source_ports", m.sourcePorts != nil && len(m.sourcePorts) == 0},
		{"state", m.state != nil && len(m.state) == 0},
	} {
		if list.empty {
			c.Add(path+"."+list.attribute, "leave the attribute out where anything will do, or the rule where nothing will", "an empty list matches nothing")
		}
	}
}

func (c *check) interfaces(path string, names []string) {
	for _, name := range names {
		if !isInterface.MatchString(name) {
			c.Add(path, "at most 15 letters, digits, dots and dashes; a + at the end stands for any end", "%q is no name of an interface", name)
		}
	}
}

func (c *check) ports(path string, ports []string, protocol string) {
	if len(ports) > 0 && !hasPorts(protocol) {
		c.Add(path, `add protocol = "tcp" or "udp"`, "only tcp, udp and sctp have ports")
	}
	for _, p := range ports {
		if isService.MatchString(p) {
			continue
		}
		if _, _, err := parsePorts(p); err != nil {
			c.Add(path, "write a number up to 65535, a range as in 1000-2000, or the name of a service", "%q is no port", p)
		}
	}
}

// text refuses what would end the quotes that it stands in, or its line.
func (c *check) text(path, text string, limit int) {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '"' || r == '\\' }) {
		c.Add(path, "leave them out", "quotes, backslashes and control characters can't stand in a rule")
	}
	if len(text) > limit {
		c.Add(path, fmt.Sprintf("use at most %d", limit), "%d bytes are more than iptables keeps", len(text))
	}
}

func hasPorts(protocol string) bool {
	return slices.Contains([]string{"tcp", "udp", "sctp"}, protocol)
}

func parsePorts(s string) (first, last int, err error) {
	from, to := s, s
	switch {
	case isRange.MatchString(s):
		from, to, _ = strings.Cut(s, "-")
	case !isNumber.MatchString(s):
		return 0, 0, fmt.Errorf("%q is neither a port nor a range", s)
	}
	first, err = strconv.Atoi(from)
	if err != nil {
		return 0, 0, err
	}
	last, err = strconv.Atoi(to)
	if err != nil || first > last || last > 65535 {
		return 0, 0, fmt.Errorf("%q is no range of ports", s)
	}
	return first, last, nil
}

// parseTarget reads an address with or without a port; port 0 means none.
func parseTarget(s string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		return netip.AddrPortFrom(addr, 0), nil
	}
	to, err := netip.ParseAddrPort(s)
	if err == nil && to.Port() == 0 {
		return to, fmt.Errorf("port 0 is no port")
	}
	return to, err
}

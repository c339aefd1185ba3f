package firewall

import (
	"slices"
	"strings"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/resource"
)

// Expand returns a chain for each hook and family that has rules, and one at
// the bottom for each default, which waits until the rules before it stand.
func (f *Firewall) Expand(name string) ([]resource.Resource, error) {
	prefix := "VPND-" + name
	all := []resource.Resource{{ID: iptables, Want: &pkg.Package{Installed: resource.Ptr(true)}}}
	for _, fam := range families {
		add := func(table, hook, suffix, at string, rules []string) {
			if len(rules) == 0 {
				return
			}
			c := chainOf(fam, table, prefix+suffix, hook, at, rules)
			c.After = []resource.ID{iptables}
			before, ends := strings.CutSuffix(c.ID.Name, "-END")
			c.Want.(*chain.Chain).Priority = resource.Ptr(f.priority(ends))
			if ends {
				c.After = append(c.After, earlier(all, resource.ID{Kind: "chain", Name: before})...)
			}
			all = append(all, c)
		}
		at := resource.Or(f.At, "top")
		add("filter", "INPUT", "-IN", at, filterRules(f.Input, fam))
		add("filter", "INPUT", "-IN-END", "bottom", f.end(resource.Or(f.InputDefault, "return"), fam, "INPUT"))
		add("filter", "FORWARD", "-FWD", at, filterRules(f.Forward, fam))
		add("filter", "FORWARD", "-FWD-END", "bottom", f.end(resource.Or(f.ForwardDefault, "return"), fam, "FORWARD"))
		add("filter", "OUTPUT", "-OUT", at, filterRules(f.Output, fam))
		add("nat", "PREROUTING", "-PRE", at, natRules(f.NAT, fam, "PREROUTING"))
		add("nat", "POSTROUTING", "-POST", at, natRules(f.NAT, fam, "POSTROUTING"))
	}
	return all, nil
}

// priority is that of the chains; a default comes behind all else of vpnd's.
func (f *Firewall) priority(isDefault bool) int {
	if isDefault {
		return resource.Last
	}
	return resource.Or(f.Priority, chain.Rules)
}

// iptables is what chains are made with; Debian doesn't install it by itself.
var iptables = resource.ID{Kind: "package", Name: "iptables"}

// earlier returns the ID where it is among the resources.
func earlier(all []resource.Resource, id resource.ID) []resource.ID {
	if slices.ContainsFunc(all, func(r resource.Resource) bool { return r.ID == id }) {
		return []resource.ID{id}
	}
	return nil
}

func chainOf(fam family, table, name, hook, at string, rules []string) resource.Resource {
	return resource.Resource{
		ID:   resource.ID{Kind: "chain", Name: fam.name + "/" + table + "/" + name},
		Want: &chain.Chain{Hook: &hook, At: &at, Rules: rules},
	}
}

func filterRules(rules []Rule, fam family) []string {
	var lines []string
	for _, r := range rules {
		for _, line := range r.match().lines(fam) {
			lines = append(lines, line+r.target())
		}
	}
	return lines
}

func (r Rule) match() match {
	return match{
		in: r.In, out: r.Out, source: r.Source, destination: r.Destination,
		protocol: resource.Or(r.Protocol, ""), ports: r.Ports, sourcePorts: r.SourcePorts,
		state: r.State, limit: resource.Or(r.Limit, ""), comment: resource.Or(r.Comment, ""),
	}
}

func (r Rule) target() string {
	switch resource.Or(r.Action, "") {
	case "accept":
		return "-j ACCEPT"
	case "reject":
		return rejection(resource.Or(r.Protocol, ""))
	case "log":
		if r.LogPrefix == nil {
			return "-j LOG"
		}
		return "-j LOG --log-prefix " + quote(*r.LogPrefix)
	default:
		return "-j DROP"
	}
}

// rejection tells the other side in the words of its own protocol.
func rejection(protocol string) string {
	if protocol == "tcp" {
		return "-j REJECT --reject-with tcp-reset"
	}
	return "-j REJECT"
}

// end returns the rules of a default. Established connections come first, so
// that the session in which a new rule set is applied survives it, and so do
// the messages without which IPv6 finds neither router nor neighbour (RFC
// 4890, section 4.4).
func (f *Firewall) end(action string, fam family, hook string) []string {
	if action == "return" {
		return nil
	}
	var rules []string
	if resource.Or(f.Essential, true) {
		rules = append(rules, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
		if hook == "INPUT" {
			rules = append(rules, "-i lo -j ACCEPT")
			if fam.six {
				rules = append(rules, discovery()...)
			}
		}
	}
	if action == "reject" {
		return append(rules, "-p tcp "+rejection("tcp"), rejection(""))
	}
	return append(rules, "-j DROP")
}

func discovery() []string {
	var rules []string
	for _, kind := range []string{"router-advertisement", "neighbour-solicitation", "neighbour-advertisement"} {
		rules = append(rules, "-p ipv6-icmp -m icmp6 --icmpv6-type "+kind+" -j ACCEPT")
	}
	return append(rules, "-s fe80::/10 -p udp -m udp --sport 547 --dport 546 -j ACCEPT")
}

func natRules(rules []NAT, fam family, hook string) []string {
	var lines []string
	for _, n := range rules {
		if n.hook() != hook || !n.concerns(fam) {
			continue
		}
		for _, line := range n.match().lines(fam) {
			lines = append(lines, line+n.target())
		}
	}
	return lines
}

func (n NAT) match() match {
	return match{
		in: n.In, out: n.Out, source: n.Source, destination: n.Destination,
		protocol: resource.Or(n.Protocol, ""), ports: n.Ports, sourcePorts: n.SourcePorts, comment: resource.Or(n.Comment, ""),
	}
}

// hook says where the rule has to stand: destinations change before a packet
// is routed, sources after.
func (n NAT) hook() string {
	if resource.Or(n.Action, "") == "dnat" {
		return "PREROUTING"
	}
	return "POSTROUTING"
}

// concerns says whether the new address is one of the family.
func (n NAT) concerns(fam family) bool {
	if n.To == nil {
		return true
	}
	to, err := parseTarget(*n.To)
	return err == nil && to.Addr().Is6() == fam.six
}

func (n NAT) target() string {
	switch resource.Or(n.Action, "") {
	case "masquerade":
		return "-j MASQUERADE"
	case "snat":
		return "-j SNAT --to-source " + *n.To
	case "dnat":
		return "-j DNAT --to-destination " + *n.To
	default:
		return "-j ACCEPT"
	}
}

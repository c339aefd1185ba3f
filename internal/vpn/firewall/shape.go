// Package firewall turns rules in words into iptables chains of vpnd's own.
//
// What the rules say stands in a chain at the top of its hook; what happens to
// the rest, the default, in another one at the bottom. So a default works like
// the policy of a built-in chain, but without touching it: whatever another
// chain accepts, vpnd's or not, stays accepted, and the order in which blocks
// are applied does not matter.
package firewall

import "net/netip"

// Firewall is a set of rules in words, for IPv4 and IPv6 at once.
type Firewall struct {
	Input          []Rule  `vpnd:"input,block" doc:"a rule for packets to this host"`
	Forward        []Rule  `vpnd:"forward,block" doc:"a rule for packets through this host"`
	Output         []Rule  `vpnd:"output,block" doc:"a rule for packets from this host"`
	NAT            []NAT   `vpnd:"nat,block" doc:"a rule that changes addresses"`
	InputDefault   *string `vpnd:"input_default" doc:"what happens to packets to this host that no chain accepted: return (leave them to others), drop or reject" default:"return"`
	ForwardDefault *string `vpnd:"forward_default" doc:"what happens to packets through this host that no chain accepted: return (leave them to others), drop or reject" default:"return"`
	Essential      *bool   `vpnd:"essential" doc:"before a default of drop or reject, accept what a host can't live without: loopback, established connections, neighbour discovery and router advertisements of IPv6, answers of DHCPv6" default:"true"`
	Priority       *int    `vpnd:"priority" doc:"which of vpnd's chains at one end of a hook comes first, as of a chain block; listeners of servers, with 100, come before, and gateways, with 300, behind; defaults are always last" default:"200"`
	At             *string `vpnd:"at" doc:"where the rules stand in their hook: top or bottom; defaults always stand at the bottom" default:"top"`
}

// Rule is a rule of the filter table. All that it names must match; of a list,
// one entry.
type Rule struct {
	In          []string       `vpnd:"in" doc:"interfaces the packet comes in by; tun+ means every name that begins with tun"`
	Out         []string       `vpnd:"out" doc:"interfaces the packet leaves by"`
	Source      []netip.Prefix `vpnd:"source" doc:"networks the packet comes from, IPv4 and IPv6 mixed as you like"`
	Destination []netip.Prefix `vpnd:"destination" doc:"networks the packet goes to"`
	Protocol    *string        `vpnd:"protocol" doc:"tcp, udp, sctp, icmp (of each family its own), icmpv6, esp, ah, gre, or a number"`
	Ports       []string       `vpnd:"ports" doc:"destination ports: numbers, ranges as in 1000-2000, or names of services"`
	SourcePorts []string       `vpnd:"source_ports" doc:"source ports"`
	State       []string       `vpnd:"state" doc:"states of the connection: new, established, related, invalid, untracked"`
	Action      *string        `vpnd:"action,required" doc:"accept, drop, reject or log"`
	Limit       *string        `vpnd:"limit" doc:"how often the rule may match, as in 5/minute"`
	LogPrefix   *string        `vpnd:"log_prefix" doc:"what a logged line begins with, at most 29 characters"`
	Comment     *string        `vpnd:"comment" doc:"a note kept with the rule"`
}

// NAT is a rule of the nat table.
type NAT struct {
	In          []string       `vpnd:"in" doc:"interfaces the packet comes in by; dnat only"`
	Out         []string       `vpnd:"out" doc:"interfaces the packet leaves by; not with dnat"`
	Source      []netip.Prefix `vpnd:"source" doc:"networks the packet comes from"`
	Destination []netip.Prefix `vpnd:"destination" doc:"networks the packet goes to"`
	Protocol    *string        `vpnd:"protocol" doc:"tcp, udp, sctp, or another protocol without ports"`
	Ports       []string       `vpnd:"ports" doc:"destination ports: numbers, ranges as in 1000-2000, or names of services"`
	SourcePorts []string       `vpnd:"source_ports" doc:"source ports"`
	Action      *string        `vpnd:"action,required" doc:"masquerade, snat (change the source), dnat (change the destination) or accept (leave addresses as they are)"`
	To          *string        `vpnd:"to" doc:"the new address, with :PORT where the port changes as well; snat and dnat only"`
	Comment     *string        `vpnd:"comment" doc:"a note kept with the rule"`
}

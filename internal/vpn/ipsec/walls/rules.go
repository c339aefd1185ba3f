package walls

import (
	"fmt"
	"net/netip"
	"slices"
)

// userspace is where packets of ESP in user space go through: the tun of charon's
// kernel-libipsec. The kernel's own has policies and no interface.
const userspace = "ipsec+"

// ways returns matches of what goes through the tunnels, in the direction given: by
// their interfaces, and by policy where the kernel protects it.
func (s side) ways(out bool) []string {
	option, dir := "-i ", "in"
	if out {
		option, dir = "-o ", "out"
	}
	if len(s.Interfaces) == 0 {
		return []string{"-m policy --dir " + dir + " --pol ipsec", option + userspace}
	}
	var ways []string
	for _, name := range s.Interfaces {
		ways = append(ways, option+name)
	}
	return ways
}

// accepted returns what the filter lets through: what has gone, or will go, through
// a tunnel.
func (s side) accepted() []string {
	var rules []string
	for _, f := range s.flows {
		for _, way := range s.ways(true) {
			rules = append(rules, fmt.Sprintf("-s %s -d %s %s -j ACCEPT", f.Local, f.Remote, way))
		}
		for _, way := range s.ways(false) {
			rules = append(rules, fmt.Sprintf("-s %s -d %s %s -j ACCEPT", f.Remote, f.Local, way))
		}
	}
	return rules
}

// guarded returns what the filter drops of packets through this host: what would
// leave in clear, and what came so. Another tunnel may carry the same networks, so
// that whatever is protected passes.
func (s side) guarded() []string {
	var rules []string
	for _, f := range s.flows {
		rules = append(rules, s.unless(fmt.Sprintf("-s %s -d %s", f.Local, f.Remote), true)...)
		rules = append(rules, s.unless(fmt.Sprintf("-s %s -d %s", f.Remote, f.Local), false)...)
	}
	return rules
}

// unless drops what matches and is not protected.
func (s side) unless(match string, out bool) []string {
	dir, option := "in", "-i "
	if out {
		dir, option = "out", "-o "
	}
	rules := []string{
		match + " -m policy --dir " + dir + " --pol ipsec -j RETURN",
		match + " " + option + userspace + " -j RETURN",
	}
	for _, name := range s.Interfaces {
		rules = append(rules, match+" "+option+name+" -j RETURN")
	}
	return append(rules, match+" -j DROP")
}

// kept returns what the filter drops of packets that this host itself sends, or that
// are for it. What makes the tunnels goes in clear by its nature, where the networks
// hold both hosts.
func (s side) kept(out bool) []string {
	var rules []string
	for _, f := range s.flows {
		match, ports := fmt.Sprintf("-s %s -d %s", f.Remote, f.Local), "--dports"
		if out {
			match, ports = fmt.Sprintf("-s %s -d %s", f.Local, f.Remote), "--sports"
		}
		if len(s.Peers) == 0 || slices.ContainsFunc(s.Peers, f.Remote.Contains) {
			rules = append(rules, match+" -p udp -m multiport "+ports+" 500,4500 -j RETURN", match+" -p esp -j RETURN")
			if s.six {
				rules = append(rules, neighbours(match)...)
			}
		}
		rules = append(rules, s.unless(match, out)...)
	}
	return rules
}

// neighbours lets two hosts on one link find each other, without which there is no
// IKE; RFC 4861, 7. ARP, which does so in IPv4, is not filtered here.
func neighbours(match string) []string {
	const solicitation, advertisement = 135, 136
	var rules []string
	for _, message := range []int{solicitation, advertisement} {
		rules = append(rules, fmt.Sprintf("%s -p ipv6-icmp -m icmp6 --icmpv6-type %d -j RETURN", match, message))
	}
	return rules
}

// admitted returns what the peers may send this host so that there is a tunnel.
func (s side) admitted() []string {
	var rules []string
	peers := s.Peers
	if len(peers) == 0 {
		peers = []netip.Addr{{}}
	}
	for _, peer := range peers {
		from := ""
		if s.Uplink != "" {
			from = "-i " + s.Uplink + " "
		}
		if peer.IsValid() {
			from += "-s " + peer.String() + " "
		}
		if s.Bound.IsValid() {
			from += "-d " + s.Bound.String() + " "
		}
		rules = append(rules, from+"-p udp -m multiport --dports 500,4500 -j ACCEPT", from+"-p esp -j ACCEPT")
	}
	return rules
}

// exempted returns what no address is translated of.
func (s side) exempted() []string {
	var rules []string
	for _, f := range s.flows {
		rules = append(rules, fmt.Sprintf("-s %s -d %s -j ACCEPT", f.Local, f.Remote))
	}
	return rules
}

// clamped returns the rules of the MSS clamp, which never raise it.
func (s side) clamped() []string {
	mss := s.MSS
	if s.six {
		mss = s.MSS6
	}
	if mss == 0 {
		return nil
	}
	clamp := fmt.Sprintf("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss %d", mss)
	var rules []string
	for _, f := range s.flows {
		rules = append(rules, fmt.Sprintf("-s %s -d %s %s", f.Local, f.Remote, clamp), fmt.Sprintf("-s %s -d %s %s", f.Remote, f.Local, clamp))
	}
	return rules
}

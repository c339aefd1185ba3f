package ipsec

import (
	"fmt"
	"slices"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
)

// userspace is where packets of ESP in user space go through: the tun of charon's
// kernel-libipsec. The kernel's own has policies and no interface.
const userspace = "ipsec+"

// ways returns matches of what goes through the tunnel, in the direction given: by
// its interface, and by policy where the kernel protects it.
func (t *Tunnel) ways(out bool) []string {
	option, dir := "-i ", "in"
	if out {
		option, dir = "-o ", "out"
	}
	if t.mode() == route {
		return []string{option + t.Interface.Name}
	}
	return []string{"-m policy --dir " + dir + " --pol ipsec", option + userspace}
}

// accepted returns what the filter lets through: what has gone, or will go, through
// the tunnel.
func (t *Tunnel) accepted(flows []flow) []string {
	var rules []string
	for _, f := range flows {
		for _, way := range t.ways(true) {
			rules = append(rules, fmt.Sprintf("-s %s -d %s %s -j ACCEPT", f.local, f.remote, way))
		}
		for _, way := range t.ways(false) {
			rules = append(rules, fmt.Sprintf("-s %s -d %s %s -j ACCEPT", f.remote, f.local, way))
		}
	}
	return rules
}

// guarded returns what the filter drops of packets through this host: what would
// leave in clear, and what came so. Another tunnel may carry the same networks, so
// that whatever is protected passes.
func (t *Tunnel) guarded(flows []flow) []string {
	var rules []string
	for _, f := range flows {
		rules = append(rules, t.unless(fmt.Sprintf("-s %s -d %s", f.local, f.remote), true)...)
		rules = append(rules, t.unless(fmt.Sprintf("-s %s -d %s", f.remote, f.local), false)...)
	}
	return rules
}

// unless drops what matches and is not protected.
func (t *Tunnel) unless(match string, out bool) []string {
	dir, option := "in", "-i "
	if out {
		dir, option = "out", "-o "
	}
	rules := []string{
		match + " -m policy --dir " + dir + " --pol ipsec -j RETURN",
		match + " " + option + userspace + " -j RETURN",
	}
	if t.mode() == route {
		rules = append(rules, match+" "+option+t.Interface.Name+" -j RETURN")
	}
	return append(rules, match+" -j DROP")
}

// kept returns what the filter drops of packets of this host itself. What makes the
// tunnel goes in clear by its nature, where the networks hold both hosts.
func (t *Tunnel) kept(flows []flow) []string {
	var rules []string
	for _, f := range flows {
		if f.remote.Contains(t.peer()) || !t.peer().IsValid() {
			rules = append(rules,
				fmt.Sprintf("-s %s -d %s -p udp -m multiport --sports 500,4500 -j RETURN", f.local, f.remote),
				fmt.Sprintf("-s %s -d %s -p esp -j RETURN", f.local, f.remote))
		}
		rules = append(rules, t.unless(fmt.Sprintf("-s %s -d %s", f.local, f.remote), true)...)
	}
	return rules
}

// admitted returns what the peer may send this host so that there is a tunnel.
func (t *Tunnel) admitted() []string {
	from := ""
	if t.peer().IsValid() {
		from = "-s " + t.peer().String() + " "
	}
	if t.bound().IsValid() {
		from += "-d " + t.bound().String() + " "
	}
	return []string{from + "-p udp -m multiport --dports 500,4500 -j ACCEPT", from + "-p esp -j ACCEPT"}
}

// exempted returns what no address is translated of.
func exempted(flows []flow) []string {
	var rules []string
	for _, f := range flows {
		rules = append(rules, fmt.Sprintf("-s %s -d %s -j ACCEPT", f.local, f.remote))
	}
	return rules
}

// clamped returns the rules of the MSS clamp, which never raise it.
func (t *Tunnel) clamped(flows []flow, esp []proposal.Proposal, six bool) []string {
	if !resource.Or(t.MSSClamp, true) {
		return nil
	}
	path := proposal.Path{MTU: resource.Or(t.PathMTU, 0), Six: t.outerSix(), UDP: t.translated(), Bare: t.mode() == transport}
	clamp := fmt.Sprintf("-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss %d", proposal.MSS(esp, path, six))
	var rules []string
	for _, f := range flows {
		rules = append(rules, fmt.Sprintf("-s %s -d %s %s", f.local, f.remote, clamp), fmt.Sprintf("-s %s -d %s %s", f.remote, f.local, clamp))
	}
	return rules
}

func (t *Tunnel) outerSix() bool { return t.peer().Is6() || t.bound().Is6() }

// outer returns the families that the packets of IKE and ESP may be of.
func (t *Tunnel) outer() []bool {
	switch {
	case t.peer().Is4() || t.bound().Is4():
		return []bool{false}
	case t.outerSix():
		return []bool{true}
	default:
		return []bool{false, true}
	}
}

// families returns those in which something goes through or makes the tunnel.
func (t *Tunnel) families(name string) []bool {
	return slices.DeleteFunc([]bool{false, true}, func(six bool) bool {
		return len(t.flows(name, six)) == 0 && !slices.Contains(t.outer(), six)
	})
}

package gateway

import (
	"net/netip"
	"slices"

	"vpnd/internal/resource"
)

// side is the gateway in one family.
type side struct {
	*Gateway
	six                            bool
	networks, reach, admit, exempt []netip.Prefix
}

func (g *Gateway) side(six bool) side {
	own := func(all []netip.Prefix) []netip.Prefix {
		var list []netip.Prefix
		for _, p := range all {
			if p.Addr().Is6() == six {
				list = append(list, p.Masked())
			}
		}
		return list
	}
	return side{Gateway: g, six: six, networks: own(g.Networks), reach: own(g.Reach), admit: own(g.Admit), exempt: own(g.Exempt)}
}

func (s side) family() string {
	if s.six {
		return "ip6"
	}
	return "ip"
}

// accepted returns what the filter lets through: answers both ways, what the
// networks open, and what may be opened into them.
func (s side) accepted() []string {
	var rules []string
	for _, n := range s.networks {
		rules = append(rules,
			"-s "+n.String()+" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			"-d "+n.String()+" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
	}
	for _, n := range s.networks {
		for _, in := range s.entries() {
			for _, to := range s.destinations() {
				rules = append(rules, in+"-s "+n.String()+to+" -j ACCEPT")
			}
		}
		for _, from := range s.admit {
			rules = append(rules, sourceOf(from)+"-d "+n.String()+" -j ACCEPT")
		}
	}
	return rules
}

// entries returns matches of where packets of the networks come in. The uplink
// is never one unless it is named: who comes from there with an address of the
// networks is lying.
func (s side) entries() []string {
	if s.Interfaces == nil {
		return []string{"! -i " + *s.Uplink + " "}
	}
	var matches []string
	for _, name := range s.Interfaces {
		matches = append(matches, "-i "+name+" ")
	}
	return matches
}

func (s side) destinations() []string {
	if s.Reach == nil {
		return []string{""}
	}
	var matches []string
	for _, p := range s.reach {
		if p.Bits() == 0 {
			return []string{""}
		}
		matches = append(matches, " -d "+p.String())
	}
	return matches
}

func sourceOf(p netip.Prefix) string {
	if p.Bits() == 0 {
		return ""
	}
	return "-s " + p.String() + " "
}

// refused returns what the filter drops at its end.
func (s side) refused() []string {
	var rules []string
	if !resource.Or(s.Isolate, true) {
		return nil
	}
	for _, n := range s.networks {
		rules = append(rules, "-s "+n.String()+" -j DROP", "-d "+n.String()+" -j DROP")
	}
	return rules
}

// translated returns the rules of address translation, exceptions first. They
// end in ACCEPT, so that no later rule translates what was exempted; all of
// them are bound to the networks, so that nobody else's packets are.
func (s side) translated() []string {
	var exceptions, rules []string
	for _, n := range s.networks {
		target := s.target(n)
		if target == "" {
			continue
		}
		out := "-s " + n.String() + " -o " + *s.Uplink
		if resource.Or(s.IPsecExempt, true) {
			exceptions = append(exceptions, out+" -m policy --dir out --pol ipsec -j ACCEPT")
		}
		for _, to := range s.exempt {
			exceptions = append(exceptions, out+" -d "+to.String()+" -j ACCEPT")
		}
		rules = append(rules, out+" -j "+target)
	}
	return slices.Concat(exceptions, rules)
}

var uniqueLocal = netip.MustParsePrefix("fc00::/7")

// target returns what translates the network's addresses, empty for nothing.
func (s side) target(n netip.Prefix) string {
	how := resource.Or(s.NAT, masquerade)
	if s.six {
		byDefault := "false"
		if uniqueLocal.Contains(n.Addr()) {
			byDefault = masquerade
		}
		how = resource.Or(s.NAT6, byDefault)
	}
	switch how {
	case "false":
		return ""
	case masquerade:
		return "MASQUERADE"
	default:
		return "SNAT --to-source " + how
	}
}

// clamped returns the rules of the MSS clamp, RFC 4459, section 3.2.
func (s side) clamped() []string {
	if !resource.Or(s.MSSClamp, true) {
		return nil
	}
	const clamp = " -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"
	var rules []string
	for _, n := range s.networks {
		rules = append(rules, "-s "+n.String()+clamp, "-d "+n.String()+clamp)
	}
	return rules
}

package chain

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/resource/resourcetest"
)

// rulesOf draws rules of the kinds that people write, and that the kernel has:
// it refuses what can't be (! -s 0/0) and limits that overflow.
func rulesOf(family string) *rapid.Generator[string] {
	address := func(label string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			if family == "ip6" {
				return fmt.Sprintf("fd00:%x::%x/%d", rapid.Uint16().Draw(t, label), rapid.Uint16().Draw(t, label), rapid.IntRange(1, 128).Draw(t, label))
			}
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, label)
			return fmt.Sprintf("%d.%d.%d.%d/%d", b[0], b[1], b[2], b[3], rapid.IntRange(1, 32).Draw(t, label))
		})
	}
	port := rapid.IntRange(0, 65535)
	return rapid.Custom(func(t *rapid.T) string {
		not := func() string { return rapid.SampledFrom([]string{"", "", "! "}).Draw(t, "not") }
		rule := ""
		add := func(what string, args ...any) {
			if rapid.IntRange(0, 3).Draw(t, "has") == 0 {
				rule += fmt.Sprintf(what, args...) + " "
			}
		}
		switch rapid.IntRange(0, 3).Draw(t, "source") {
		case 0:
			// iptables takes a negation only of a single address.
			add("%s-d %s", not(), address("destination").Draw(t, "d"))
			rule += not() + "-s " + address("source").Draw(t, "s") + " "
		case 1:
			rule += "-s " + address("one").Draw(t, "s") + "," + address("other").Draw(t, "s") + " "
		}
		add("%s-i %s", not(), rapid.StringMatching(`[a-z]{1,10}[0-9]?\+?`).Draw(t, "in"))
		if rapid.Bool().Draw(t, "ports") {
			rule += "-p " + rapid.SampledFrom([]string{"tcp", "udp", "TCP", "17"}).Draw(t, "protocol") + " "
			low := port.Draw(t, "low")
			switch rapid.IntRange(0, 2).Draw(t, "which") {
			case 0:
				rule += fmt.Sprintf("%s--dport %d:%d ", not(), low, rapid.IntRange(low, 65535).Draw(t, "high"))
			case 1:
				rule += fmt.Sprintf("-m multiport --sports %d,%d ", low, port.Draw(t, "second"))
			}
		}
		add("-m conntrack %s--ctstate %s", not(), rapid.SampledFrom([]string{"NEW", "INVALID,NEW", "RELATED,ESTABLISHED", "ESTABLISHED,RELATED,NEW"}).Draw(t, "state"))
		add("-m limit --limit %d/%s --limit-burst %d", rapid.IntRange(1, 10000).Draw(t, "limit"), rapid.SampledFrom([]string{"sec", "minute", "hour"}).Draw(t, "unit"), rapid.IntRange(1, 20).Draw(t, "burst"))
		add("-m mark %s--mark %d/%#x", not(), rapid.Uint32().Draw(t, "mark"), rapid.Uint32().Draw(t, "mask"))
		add("-m comment --comment %s", escaped(rapid.StringMatching(`[ -~]{1,40}`).Draw(t, "comment")))
		add("-m statistic --mode random --probability %.5f", rapid.Float64Range(0, 1).Draw(t, "probability"))
		return rule + rapid.SampledFrom([]string{"-j ACCEPT", "-j DROP", "-j REJECT", "-j RETURN", `-j LOG --log-prefix "a b"`, "-g VPND-OTHER", ""}).Draw(t, "then")
	})
}

// escaped quotes text as iptables-restore reads it.
func escaped(text string) string {
	quoted := `"`
	for _, c := range text {
		if c == '"' || c == '\\' {
			quoted += `\`
		}
		quoted += string(c)
	}
	return quoted + `"`
}

// After apply the plan is empty, whatever the rules, from whatever was there.
func TestConvergedMeansEmpty(t *testing.T) {
	everywhere(t, func(r room) {
		r.iptables("-A FORWARD -p udp -j ACCEPT")
		rule := rapid.SliceOfN(rulesOf(r.family), 1, 12).Filter(func(rules []string) bool {
			for _, rule := range rules {
				if rule == "" {
					return false
				}
			}
			return true
		})
		check := func(t *rapid.T) {
			r.converge(map[string]*Chain{
				r.name("filter/VPND-X"):     wishFor(rapid.SampledFrom([]string{"", "INPUT", "FORWARD"}).Draw(t, "hook"), rapid.SampledFrom([]string{"", ruleset.Top, ruleset.Bottom}).Draw(t, "at"), rule.Draw(t, "rules")...),
				r.name("filter/VPND-OTHER"): wishFor("", "", "-j RETURN"),
			})
		}
		resourcetest.Repeatable()
		rapid.Check(r.T, check)
	})
}

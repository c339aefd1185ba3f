package chain

import (
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/ruleset"
)

// wishOf is a wish for the only chain of vpnd at one end of INPUT.
func (r room) wishOf(chain, at string, rules ...string) (name string, want *Chain) {
	name = r.name("filter/" + chain)
	want = wishFor("INPUT", at, rules...)
	want.Stands([]string{name})
	return name, want
}

// A chain that only its name says to be vpnd's, as after a state was lost, is one of
// others: vpnd's own stand above it where it may accept, and below it where it bans.
func TestLeftoverIsJudgedAsThatOfOthers(t *testing.T) {
	for _, c := range []struct {
		what, rule string
		want       []string // targets of INPUT after all is put right, the jump once taken away
		drifts     bool
	}{
		{"accepts all, as a policy would", "-j ACCEPT", []string{"VPND-X", "VPND-END", "VPND-OLD"}, true},
		{"accepts some", "-p udp -j ACCEPT", []string{"VPND-X", "VPND-OLD", "VPND-END"}, true},
		{"bans", "-s 10.8.0.2 -j DROP", []string{"VPND-OLD", "VPND-X", "VPND-END"}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			everywhere(t, func(r room) {
				name, want := r.wishOf("VPND-X", ruleset.Top, "-p tcp -j DROP")
				end, last := r.wishOf("VPND-END", ruleset.Bottom, "-i lo -j ACCEPT", "-j DROP")
				wants := map[string]*Chain{name: want, end: last}
				r.converge(wants)
				r.iptables("-N VPND-OLD")
				r.iptables(r.local("-A VPND-OLD " + c.rule))
				r.iptables("-I INPUT -j VPND-OLD")
				seen := r.observe(r.normal(wants))[name]
				if drifts := *seen.At != ruleset.Top; drifts != c.drifts || !slices.Equal(seen.Order, []string{"VPND-X"}) {
					r.Errorf("at %q, order %q", *seen.At, seen.Order)
				}
				r.converge(wants)
				r.iptables("-D INPUT -j VPND-X")
				r.converge(wants)
				if got := r.targets("INPUT"); !slices.Equal(got, c.want) {
					r.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// On record is vpnd's as well, while it leaves: nothing moves for that.
func TestChainOnRecordIsVpnds(t *testing.T) {
	everywhere(t, func(r room) {
		name, want := r.wishOf("VPND-X", ruleset.Top, "-p tcp -j DROP")
		normal := r.normal(map[string]*Chain{name: want})
		r.converge(map[string]*Chain{name: want})
		r.iptables("-N VPND-OLD")
		r.iptables("-A VPND-OLD -j ACCEPT")
		r.iptables("-I INPUT -j VPND-OLD")
		if at := *r.observe(normal)[name].At; at == ruleset.Top {
			r.Errorf("of nobody, and X at %q", at)
		}
		normal[r.name("filter/VPND-OLD")] = nil
		if at := *r.observe(normal)[name].At; at != ruleset.Top {
			r.Errorf("on record, and X at %q", at)
		}
	})
}

// What makes a default worthless is told, also where it has a name of vpnd.
func TestLeftoverThatOverrulesIsTold(t *testing.T) {
	for _, jump := range []string{"-j VPND-OLD", "-m comment --comment vpnd-bottom -j VPND-OLD"} {
		t.Run(jump, func(t *testing.T) {
			everywhere(t, func(r room) {
				name, want := r.wishOf("VPND-X", ruleset.Top, "-p udp --dport 1194 -j ACCEPT")
				end, last := r.wishOf("VPND-END", ruleset.Bottom, "-i lo -j ACCEPT", "-j DROP")
				r.converge(map[string]*Chain{name: want, end: last})
				r.iptables("-N VPND-OLD")
				r.iptables("-A VPND-OLD -j ACCEPT")
				r.iptables("-I INPUT 2 " + jump)
				r.iptables("-I INPUT 3 -p tcp -j ACCEPT")
				told := *r.observe(r.normal(map[string]*Chain{name: want, end: last}))[end].Overruled
				if !strings.Contains(told, "accepts everything") || !strings.HasSuffix(told, "-t filter -D INPUT "+jump) {
					r.Errorf("told %q", told)
				}
			})
		})
	}
}

// targets returns where the rules of a built-in chain lead to.
func (r room) targets(hook string) []string {
	r.Helper()
	var all []string
	for line := range strings.Lines(r.chain("filter", hook)) {
		if words := strings.Fields(line); words[0] == "-A" {
			all = append(all, words[len(words)-1])
		}
	}
	return all
}

package chain

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// subtle are rules that iptables-save prints as other ones, with what it prints.
func (r room) subtle() map[string]string {
	all := map[string]string{
		"-p esp -m esp ! --espspi : -j ACCEPT": "-p esp -m esp -j ACCEPT",
	}
	if r.family == "ip" {
		all["-p ah -m ah ! --ahspi : -j DROP"] = "-p ah -m ah -j DROP"
	} else {
		all["-m rt --rt-type 0 ! --rt-segsleft : -j DROP"] = "-m rt --rt-type 0 -j DROP"
		all["-m frag ! --fragid : -j DROP"] = "-m frag -j DROP"
	}
	if r.Backend == kernel.Legacy {
		all["-p tcp ! --dport : -j ACCEPT"] = "-p tcp -m tcp -j ACCEPT"
		all["! -i + -j DROP"] = "-j DROP"
	} else {
		all["-p ipcomp -m ipcomp --ipcompspi : -j ACCEPT"] = "-p ipcomp -m ipcomp -j ACCEPT"
	}
	return all
}

// prints returns the imprints of one chain.
func (r room) prints(table, chain string) []kernel.Imprint {
	r.Helper()
	tool, err := r.find(r.Context(), r.family)
	if err != nil {
		r.Fatal(err)
	}
	prints, err := kernel.Imprints(tool.Backend, r.family, table)
	if err != nil {
		r.Fatal(err)
	}
	return prints[chain]
}

func TestRuleThatReadsAsAnotherIsWrittenAndToldAsItIs(t *testing.T) {
	everywhere(t, func(r room) {
		for rule, reads := range r.subtle() {
			nettest.Fresh(r.T)
			name := r.name("filter/VPND-X")
			wish := map[string]*Chain{name: wishFor("INPUT", "", "-p udp -j ACCEPT", rule)}
			r.program("-restore", "*filter\n:VPND-X - [0:0]\n-A VPND-X -p udp -j ACCEPT\n-A VPND-X "+rule+"\nCOMMIT\n", "--noflush")
			plain := r.prints("filter", "VPND-X")
			if got := r.chain("filter", "VPND-X"); !strings.HasSuffix(got, "-A VPND-X "+reads+"\n") {
				r.Fatalf("%s reads back as %s", rule, got)
			}
			r.program("-restore", "*filter\n:VPND-X - [0:0]\n-A VPND-X -p udp -j ACCEPT\n-A VPND-X "+reads+"\nCOMMIT\n", "--noflush")
			other := r.prints("filter", "VPND-X")
			if slices.Equal(plain, other) {
				r.Fatalf("%s and %s are the same, so the test shows nothing", rule, reads)
			}
			// What stands is the other one, and that is seen.
			if diffs := r.differences(r.normal(wish)); len(diffs) == 0 {
				r.Errorf("%s is taken for %s", reads, rule)
			}
			r.converge(wish)
			if got := r.prints("filter", "VPND-X"); !slices.Equal(got, plain) {
				r.Errorf("%s was not written as plain iptables writes it", rule)
			}
			// It is seen again when somebody puts the other one there, and the other
			// way round when that is asked for.
			taken := r.observe(wish)[name]
			r.program("-restore", "*filter\n:VPND-X - [0:0]\n-A VPND-X -p udp -j ACCEPT\n-A VPND-X "+reads+"\nCOMMIT\n", "--noflush")
			r.converge(wish)
			if got := r.prints("filter", "VPND-X"); !slices.Equal(got, plain) {
				r.Errorf("the other rule stands in the place of %s", rule)
			}
			r.converge(map[string]*Chain{name: wishFor("INPUT", "", "-p udp -j ACCEPT", reads)})
			if got := r.prints("filter", "VPND-X"); !slices.Equal(got, other) {
				r.Errorf("%s still stands in the place of %s", rule, reads)
			}
			// What was observed brings it back, also where nothing is remembered.
			if err := os.RemoveAll(r.Cache); err != nil {
				r.Fatal(err)
			}
			if err := resourcetest.Apply(context.Background(), r, name, nil, r.reread(taken)); err != nil {
				r.Fatal(err)
			}
			if got := r.prints("filter", "VPND-X"); !slices.Equal(got, plain) {
				r.Errorf("the way back from %s did not bring %s", reads, rule)
			}
			if got := r.observe(wish)[name]; !resource.Equal(got, taken) {
				r.Errorf("brought back %v, and see %v", taken.Rules, got.Rules)
			}
		}
	})
}

func (r room) normal(wants map[string]*Chain) map[string]*Chain {
	r.Helper()
	normal, err := r.Normalize(context.Background(), wants)
	if err != nil {
		r.Fatal(err)
	}
	return normal
}

// reread returns a chain as it comes out of the state.
func (r room) reread(c *Chain) Chain {
	r.Helper()
	data, err := resource.Encode(c, resource.Reveal)
	if err != nil {
		r.Fatal(err)
	}
	var again Chain
	if err := resource.Decode(data, &again); err != nil {
		r.Fatal(err)
	}
	return again
}

// Two ways to write one rule are one rule.
func TestTwoWordingsOfOneRule(t *testing.T) {
	everywhere(t, func(r room) {
		wants := map[string]*Chain{
			r.name("filter/VPND-X"): wishFor("INPUT", "", "-p esp -m esp ! --espspi : -j ACCEPT"),
			r.name("filter/VPND-Y"): wishFor("INPUT", "", "-p esp -m esp ! --espspi 0:0xffffffff -j ACCEPT"),
		}
		r.converge(wants)
		r.converge(wants)
	})
}

func TestRuleThatReadsAsAnotherAndStandsForSeveralIsRefused(t *testing.T) {
	everywhere(t, func(r room) {
		rule := "-s 10.8.0.1,10.8.0.2 -p esp -m esp ! --espspi : -j ACCEPT"
		_, err := r.Normalize(context.Background(), map[string]*Chain{r.name("filter/VPND-X"): wishFor("INPUT", "", r.local(rule))})
		if err == nil || !strings.Contains(err.Error(), "it stands for several rules, which iptables-save tells only in part; write one for each address") {
			r.Errorf("got %v", err)
		}
	})
}

// A host that an earlier vpnd converged, which wrote what iptables-save prints,
// is left as it is where that says the same in other bytes.
func TestRulesThatSayTheSameInOtherBytesAreLeftAlone(t *testing.T) {
	everywhere(t, func(r room) {
		rules := []string{"-m recent --set", "-p tcp -m connlimit --connlimit-above 3 -j DROP", "-i + -j ACCEPT", "-p all -j ACCEPT", "-p tcp -m tcp ! --sport :1023 -j DROP"}
		wants := map[string]*Chain{r.name("filter/VPND-X"): wishFor("INPUT", "", rules...)}
		r.converge(wants)
		written := r.prints("filter", "VPND-X")
		var reprint strings.Builder
		for line := range strings.Lines(r.save()) {
			if strings.HasPrefix(line, "-A VPND-X") {
				reprint.WriteString(line)
			}
		}
		r.program("-restore", "*filter\n:VPND-X - [0:0]\n"+reprint.String()+"COMMIT\n", "--noflush")
		if slices.Equal(r.prints("filter", "VPND-X"), written) {
			r.Fatal("the bytes are the same, so the test shows nothing")
		}
		if diffs := r.differences(r.normal(wants)); len(diffs) > 0 {
			r.Errorf("%+v", diffs)
		}
	})
}

package chain

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Of a large chain only what changes is written: the rest keeps its counters.
func TestLargeChainIsEdited(t *testing.T) {
	everywhere(t, func(r room) {
		name := r.name("filter/VPND-X")
		rules := []string{"-p tcp -j ACCEPT"}
		for i := range 300 {
			rules = append(rules, fmt.Sprintf("-p udp --dport %d -j ACCEPT", i+1))
		}
		r.converge(map[string]*Chain{name: wishFor("INPUT", "", rules...)})
		loopback := map[string]string{"ip": "127.0.0.1", "ip6": "::1"}[r.family]
		_ = exec.Command("bash", "-c", "echo >/dev/tcp/"+loopback+"/1").Run()
		counted := func() string {
			r.Helper()
			return strings.Split(r.program("", "", "-v", "-S", "VPND-X"), "\n")[1]
		}
		before := counted()
		if strings.Contains(before, "0 0") || strings.Contains(before, "[0:0]") {
			r.Fatalf("nothing was counted: %s", before)
		}
		multiple := map[string]string{"ip": "-s 10.8.0.1,10.8.0.2 -j DROP", "ip6": "-s fd00::1,fd00::2 -j DROP"}[r.family]
		for _, c := range []struct {
			what   string
			change func([]string) []string
			keeps  bool
		}{
			{"one", func(l []string) []string { l[150] = "-p 6 --dport 9 -j DROP"; return l }, true},
			{"first and last", func(l []string) []string { l[1], l[300] = "-p sctp -j DROP", "! -p tcp -j DROP"; return l }, true},
			{"some more", func(l []string) []string {
				return slices.Insert(l, 20, "-p esp -j DROP", "-p esp -m esp ! --espspi : -j DROP")
			}, true},
			{"at the end", func(l []string) []string { return append(l, "-j RETURN") }, true},
			{"some less", func(l []string) []string { return slices.Delete(l, 10, 15) }, true},
			{"others in their place", func(l []string) []string {
				return slices.Replace(l, 10, 12, "-p ah -j DROP", "-p gre -j DROP", "-p 4 -j DROP")
			}, true},
			{"one that is several", func(l []string) []string { return append(l, multiple) }, false},
			{"many", func(l []string) []string { slices.Reverse(l[1:]); return l }, false},
		} {
			rules = c.change(slices.Clone(rules))
			r.converge(map[string]*Chain{name: wishFor("INPUT", "", rules...)})
			if after := counted(); (after == before) != c.keeps {
				r.Errorf("%s: the first rule counted %s, and now %s", c.what, before, after)
			}
		}
		// So is what somebody else has changed there.
		r.iptables("-D VPND-X 5")
		r.iptables("-I VPND-X 70 -j DROP")
		r.converge(map[string]*Chain{name: wishFor("INPUT", "", rules...)})
	})
}

package chain

import (
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/kind/chain/syntax"
)

// What makes a chain worthless is told, with what takes it away; what others
// accept beside a default is what that is for.
func TestWhatMakesAChainWorthlessIsTold(t *testing.T) {
	for _, c := range []struct {
		name, comes string // the latter commands of iptables, one a line
		tells       string // of which chain: X at the top, END at the bottom
		rule        string // that it names, in INPUT
	}{
		{"accept", "-I INPUT -j ACCEPT\n-A INPUT -p tcp -j ACCEPT", "END", "-j ACCEPT"},
		{"accept and nothing else", "-I INPUT -j ACCEPT", "", ""},
		{"accept with a comment", `-I INPUT -m comment --comment open -j ACCEPT` + "\n" + `-A INPUT -p tcp -j ACCEPT`, "END", "-m comment --comment open -j ACCEPT"},
		{"chain that accepts", "-N OPEN\n-A OPEN -j LOG\n-A OPEN -j ACCEPT\n-I INPUT -j OPEN\n-A INPUT -p tcp -j DROP", "END", "-j OPEN"},
		{"return to a policy that accepts", "-I INPUT -j RETURN", "END", "-j RETURN"},
		{"return to a policy that drops", "-P INPUT DROP\n-I INPUT -j RETURN", "", ""},
		{"leap to a policy that accepts", "-N SOME\n-A SOME -p tcp --dport 22 -j ACCEPT\n-I INPUT -g SOME", "END", "-g SOME"},
		{"leap to what drops", "-N SHUT\n-A SHUT -j DROP\n-A INPUT -g SHUT", "", ""},
		{"accept of a whole protocol", "-I INPUT -p tcp -j ACCEPT", "END", "-p tcp -j ACCEPT"},
		{"accept of all that is new", "-I INPUT -p udp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "END", "-p udp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"},
		{"accept of what is known", "-I INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "", ""},
		{"accept from an interface", "-I INPUT -i docker0 -j ACCEPT", "", ""},
		{"accept of some", "-I INPUT -p tcp --dport 22 -j ACCEPT", "", ""},
		{"accept of loopback", "-I INPUT -i lo -j ACCEPT", "", ""},
		{"accept behind it", "-A INPUT -j ACCEPT", "", ""},
		{"drop", "-I INPUT -j DROP", "X", "-j DROP"},
		{"reject", "-I INPUT -j REJECT", "X", "-j REJECT --reject-with icmp-port-unreachable"},
		{"chain that drops", "-N SHUT\n-A SHUT -j DROP\n-I INPUT -j SHUT", "X", "-j SHUT"},
		{"drop of some", "-I INPUT -s 10.8.0.1 -j DROP", "", ""},
		{"drop below it", "-A INPUT -j DROP", "", ""},
		{"chain that leads round", "-N ONE\n-N TWO\n-A ONE -j TWO\n-I INPUT -j ONE", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(r room) {
				wants := map[string]*Chain{
					r.name("filter/VPND-X"):   wishFor("INPUT", "top", "-p udp --dport 1194 -j ACCEPT"),
					r.name("filter/VPND-END"): wishFor("INPUT", "bottom", "-i lo -j ACCEPT", "-j DROP"),
				}
				r.converge(wants)
				for line := range strings.Lines(c.comes) {
					r.iptables(r.local(line))
				}
				r.converge(wants)
				rule := c.rule
				if r.family == "ip6" {
					rule = strings.Replace(rule, "icmp-port", "icmp6-port", 1)
				}
				for name, seen := range r.observe(wants) {
					if is := strings.HasSuffix(name, "-"+c.tells); is != (*seen.Overruled != "") {
						r.Errorf("%s: %q", name, *seen.Overruled)
					}
					way := "unless that is meant, run " + syntax.Command[r.family] + " -t filter -D INPUT " + rule
					if *seen.Overruled != "" && !strings.HasSuffix(*seen.Overruled, way) {
						r.Errorf("%s: %q, want %q at its end", name, *seen.Overruled, way)
					}
				}
			})
		})
	}
}

// Who accepts all that comes from where the default route leads to has switched
// the default off, of whatever else he keeps it.
func TestAcceptingTheUplinkIsTold(t *testing.T) {
	everywhere(t, func(r room) {
		for _, line := range []string{
			"link add up0 type veth peer name up1", "addr add 192.0.2.1/24 dev up0", "link set up0 up", "route add default via 192.0.2.2",
		} {
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				r.Fatalf("ip %s: %v: %s", line, err, out)
			}
		}
		name := r.name("filter/VPND-END")
		wants := map[string]*Chain{name: wishFor("INPUT", "bottom", "-i lo -j ACCEPT", "-j DROP")}
		r.converge(wants)
		r.iptables("-I INPUT -p tcp --dport 80 -j ACCEPT")
		for link, told := range map[string]bool{"up1": false, "up0": true} {
			r.iptables("-I INPUT -i " + link + " -m comment --comment open -j ACCEPT")
			r.converge(wants)
			text := *r.observe(wants)[name].Overruled
			if is := strings.Contains(text, "accepts all such packets before it is asked"); is != told {
				r.Errorf("%s: %q", link, text)
			}
			r.iptables("-D INPUT -i " + link + " -m comment --comment open -j ACCEPT")
		}
	})
}

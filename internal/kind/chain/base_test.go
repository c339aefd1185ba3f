package chain

import (
	"context"
	"strings"
	"testing"
)

// What vpnd accepts and another table drops all the same is told, with what opens
// it there, until that is done.
func TestChainsOfOtherTablesThatDropAreTold(t *testing.T) {
	for _, c := range []struct {
		name, makes string // the latter lines for nft
		opens       []string
	}{
		{"policy", "add chain inet others in { type filter hook input priority 10 ; policy drop ; }", []string{
			"nft insert rule inet others in udp dport 1194 accept",
		}},
		{"last rule", "add chain inet others in { type filter hook input priority 10 ; }\nadd rule inet others in tcp dport 22 accept\nadd rule inet others in counter reject", []string{
			"nft insert rule inet others in udp dport 1194 accept",
		}},
		{"forward", "add chain inet others through { type filter hook forward priority 0 ; policy drop ; }", []string{
			"nft insert rule inet others through FAMILY saddr 10.8.0.0/24 accept",
			"nft insert rule inet others through FAMILY daddr 10.8.0.0/24 accept",
		}},
		{"drops some", "add chain inet others in { type filter hook input priority 10 ; }\nadd rule inet others in tcp dport 22 drop", nil},
		{"output", "add chain inet others out { type filter hook output priority 10 ; policy drop ; }", nil},
		{"no hook", "add chain inet others in\nadd rule inet others in drop", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			everywhere(t, func(r room) {
				r.converge(map[string]*Chain{
					r.name("filter/VPND-IN"):  wishFor("INPUT", "top", "-p udp --dport 1194 -j ACCEPT", "-p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT"),
					r.name("filter/VPND-FWD"): wishFor("FORWARD", "top", r.local("-s 10.8.0.0/24 ! -i eth0 -j ACCEPT"), r.local("-d 10.8.0.0/24 -j DROP")),
				})
				if advice := r.Advise(context.Background()); len(advice) > 0 {
					r.Fatalf("nothing is there, yet: %q", advice)
				}
				r.nft("add table inet others")
				for line := range strings.Lines(c.makes) {
					r.nft(line)
				}
				advice := r.Advise(context.Background())
				if (len(advice) == 1) != (c.opens != nil) {
					r.Fatalf("told: %q", advice)
				}
				for _, way := range c.opens {
					way = r.local(strings.Replace(way, "FAMILY", r.family, 1))
					if !strings.Contains(advice[0], way) {
						r.Errorf("%q is missing in %q", way, advice)
					}
					r.nft(strings.TrimPrefix(way, "nft "))
				}
				if advice := r.Advise(context.Background()); len(advice) > 0 {
					r.Errorf("told after it was opened: %q", advice)
				}
			})
		})
	}
}

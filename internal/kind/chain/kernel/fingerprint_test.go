package kernel

import (
	"fmt"
	"hash/maphash"
	"os/exec"
	"strings"
	"testing"

	"vpnd/internal/nettest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

var seed = maphash.MakeSeed()

// Neither family's counters count, and each other byte does.
func TestFingerprintsLeaveCountersOut(t *testing.T) {
	nettest.Fresh(t)
	print := func() string {
		t.Helper()
		p, err := Fingerprints(seed)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(p)
	}
	for _, c := range []struct{ iptables, address, wide string }{
		{"iptables-legacy", "127.0.0.1", "127.0.0.0/8"},
		{"ip6tables-legacy", "::1", "::/120"},
	} {
		nettest.Run(t, "", c.iptables+" -A OUTPUT -d "+c.address+" -m comment --comment x -j ACCEPT")
		before := print()
		nettest.Packets(t, c.address)
		if out, err := exec.Command(c.iptables+"-save", "-c").Output(); err != nil || strings.Contains(string(out), "\n[0:") {
			t.Fatalf("nothing was counted: %v: %s", err, out)
		}
		if after := print(); after != before {
			t.Errorf("%s: traffic changed the fingerprint", c.iptables)
		}
		for _, rule := range []string{"-d " + c.wide + " -m comment --comment x -j ACCEPT", "-d " + c.wide + " -m comment --comment x -j DROP", "-d " + c.wide + " -m comment --comment y -j DROP"} {
			before = print()
			nettest.Run(t, "", c.iptables+" -R OUTPUT 1 "+rule)
			if after := print(); after == before {
				t.Errorf("%s: %s did not change the fingerprint", c.iptables, rule)
			}
		}
	}
}

func BenchmarkFingerprint10000Rules(b *testing.B) {
	nettest.Fresh(b)
	var s strings.Builder
	s.WriteString("*filter\n:BIG - [0:0]\n")
	for i := range 10000 {
		fmt.Fprintf(&s, "-A BIG -s 10.%d.%d.1 -j ACCEPT\n", i/250, i%250)
	}
	cmd := exec.Command("iptables-legacy-restore")
	cmd.Stdin = strings.NewReader(s.String() + "COMMIT\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for b.Loop() {
		if _, err := Fingerprints(seed); err != nil {
			b.Fatal(err)
		}
	}
}

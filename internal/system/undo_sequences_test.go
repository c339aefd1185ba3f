package system

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// Configurations that random sequences go between: rules, a key of the kernel
// that is taken over, files, and a PKI that revokes somebody.
var wishes = []string{
	`sysctl "net.ipv4.ip_forward" { value = "1" }
directory "/etc/acme" {}
file "/etc/acme/motd" {
  content    = "one\n"
  depends_on = [directory["/etc/acme"]]
}
chain "ip/filter/VPND-ACME" {
  hook  = "INPUT"
  rules = ["-p tcp --dport 22 -j ACCEPT"]
}
`,
	`directory "/etc/acme" { mode = "0750" }
file "/etc/acme/motd" {
  content    = "two\n"
  depends_on = [directory["/etc/acme"]]
}
chain "ip/filter/VPND-ACME" {
  hook  = "INPUT"
  rules = ["-p tcp --dport 2222 -j ACCEPT"]
}
pki "acme" {
  subject { common_name = "Acme" }
  client "alice" {}
  client "bob" {}
}
`,
	`sysctl "net.ipv4.ip_forward" { value = "1" }
pki "acme" {
  subject { common_name = "Acme" }
  client "alice" {}
  client "bob" { revoked = true }
}
`,
	`file "/etc/openvpn/server/theirs.txt" { content = "ours\n" }
`,
}

// steps are what a sequence is made of. Whether one succeeds is not the question
// yet: an apply may wait for confirmation, or iptables be missing.
var steps = []func(scene, *rand.Rand) string{
	func(scene, *rand.Rand) string { return "vpnd apply --yes" },
	func(scene, *rand.Rand) string { return "vpnd apply --yes" },
	func(scene, *rand.Rand) string { return "vpnd apply --yes --confirm 10m --no-probes" },
	func(scene, *rand.Rand) string { return "vpnd confirm" },
	func(scene, *rand.Rand) string { return "vpnd rollback --yes" },
	func(scene, *rand.Rand) string {
		return "vpnd rollback --yes $(ls /var/lib/vpnd/snapshots | head -1 | sed s/.json//)"
	},
	func(scene, *rand.Rand) string { return "vpnd destroy --yes" },
	func(scene, *rand.Rand) string { return "vpnd forget 'pki.acme'; rm -rf /var/lib/vpnd/pki" },
	func(_ scene, r *rand.Rand) string {
		return fmt.Sprintf("timeout -s KILL 0.%02d vpnd %s --yes", 5+r.IntN(60), []string{"apply", "rollback", "destroy"}[r.IntN(3)])
	},
	func(scene, *rand.Rand) string { return "mv /usr/sbin/iptables /usr/sbin/iptables.away" },
	func(scene, *rand.Rand) string { return "iptables -F VPND-ACME; rm -f /etc/acme/motd" },
	func(scene, *rand.Rand) string { return "rm -rf /etc/acme /var/lib/vpnd/pki" },
	func(scene, *rand.Rand) string { return "vpnd confirm --abandon" },
}

// An undo succeeds from every state that commands lead to, on a real host: random
// sequences of them on one that is used again and again, which is as it was after
// each.
func TestUndoFromEveryStateOfAHost(t *testing.T) {
	t.Parallel()
	const sequences = 20
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	first := s.print()
	from := seed(t)
	applied := 0
	for i := range uint64(sequences) {
		r := rand.New(rand.NewPCG(from, i))
		var told []string
		for range 3 + r.IntN(3) {
			if r.IntN(2) == 0 || len(told) == 0 {
				s.configure(wishes[r.IntN(len(wishes))])
			}
			step := steps[r.IntN(len(steps))](s, r)
			out := s.sh("(" + step + ") 2>&1; echo status $?")
			told = append(told, step, out)
			if strings.HasPrefix(step, "vpnd apply") && strings.HasSuffix(strings.TrimSpace(out), "status 0") {
				applied++
			}
		}
		s.undoneFrom(first, func() string { return strings.Join(told, "\n") })
	}
	if applied < sequences/2 {
		t.Errorf("only %d applies came to their end, so that this shows little", applied)
	}
}

// undoneFrom takes all back and wants the host to be as it was first.
func (s scene) undoneFrom(first string, told func() string) {
	s.t.Helper()
	const heal = `if [ -e /usr/sbin/iptables.away ]; then mv /usr/sbin/iptables.away /usr/sbin/iptables; fi`
	out := s.sh(heal + `
for i in 1 2 3; do
	if ls /var/lib/vpnd/snapshots/*.json > /dev/null 2>&1; then
		vpnd rollback --yes 2>&1 || echo FAILED rollback
	fi
done
vpnd destroy --yes 2>&1 || echo FAILED destroy
if [ -e /var/lib/vpnd/pending.json ]; then echo FAILED: something waits; fi`)
	if strings.Contains(out, "FAILED") {
		s.t.Fatalf("%s\n--- after\n%s", out, told())
	}
	if now := s.print(); now != first {
		s.as(first, "undoing all after\n"+told()+"\n"+out)
	}
}

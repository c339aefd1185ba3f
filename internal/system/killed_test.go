package system

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// kills is how often an apply is killed.
const kills = 15

// TestKilledApply kills vpnd apply at random moments: the next one finishes
// the work, no key was readable to others for a moment, and what is not vpnd's
// is as it was.
func TestKilledApply(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Foreigners(t.Context()))
	first := s.print()
	began := time.Now()
	s.apply()
	whole := time.Since(began)
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")

	t.Logf("a whole apply takes %s", whole)
	random := rand.New(rand.NewPCG(seed(t), 0))
	var caught int
	for i := range kills {
		s.ok(s.Edit(t.Context(), "vpn.hcl", versions[i%2], versions[(i+1)%2]))
		if s.killed(time.Duration(random.Int64N(int64(whole) * 2 / 3))) {
			caught++
		}
		s.keysAreSafe()
		s.foreignersStand(first)
		switch i % 4 {
		case 0: // the next apply finishes the work
			s.vpnd(0, "apply", "--yes")
			s.converged()
		case 1: // destroy takes away what was half made
			s.vpnd(0, "destroy", "--yes")
			s.as(first, "destroying what a killed apply left")
		} // otherwise the next one meets what this one left
	}
	if caught < kills/5 { // the first apply, which was measured, has the most to do
		t.Errorf("only %d of %d applies were killed at work", caught, kills)
	}
	s.vpnd(0, "apply", "--yes")
	s.converged()
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
}

// versions are a line of the configuration and what it becomes and is again:
// each apply has something to do.
var versions = []string{
	`client "alice" {}`,
	"client \"alice\" {}\n  client \"bob\" {}\n  client \"carol\" { revoked = true }",
}

// killed starts vpnd apply and kills it after some time; it says whether it
// was still at work.
func (s scene) killed(after time.Duration) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), after)
	defer cancel()
	_, _, err := s.VPND(ctx, "apply", "--yes")
	return ctx.Err() != nil && err != nil
}

// keysAreSafe wants no private key on the gateway, in whatever file, that
// others may read.
func (s scene) keysAreSafe() {
	s.t.Helper()
	open := s.sh(`find /etc /var/lib/vpnd /run/vpnd /tmp -xdev -type f -perm /077 -print0 | xargs -0 grep -lE 'PRIVATE KEY|OpenVPN (static key|tls-crypt)' -- | grep -v '^/etc/ssh/' || true`)
	if open != "" {
		s.t.Errorf("these hold keys and are not for root alone:\n%s", open)
	}
}

// foreignersStand wants every line of what others have on the gateway, rules
// and files, to be there as before.
func (s scene) foreignersStand(first string) {
	s.t.Helper()
	is := make(map[string]int)
	for line := range strings.Lines(s.print() + "\n") {
		is[line]++
	}
	var gone []string
	for line := range strings.Lines(foreign(first)) {
		if is[line]--; is[line] < 0 {
			gone = append(gone, line)
		}
	}
	if len(gone) > 0 {
		s.t.Errorf("this was not vpnd's and is gone:\n%s", strings.Join(gone, ""))
	}
}

// foreign leaves out of a print what vpnd takes over or what follows from it.
func foreign(print string) string {
	var b strings.Builder
	for line := range strings.Lines(print) {
		taken := strings.Contains(line, "ip_forward") || strings.Contains(line, "openvpn-server@") || strings.Contains(line, "forwarding =") || strings.Contains(line, "all.accept_redirects")
		if !taken {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String()
}

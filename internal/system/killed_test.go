package system

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/lab/office"
)

// A reaper kills vpnd at work and looks at what becomes of the host.
type reaper struct {
	scene
	random *rand.Rand
	first  string // the gateway before vpnd came, others at home there
}

// reaped is a gateway with others on it and the example configured.
func reaped(t *testing.T) reaper {
	t.Helper()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Foreigners(t.Context()))
	return reaper{s, rand.New(rand.NewPCG(seed(t), 0)), s.print()}
}

// in is the same reaper in a subtest.
func (r reaper) in(t *testing.T) reaper { return reaper{r.scene.in(t), r.random, r.first} }

// unharmed wants what holds at any moment: keys are for root alone, and what
// isn't vpnd's is there, which takes longer to see.
func (r reaper) unharmed(round int) {
	r.t.Helper()
	r.run("systemctl", "reset-failed") // five starts in ten seconds are systemd's limit, and fewer than here
	r.keysAreSafe()
	if round%4 == 0 {
		r.foreignersStand(r.first)
	}
}

// same wants the gateway to be as it is where nobody is killed, keys and what
// is made of them apart.
func (r reaper) same(whole string) {
	r.t.Helper()
	if is := whoever(r.print()); is != whoever(whole) {
		r.t.Fatalf("the host is not as where nobody was killed:\n%s", office.Diff(whoever(whole), is))
	}
	r.matched()
	r.refreshed()
	r.tidied()
}

// made are files whose content differs each time that they are made anew.
var made = regexp.MustCompile(`(?m)^[0-9a-f]{64}(  /etc/openvpn/server/office/(server\.key|server\.crt|ca\.crt|crl\.pem|tls-crypt-v2\.key))$`)

// idle are the words for an interface that nobody reads from; a fresh one has
// them a moment later.
var idle = strings.NewReplacer("NO-CARRIER,", "", " linkdown", "")

// whoever leaves out of a print what depends on which keys were drawn.
func whoever(print string) string {
	lines := strings.Split(made.ReplaceAllString(idle.Replace(print), "(drawn)$1"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, "/issued/") })
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// matched wants the certificate that the server has to be of its key and of its
// CA.
func (r reaper) matched() {
	r.t.Helper()
	r.sh(`cd /etc/openvpn/server/office || exit 1
of=$(openssl x509 -in server.crt -noout -pubkey) && has=$(openssl pkey -in server.key -pubout) || exit 1
test "$of" = "$has" || { echo "the server's certificate is not of its key" >&2; exit 1; }
openssl verify -CAfile ca.crt server.crt >&2`)
}

// refreshed wants the server to run on the configuration and the key that are on
// the disk: its process is younger than both, and did not have to be started
// again. The time of a file's change counts; that of its content, which vpnd
// sets, may be a second ahead.
func (r reaper) refreshed() {
	r.t.Helper()
	r.sh(`
at=$(systemctl show --timestamp=us+utc -P ExecMainStartTimestamp openvpn-server@office)
started=$(date -d "$at" +%s%6N)
for f in /etc/openvpn/server/office.conf /etc/openvpn/server/office/server.key; do
	written=$(stat -c %.6Z $f | tr -d .)
	test $written -le $started || { echo "$f was written at $written, and the server runs since $started" >&2; exit 1; }
done
n=$(systemctl show -P NRestarts openvpn-server@office)
test $n = 0 || { echo "the server failed and was started again $n times" >&2; exit 1; }`)
}

// tidied wants nothing half written to be left, by whomever.
func (r reaper) tidied() {
	r.t.Helper()
	if left := r.sh(`find / -xdev \( -path /proc -o -path /sys \) -prune -o -name '.*.vpnd-????????' -print; find /tmp -name 'vpnd-*'`); left != "" {
		r.t.Errorf("this was left behind:\n%s", left)
	}
}

// keysAreSafe wants no private key on the gateway, in whatever file, that
// others may read.
func (s scene) keysAreSafe() {
	s.t.Helper()
	open := s.sh(`find /etc /var/lib/vpnd /run/vpnd /tmp -xdev -type f -perm /077 -print0 | xargs -0 grep -lE 'PRIVATE KEY|OpenVPN (Static key|tls-crypt)' -- | grep -v '^/etc/ssh/' || true`)
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
		taken := strings.Contains(line, "ip_forward") || strings.Contains(line, "openvpn-server@") || strings.Contains(line, "forwarding =") || strings.Contains(line, "all.accept_redirects") || strings.Contains(line, "eth0.rp_filter")
		if !taken {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String()
}

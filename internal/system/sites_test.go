package system

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// A site is a gateway of one of two sites, east and west, on one network that stands
// for the internet. Each has two outside addresses, 203.0.113.N and 203.0.113.1N, and
// two networks of its own, 10.N.1.0/24 and 10.N.2.0/24; N is 1 in the east and 2 in
// the west. ESP is charon's own, since hosts share a kernel that may have none.
type site struct {
	scene
	n int
}

// twoSites boots both, of a release of Debian; strongSwan runs, and has nothing to do.
func twoSites(t *testing.T, release string) (east, west site) {
	t.Helper()
	l := labtest.For(t, 2, release)
	return newSite(t, l, "east", 1), newSite(t, l, "west", 2)
}

func newSite(t *testing.T, l *lab.Lab, name string, n int) site {
	t.Helper()
	h := labtest.Host(t, l, name)
	s := site{scene{&office.Office{Gateway: h}, t}, n}
	at := func(format string) netip.Prefix { return netip.MustParsePrefix(fmt.Sprintf(format, n)) }
	s.ok(l.Join("internet", h, "eth0", at("203.0.113.%d/24"), at("203.0.113.1%d/24")))
	s.ok(l.Join("lan-"+name, h, "lan0", at("10.%d.1.1/24"), at("10.%d.2.1/24")))
	s.ok(h.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	s.ok(h.UseUserSpaceESP(t.Context()))
	return s
}

// other is the number of the other site.
func (s site) other() int { return 3 - s.n }

// connection is a block of this side; tunnel 1 or 2 is between the outside addresses
// and the networks that go with that number. What is given besides stands in it, and
// what is said of the child in that.
func (s site) connection(name string, tunnel int, psk, besides, child string) string {
	outside := map[int]string{1: "203.0.113.", 2: "203.0.113.1"}[tunnel]
	return fmt.Sprintf(`
ipsec_connection %[1]q {
  local_addrs  = ["%[2]s%[3]d"]
  remote_addrs = ["%[2]s%[4]d"]
  proposals    = ["aes256gcm16-prfsha384-ecp384"]
  psk          = %[5]q
  %[6]s
  local { id = "%[1]s-%[3]d" }
  remote { id = "%[1]s-%[4]d" }
  child %[1]q {
    local_ts      = ["10.%[3]d.%[8]d.0/24"]
    remote_ts     = ["10.%[4]d.%[8]d.0/24"]
    esp_proposals = ["aes256gcm16-ecp384"]
    %[7]s
  }
}
`, name, outside, s.n, s.other(), psk, besides, child, tunnel)
}

// running is the block that has strongSwan run.
const running = "unit \"strongswan.service\" { active = true }\n"

// reaches wants packets to come through a tunnel and back.
func (s site) reaches(tunnel int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("ping -c1 -W1 -I 10.%d.%d.1 10.%d.%d.1", s.n, tunnel, s.other(), tunnel), "1 received")
}

// eventually wants a script to say that within a minute.
func (s site) eventually(script, want string) {
	s.t.Helper()
	out := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		out, _ = s.Gateway.Run(s.t.Context(), "sh", "-c", script+" 2>&1 || true")
		if strings.Contains(out, want) {
			return
		}
	}
	s.t.Fatalf("%s: %q is not said by %s, but\n%s\nand charon\n%s", s.Gateway.Name(), want, script, out, s.charon())
}

// standing is what vpnd tells of the tunnels, whatever its exit status says of the
// agent, which does not run here.
func (s site) standing() string {
	s.t.Helper()
	out, _, err := s.VPND(s.t.Context(), "status")
	s.ok(err)
	return out
}

// charon is what charon said last.
func (s site) charon() string {
	out, _ := s.Gateway.Run(s.t.Context(), "journalctl", "-u", "strongswan", "-o", "cat", "-n", "60")
	return out
}

var uniqueID = regexp.MustCompile(`uniqueid=(\d+)`)

// sa is the number of the IKE SA of a connection, empty where there is none.
func (s site) sa(name string) string {
	s.t.Helper()
	m := uniqueID.FindStringSubmatch(s.sh("swanctl --list-sas --raw --ike " + name))
	if m == nil {
		return ""
	}
	return m[1]
}

package system

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// several is a server with two ways in, and people.
const several = `
pki "office" {
  subject { common_name = "Acme Corp VPN CA" }
  server "server" {}
  client "alice" {}
  client "bob" {}
  client "carol" { revoked = false }
}
openvpn_server "office" {
  listen  = ["udp/1194", "tcp/443"]
  network = "10.8.0.0/22"
  pki     = pki.office
  remote  = "203.0.113.1"
  push { routes = ["10.0.0.0/16"] }
  client "alice" { address = "10.8.0.9" }
}
gateway "office" {
  uplink   = "eth0"
  networks = [openvpn_server.office.network]
}
`

// TestSeveralWaysIn lets people in by the first listener, and by the second one where
// a firewall between refuses the first.
func TestSeveralWaysIn(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		l := labtest.Of(t, release)
		o, err := office.Alone(t.Context(), l, vpnd)
		if err != nil {
			t.Fatal(err)
		}
		s := scene{o, t}
		intranet := labtest.Host(t, l, "intranet")
		s.ok(l.Join("lan", intranet, "eth0", netip.MustParsePrefix(office.Intranet+"/16")))
		s.configure(several)
		s.apply()
		alice, bob, carol := s.person(l, "alice", 11), s.person(l, "bob", 12), s.person(l, "carol", 13)
		for _, p := range []person{alice, bob, carol} {
			p.profile()
		}
		s.comesInByTheOther(alice)
		s.serves(alice, bob, carol)
	})
}

// comesInByTheOther has a firewall refuse the first way in, without a word.
func (s scene) comesInByTheOther(p person) {
	s.t.Helper()
	p.dials("10.8.0.9")
	p.reaches(office.Intranet)
	p.sh("systemctl stop openvpn-client@office && iptables -A OUTPUT -p udp --dport 1194 -j DROP") // it could still say goodbye
	begun := time.Now()
	p.dials("10.8.2.9")
	s.t.Logf("without UDP it took %v to come in", time.Since(begun).Round(100*time.Millisecond))
	p.reaches(office.Intranet)
	p.reaches("10.8.2.1")
}

// serves has all that is told and done of who is connected hold for both processes.
func (s scene) serves(alice, bob, carol person) {
	s.t.Helper()
	bob.dials("10.8.0.")
	carol.sh("iptables -A OUTPUT -p udp --dport 1194 -j DROP")
	carol.dials("10.8.2.")
	bob.reaches(carol.address()) // by way of the host
	s.names(s.vpnd(0, "client", "show", "carol"), "to openvpn_server.office/tcp-443 since 20", carol.address())
	s.names(s.vpnd(1, "status"), "openvpn_server.office: 1 connected", "openvpn_server.office/tcp-443: 2 connected")
	s.vpnd(0, "client", "disconnect", "alice")
	alice.until("she is in again", func() error { return alice.ping(office.Intranet) })
	others := alice.sessions() + bob.sessions()
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", "revoked = false", "revoked = true"))
	s.names(s.apply(), "Cost: disconnects one client")
	carol.until("carol is out", func() error {
		if carol.ping(office.Intranet) == nil {
			return fmt.Errorf("she reaches the intranet")
		}
		return nil
	})
	if now := alice.sessions() + bob.sessions(); now != others {
		s.t.Errorf("others had connected %q times and now %q times", others, now)
	}
}

// A person is somebody out there, with a host of their own.
type person struct {
	scene
	host *lab.Host
	name string
}

// person boots the host of somebody on the internet.
func (s scene) person(l *lab.Lab, name string, number int) person {
	s.t.Helper()
	host := labtest.Host(s.t, l, name)
	s.ok(l.Join("internet", host, "eth0", netip.MustParsePrefix(fmt.Sprintf("203.0.113.%d/24", number))))
	return person{s, host, name}
}

func (p person) sh(script string) string {
	p.t.Helper()
	return strings.TrimSpace(labtest.Run(p.t, p.host, "sh", "-c", script))
}

// profile hands the person's profile out.
func (p person) profile() {
	p.t.Helper()
	text, err := p.Gateway.ReadFile("/var/lib/vpnd/profiles/office/" + p.name + ".ovpn")
	p.ok(err)
	p.ok(p.host.WriteFile(p.t.Context(), "/etc/openvpn/client/office.conf", text, 0o600))
}

// dials connects anew and wants an address that begins so.
func (p person) dials(address string) {
	p.t.Helper()
	p.sh("systemctl stop openvpn-client@office; systemctl start openvpn-client@office")
	p.until("the address is "+address, func() error {
		if got := p.address(); !strings.HasPrefix(got, address) {
			return fmt.Errorf("%s has %q\n%s", p.name, got, p.journal())
		}
		return nil
	})
}

// address is the one that the person has in the VPN, empty for none.
func (p person) address() string {
	out, _ := p.host.Run(p.t.Context(), "sh", "-c", "ip -4 -o addr show dev tun0 2>/dev/null | sed -n 's,.* inet \\([0-9.]*\\)/.*,\\1,p'")
	return strings.TrimSpace(out)
}

func (p person) journal() string {
	out, _ := p.host.Run(p.t.Context(), "journalctl", "-u", "openvpn-client@office", "-n", "25", "--no-pager", "-o", "cat")
	return out
}

// sessions is how often the person has connected.
func (p person) sessions() string {
	p.t.Helper()
	return p.name + " " + p.sh("journalctl -u openvpn-client@office -o cat | grep -c 'Initialization Sequence Completed' || true") + " "
}

func (p person) ping(to string) error {
	_, err := p.host.Run(p.t.Context(), "ping", "-c", "1", "-W", "1", to)
	return err
}

// reaches wants somebody to answer, and that by the VPN.
func (p person) reaches(to string) {
	p.t.Helper()
	p.until("it reaches "+to, func() error { return p.ping(to) })
	if way := p.sh("ip route get " + to); !strings.Contains(way, "dev tun0") {
		p.t.Errorf("%s reaches %s past the VPN: %s", p.name, to, way)
	}
}

// until waits for what shall become so.
func (p person) until(what string, so func() error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	for {
		err := so()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("it did not come about that %s: %v", what, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

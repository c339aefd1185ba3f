package system

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// several is a server with two ways in, and people, some of whom may reach one host only.
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
  group "contractors" {
    network = "10.8.3.0/24"
    reach   = ["10.0.0.2/32"]
  }
  client "alice" { address = "10.8.0.9" }
  client "bob" {}
  client "carol" { group = "contractors" }
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
		l := labtest.For(t, 5, release, newer[release]...)
		o, err := office.Alone(t.Context(), l, vpnd)
		if err != nil {
			t.Fatal(err)
		}
		s := scene{o, t}
		intranet := labtest.Host(t, l, "intranet")
		s.ok(l.Join("lan", intranet, "eth0", netip.MustParsePrefix(office.Intranet+"/16")))
		labtest.Run(t, intranet, "ip", "addr", "add", "10.0.0.3/16", "dev", "eth0")
		alice, bob, carol := s.person(l, "alice", 11), s.person(l, "bob", 12), s.person(l, "carol", 13)
		if newer[release] != nil { // the others stay ahead of the server
			t.Logf("the server and bob begin with OpenVPN %s and %s", s.change(s.Gateway, older), s.change(bob.host, older))
		}
		s.configure(several)
		s.apply()
		for _, p := range []person{alice, bob, carol} {
			p.profile()
		}
		s.comesInByTheOther(alice)
		s.serves(alice, bob)
		s.confines(alice, bob, carol)
		s.revokesOne(alice, bob, carol)
		s.changesPlaces(alice, bob)
		if newer[release] != nil {
			s.becomesOneProcess(alice, bob)
		}
	})
}

// changesPlaces has what was the second way in become the first, in one apply, and then
// that alone be restarted, which is told of it alone.
func (s scene) changesPlaces(alice, bob person) {
	s.t.Helper()
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", `["udp/1194", "tcp/443"]`, `["tcp/443", "udp/1194"]`))
	s.lacks(s.apply(), "Cost: disconnects everybody of", "new profile") // all of them are, and the profiles lead where they did
	s.converged()
	alice.dials("10.8.0.9") // a firewall still refuses UDP
	bob.dials("10.8.2.")
	bob.reaches(office.Intranet)

	before := bob.sessions()
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", `client "alice" { address = "10.8.0.9" }`, "client \"alice\" {\n    address = \"10.8.0.9\"\n    routes  = [\"10.77.0.0/24\"]\n  }"))
	told := s.apply()
	s.names(told, "Cost: disconnects everybody of openvpn-server@office for a moment.")
	s.lacks(told, "new profile")
	s.converged()
	alice.reaches(office.Intranet)
	bob.reaches(office.Intranet)
	if now := bob.sessions(); now != before {
		s.t.Errorf("bob had connected %q times and now %q times", before, now)
	}
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
func (s scene) serves(alice, bob person) {
	s.t.Helper()
	bob.dials("10.8.0.")
	bob.reaches(alice.address()) // by way of the host
	s.names(s.vpnd(0, "client", "show", "alice"), "to openvpn_server.office/tcp-443 since 20", alice.address())
	s.names(s.vpnd(1, "status"), "openvpn_server.office: 1 connected", "openvpn_server.office/tcp-443: 1 connected")
	before := alice.sessions()
	s.vpnd(0, "client", "disconnect", "alice")
	alice.until("she is in again", func() error {
		if alice.sessions() == before {
			return errors.New("she has not dialled")
		}
		return alice.ping(office.Intranet)
	})
}

// confines has a member of a group reach what it may and nothing else, by each way in,
// and one who comes into the group, at once.
func (s scene) confines(alice, bob, carol person) {
	s.t.Helper()
	carol.dials("10.8.3.")
	first := netip.MustParseAddr(carol.address())
	carol.isConfined(bob.address())
	alice.reaches("10.0.0.3")
	bob.reaches(carol.address()) // who may answer
	carol.sh("systemctl stop openvpn-client@office && iptables -A OUTPUT -p udp --dport 1194 -j DROP")
	carol.dials("10.8.3.")
	if second := netip.MustParseAddr(carol.address()); first.As4()[3]+128 != second.As4()[3] {
		s.t.Errorf("carol has %s by one way in and %s by the other", first, second)
	}
	carol.isConfined(bob.address())

	others := alice.sessions() + carol.sessions()
	bob.reaches("10.0.0.3")
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", `client "bob" {}
  client "carol" { group`, `client "bob" { group = "contractors" }
  client "carol" { group`))
	s.names(s.apply(), "Cost: disconnects one client")
	bob.until("he has an address of the group", func() error {
		if !strings.HasPrefix(bob.address(), "10.8.3.") {
			return errors.New(bob.address() + bob.journal())
		}
		return nil
	})
	bob.isConfined(alice.address())
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", `client "bob" { group = "contractors" }`, `client "bob" {}`))
	s.names(s.apply(), "Cost: disconnects one client")
	bob.until("he is out of the group", func() error { return bob.ping("10.0.0.3") })
	if now := alice.sessions() + carol.sessions(); now != others {
		s.t.Errorf("others had connected %q times and now %q times", others, now)
	}
}

// isConfined wants the person to reach what a contractor may, and neither another host
// there, nor this one, nor somebody else in the VPN.
func (p person) isConfined(other string) {
	p.t.Helper()
	p.reaches(office.Intranet)
	for _, to := range []string{"10.0.0.3", "10.0.0.1", "10.8.0.1", "10.8.2.1", other} {
		if p.ping(to) == nil {
			p.t.Errorf("%s, a contractor with %s, reaches %s", p.name, p.address(), to)
		}
	}
}

// revokesOne costs nobody else the connection.
func (s scene) revokesOne(alice, bob, carol person) {
	s.t.Helper()
	others := alice.sessions() + bob.sessions()
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", "revoked = false", "revoked = true"))
	s.names(s.apply(), "Cost: disconnects one client")
	carol.until("she is out", func() error {
		if carol.ping(office.Intranet) == nil {
			return errors.New("she reaches the intranet")
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

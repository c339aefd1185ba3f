package system

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// interiors are what VPNs have inside, and where the server of the first listener is in it.
var interiors = []struct{ name, networks, server, server6 string }{
	{"four", `network = "10.8.0.0/24"`, "10.8.0.1", ""},
	{"both", "network  = \"10.8.1.0/24\"\n  network6 = \"fd00:8:1::/64\"", "10.8.1.1", "fd00:8:1::1"},
	{"six", `network6 = "fd00:8:2::/64"`, "", "fd00:8:2::1"},
	{"alone", `network6 = "fd00:8:3::/64"`, "", "fd00:8:3::1"},
}

// families is a server for each of these, with listeners in every family. Where OpenVPN
// can, one process has all those of one.
func families(sockets bool) string {
	var b strings.Builder
	b.WriteString("pki \"office\" {\n  subject { common_name = \"Acme Corp VPN CA\" }\n  server \"server\" {}\n  client \"alice\" {}\n}\n")
	for n, in := range interiors {
		listen := fmt.Sprintf(`"udp/1%[1]d00", "tcp/1%[1]d00", "udp6/1%[1]d01", "tcp6/1%[1]d01", "udp6/[2001:db8:113::1]:1%[1]d02", "tcp6/[2001:db8:113::1]:1%[1]d02"`, n)
		if in.name == "alone" {
			listen = fmt.Sprintf(`"udp6/1%d00"`, n)
		}
		if in.name == "both" && sockets {
			in.networks += "\n  processes = \"one\""
		}
		fmt.Fprintf(&b, `openvpn_server "%s" {
  pki     = pki.office
  dev     = "tun%d"
  listen  = [%s]
  remote  = "%s"
  remotes = ["2001:db8:113::1"]
  %s
}
`, in.name, 10*n, listen, office.Remote, in.networks)
	}
	return b.String()
}

// TestEveryFamily has a client come in by IPv4 and by IPv6, UDP and TCP, into VPNs that
// have IPv4 inside, both, and IPv6 alone: by every line of its profiles, and packets pass.
func TestEveryFamily(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		l := labtest.For(t, 2, release, newer[release]...)
		o, err := office.Alone(t.Context(), l, vpnd)
		if err != nil {
			t.Fatal(err)
		}
		s := scene{o, t}
		alice := s.person(l, "alice", 11)
		s.newcomer(alice)
		s.sh("ip addr add 2001:db8:113::1/64 dev wan0 nodad")
		alice.sh("ip addr add 2001:db8:113::11/64 dev eth0 nodad")
		s.configure(families(newer[release] != nil))
		s.apply()
		ways := 0
		for _, in := range interiors {
			profile, err := s.Gateway.ReadFile("/var/lib/vpnd/profiles/" + in.name + "/alice.ovpn")
			s.ok(err)
			for line := range strings.Lines(string(profile)) {
				if strings.HasPrefix(line, "remote ") {
					ways++
					alice.comesInBy(string(profile), strings.TrimSpace(line), in.server, in.server6)
				}
			}
		}
		if ways != 3*8+2 {
			t.Errorf("there are %d ways in", ways)
		}
	})
}

// comesInBy dials by one line of a profile only, and wants to reach the first server of
// the VPN in each family that it has inside: also where it came in by another one.
func (p person) comesInBy(profile, line, server, server6 string) {
	p.t.Helper()
	var text strings.Builder
	for other := range strings.Lines(profile) {
		if !strings.HasPrefix(other, "remote ") || strings.TrimSpace(other) == line {
			text.WriteString(other)
		}
	}
	p.ok(p.host.WriteFile(p.t.Context(), "/etc/openvpn/client/office.conf", []byte(text.String()), 0o600))
	p.sh("systemctl stop openvpn-client@office; systemctl start openvpn-client@office")
	for _, to := range []string{server, server6} {
		if to == "" {
			continue
		}
		p.until(fmt.Sprintf("%s leads to %s", line, to), func() error {
			if out, err := p.host.Run(p.t.Context(), "ip", "route", "get", to); err != nil || !strings.Contains(out, "dev tun0") {
				return errors.Join(err, errors.New(out+p.journal()))
			}
			return p.ping(to)
		})
	}
	addresses := p.sh("ip -o addr show dev tun0 scope global")
	if has := strings.Contains(addresses, "inet "); has != (server != "") {
		p.t.Errorf("by %s it has %s", line, addresses)
	}
	if has := strings.Contains(addresses, "inet6 "); has != (server6 != "") {
		p.t.Errorf("by %s it has %s", line, addresses)
	}
}

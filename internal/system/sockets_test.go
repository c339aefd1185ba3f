package system

import (
	"errors"
	"strings"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
)

// newer are packages of a release in the version of its backports: OpenVPN 2.7 or later.
// Hosts that have it keep that of the release itself beside, see change.
var newer = map[string][]string{lab.Trixie: {"openvpn/trixie-backports"}}

// The archives of OpenVPN that a host has.
const (
	older = "head -n 1"
	newly = "tail -n 1"
)

// change has a host have another OpenVPN than it has, as an upgrade of the package does:
// what runs goes on.
func (s scene) change(h *lab.Host, which string) string {
	s.t.Helper()
	return strings.TrimSpace(labtest.Run(s.t, h, "sh", "-c", "dpkg --force-downgrade -i $(ls -v /var/cache/apt/archives/openvpn_*.deb | "+which+") >/dev/null 2>&1 && dpkg-query -W -f '${Version}' openvpn"))
}

// becomesOneProcess has OpenVPN be upgraded below a server with two ways in, which changes
// nothing of itself, and then one process have both: alice and bob, whose OpenVPN is an old
// one, keep their profiles, and alice her address, by each way.
func (s scene) becomesOneProcess(alice, bob person) {
	s.t.Helper()
	const two = `["tcp/443", "udp/1194"]`
	one := two + "\n  processes = \"one\""
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", two, one))
	s.names(s.vpnd(1, "plan"), "OpenVPN of this host listens at one place only", "leave processes out")
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", one, two))
	s.converged()

	for _, p := range []person{alice, bob} { // what they are owed from before would be told
		s.vpnd(0, "client", "export", p.name)
	}
	before, profile := alice.sessions()+bob.sessions(), s.sh("cat /var/lib/vpnd/profiles/office/bob.ovpn")
	version := s.change(s.Gateway, newly)
	s.t.Logf("from now on the server has OpenVPN %s", version)
	s.run("dpkg", "--compare-versions", version, "ge", "2.7") // else the backports have none any more
	s.converged()
	if now := alice.sessions() + bob.sessions(); now != before {
		s.t.Errorf("by an upgrade the package, people who had connected %q times have %q times", before, now)
	}
	s.sh("systemctl restart openvpn-server@office openvpn-server@office-udp-1194")
	alice.dials("10.8.0.9")
	bob.dials("10.8.2.")
	s.names(s.vpnd(0, "client", "show", "bob"), "to openvpn_server.office/udp-1194 since 20", "from 203.0.113.12:", "by udp, with 10.8.2.")
	s.converged()

	s.ok(s.Edit(s.t.Context(), "vpn.hcl", two, one))
	s.names(s.apply(), "Cost: stops 1 unit; disconnects everybody for a moment. ")
	if processes := s.sh("pgrep -c openvpn"); processes != "1" {
		s.t.Errorf("there are %s processes", processes)
	}
	if now := s.sh("cat /var/lib/vpnd/profiles/office/bob.ovpn"); now != profile {
		s.t.Errorf("a profile was\n%s\nand is now\n%s", profile, now)
	}
	alice.sh("ip addr add 10.77.0.1/32 dev lo")
	bob.dials("10.8.")
	alice.comesIn("tcp")
	alice.sh("iptables -D OUTPUT -p udp --dport 1194 -j DROP; sed -i '/ 443 tcp/d' /etc/openvpn/client/office.conf")
	alice.comesIn("udp")
	bob.reaches("10.8.0.9")

	before = alice.sessions()
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", `client "bob" {}
  client "carol" { revoked`, `client "bob" { revoked = true }
  client "carol" { revoked`))
	s.names(s.apply(), "Cost: disconnects one client")
	bob.until("he is out", func() error {
		if bob.ping("10.8.0.9") == nil {
			return errors.New("he reaches alice")
		}
		return nil
	})
	if now := alice.sessions(); now != before {
		s.t.Errorf("alice had connected %q times and now %q times", before, now)
	}
	s.ok(s.Edit(s.t.Context(), "vpn.hcl", one, two))
	s.apply()
	alice.dials("10.8.2.9") // by UDP, in the part of the second listener again
}

// comesIn dials, and has the address and the network behind that it always has.
func (p person) comesIn(by string) {
	p.t.Helper()
	p.dials("10.8.0.9")
	p.names(p.vpnd(0, "client", "show", p.name), "to openvpn_server.office since 20", "by "+by+", with 10.8.0.9")
	p.until("what is behind "+p.name+" answers", func() error {
		_, err := p.Gateway.Run(p.t.Context(), "ping", "-c", "1", "-W", "1", "10.77.0.1")
		return err
	})
}

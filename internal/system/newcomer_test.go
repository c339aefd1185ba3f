package system

import "regexp"

var printedProfile = regexp.MustCompile(`bob's profile, with a key in it: (\S+)`)

// newcomer goes by what the README says, and by what vpnd prints: from nothing to
// somebody who is connected in two commands, and to nothing again. Whoever was connected
// is remembered over a restart of the agent; where the memory is lost it is unknown. What
// runs out is made anew before.
func (s scene) newcomer(p person) {
	s.t.Helper()
	s.sh("ip route add default via 203.0.113.11 dev wan0")
	first := s.print()
	s.names(s.sh("vpnd init 2>&1"), "Wrote /etc/vpnd/vpn.hcl")
	s.sh("grep -q '\"wan0\"' /etc/vpnd/vpn.hcl && sed -i 's/\"vpn.example.com\"/\"203.0.113.1\"/' /etc/vpnd/vpn.hcl")
	added := s.vpnd(0, "client", "add", "bob", "--yes")
	s.names(added, "To hand it out: vpnd client export bob")
	path := printedProfile.FindStringSubmatch(added)
	if path == nil {
		s.t.Fatalf("where bob's profile is does not stand in:\n%s", added)
	}
	s.vpnd(0, "client", "export", "bob", "--out", "/root/bob.ovpn")
	s.sh("cmp /root/bob.ovpn " + path[1])
	profile, err := s.Gateway.ReadFile("/root/bob.ovpn")
	s.ok(err)
	p.ok(p.host.WriteFile(s.t.Context(), "/etc/openvpn/client/office.conf", profile, 0o600))
	p.dials("10.8.0.")
	p.reaches("10.8.0.1")
	s.converged()

	s.agent()
	s.remembers(p)
	s.outlives(p)
	s.agentRemoved()
	s.sh("vpnd destroy --yes --purge && rm /root/bob.ovpn /etc/vpnd/vpn.hcl")
	s.as(first, "a newcomer's first day")
	s.sh("ip route del default")
}

// remembers has the agent see who is connected, and then lose sight of them and of what
// it knew.
func (s scene) remembers(p person) {
	s.t.Helper()
	show := func() string { return s.run("vpnd", "client", "show", "bob") }
	list := func() string { return s.run("vpnd", "client", "list") }
	s.names(show(), "connected to openvpn_server.office since")
	s.shortly("grep -q bob /var/lib/vpnd/seen.json")
	p.sh("systemctl stop openvpn-client@office")
	s.shortly("vpnd client show bob | grep -q 'connected  *no'")
	for range 2 {
		s.names(show(), "by openvpn_server.office, from 203.0.113.11:")
		s.agentAnew()
	}

	s.run("systemctl", "stop", "vpnd")
	s.sh("rm /var/lib/vpnd/seen.json")
	s.names(show(), "last seen unknown; no agent has noted it")
	s.run("systemctl", "start", "vpnd")
	s.shortly("vpnd client show bob | grep -q 'unknown; not since .*, when the agent began to note it'")
	s.names(list(), "last unknown")
	s.lacks(list()+show(), "never")

	s.sh("systemctl stop vpnd; echo '{' >/var/lib/vpnd/seen.json")
	s.names(s.sh("vpnd client show bob 2>&1"), "seen last", "last seen unknown")
	s.run("systemctl", "start", "vpnd")
	s.shortly("journalctl -u vpnd -o cat | grep -q 'who was seen last is lost, and is remembered from now on'")
	s.names(list(), "last unknown")
}

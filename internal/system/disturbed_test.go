package system

import (
	"testing"
	"time"
)

// Whoever edits the server's files by hand shall not have the agent drop all
// who are connected, unless the server read them.
func TestRepairsDisturbNobody(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.agent()
	time.Sleep(5500 * time.Millisecond) // within its first seconds a server may still be reading
	process := func() string { return s.run("systemctl", "show", "-P", "MainPID", "openvpn-server@office") }
	began := process()
	for _, edit := range []string{
		"echo verb 9 >> /etc/openvpn/server/office.conf",
		"sed -i 's/^verb.*/verb 8/' /etc/openvpn/server/office.conf && echo '# theirs' >> /etc/openvpn/server/office.conf",
		"echo theirs >> /etc/openvpn/server/office/server.crt",
	} {
		s.sh("find /etc/openvpn -type f | sort | xargs sha256sum > /tmp/before; " + edit)
		s.shortly("find /etc/openvpn -type f | sort | xargs sha256sum | cmp - /tmp/before")
		s.shortly("vpnd status")
		s.converged()
		if now := process(); now != began {
			t.Errorf("%s: the server was restarted, process %s instead of %s", edit, now, began)
		}
	}

	// One that was restarted with the edit may have read it: what counts is what
	// it says itself.
	s.sh("echo verb 9 >> /etc/openvpn/server/office.conf; systemctl restart openvpn-server@office")
	s.shortly("! grep -q 'verb 9' /etc/openvpn/server/office.conf && vpnd status")
	s.shortly(`perl -MIO::Socket::UNIX -e '
		$s = IO::Socket::UNIX->new(Peer => "/run/openvpn-server/office/management.sock", Timeout => 2) or exit 1;
		alarm 2; print $s "verb\n"; while (<$s>) { exit !/=3/ if /verb/ } exit 1'`)
	s.converged()

	// What can't be put right must not keep the rules from it, which are tried again every
	// ten seconds: forwarding goes on.
	for _, obstacle := range []string{
		"rm /etc/openvpn/server/office.conf && mkdir /etc/openvpn/server/office.conf",
		"mv /usr/sbin/openvpn /usr/sbin/openvpn.gone",
	} {
		s.run("systemctl", "reload", "vpnd")
		before := s.sh("iptables-save | grep VPND")
		s.sh(obstacle + "; iptables -t nat -F; iptables -F")
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
			if s.sh("iptables-save | grep VPND; true") == before {
				break
			}
		}
		if now := s.sh("iptables-save | grep VPND; true"); now != before {
			t.Errorf("%s: the rules are not back:\n%s", obstacle, now)
		}
		s.sh("rmdir /etc/openvpn/server/office.conf; mv /usr/sbin/openvpn.gone /usr/sbin/openvpn; true")
		s.shortly("test -f /etc/openvpn/server/office.conf")
	}
}

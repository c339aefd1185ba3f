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
}

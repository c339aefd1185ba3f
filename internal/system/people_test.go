package system

import (
	"strings"
	"testing"
)

// TestWhatPeopleRead goes through the first day of somebody who has never seen
// vpnd: what is planned, done, told and remembered.
func TestWhatPeopleRead(t *testing.T) {
	t.Parallel()
	s := alone(t)
	files := exampleFiles(t, "../../examples/minimal")
	s.ok(s.Write(t.Context(), files))
	plan := s.vpnd(0, "plan")
	if lines := strings.Count(plan, "\n"); lines > 25 {
		t.Errorf("the first plan has %d lines, more than a screen:\n%s", lines, plan)
	}
	s.names(plan, "systemctl enable --now vpnd", "--verbose", "phone.crt", `unit["openvpn-server@home.service"]`)
	s.lacks(plan, "mode: ", "owner: ", "current", "runtime", "intruders")
	s.names(s.vpnd(0, "plan", "--verbose"), "mode: 0600", "-j MASQUERADE")

	done := s.sh("SUDO_USER=alice vpnd apply --yes")
	s.names(done, "/var/lib/vpnd/profiles/home (1 file)", "vpnd rollback", "systemctl enable --now vpnd")
	s.names(s.vpnd(0, "history"), "apply by alice, ")
	s.shortly("journalctl VPND_PERSON=alice -o cat | grep -q 'resource changed .*id=.*openvpn-server@home.service'")
	s.names(s.vpnd(1, "status"), "The daemon does not run", "Certificates (3)", "openvpn_server.home: 0 connected")

	vpn := files["vpn.hcl"]
	change := func(old, now string) string {
		t.Helper()
		if !strings.Contains(vpn, old) {
			t.Fatalf("the example has no %q", old)
		}
		vpn = strings.Replace(vpn, old, now, 1)
		s.configure(vpn)
		return s.vpnd(2, "plan", "--detailed-exitcode")
	}
	s.names(change(`client "phone" {}`, "client \"phone\" {}\n  client \"laptop\" {}"), `certificate["/var/lib/vpnd/pki/home/certs/laptop.crt"]`, "laptop.ovpn")
	s.vpnd(0, "apply", "--yes")
	s.names(change(`remote  = `, "listen  = [\"udp/1195\"]\n  remote  = "), "-port 1194", "+port 1195", "- -p udp -m udp --dport 1194", "+ -p udp -m udp --dport 1195", "disconnects everybody")
	s.vpnd(0, "apply", "--yes")
	s.sh("iptables -t nat -D POSTROUTING -j VPND-GW-home")
	s.names(s.vpnd(3, "drift"), "hook: POSTROUTING → (none)")
	s.vpnd(0, "apply", "--yes")
	s.quietly(vpn)
}

// quietly applies and destroys beside an agent that tells of drift: whatever it
// sees of that is no drift.
func (s scene) quietly(vpn string) {
	s.configure(vpn + "\nvpnd {\n  notify { command = [\"/bin/sh\", \"-c\", \"cat >> /root/events\"] }\n}\n")
	s.agent()
	for range 4 {
		s.vpnd(0, "apply", "--yes")
		s.shortly("vpnd status")
		s.vpnd(0, "destroy", "--yes")
	}
	s.vpnd(0, "apply", "--yes")
	s.shortly("vpnd status")
	s.lacks(s.sh("cat /root/events 2>/dev/null; journalctl -u vpnd -o cat"), `"event":"drift"`, "drifted id=")
	// What others do is told all the same.
	s.sh("iptables -t nat -D POSTROUTING -j VPND-GW-home")
	s.shortly(`grep -q '"event":"drift"' /root/events`)
}

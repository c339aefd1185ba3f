package system

import "testing"

// slowService starts for as long as a file is there.
const slowService = `
file "/etc/systemd/system/slow.service" {
  content = "[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=90\nExecStart=/bin/sh -c 'while test -e /run/slow; do sleep 0.1; done'\n"
}
unit "slow.service" {
  active     = true
  depends_on = [file["/etc/systemd/system/slow.service"]]
}
`

// meanwhile has rules flushed and a sysctl changed while the agent waits for a
// service to start: nothing quick waits for that.
func (s scene) meanwhile(t *testing.T) {
	s = s.in(t)
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/slow.hcl", []byte(slowService), 0o600))
	s.run("systemctl", "reload", "vpnd")
	s.shortly(`journalctl -u vpnd -o cat | grep -qF 'changed id=unit["slow.service"]'`) // and not still at it
	s.converged()

	starting := "test $(systemctl show -P ActiveState slow) = activating"
	s.sh("touch /run/slow; systemctl stop slow")
	s.shortly(starting)
	s.sh("iptables -t nat -F")
	s.shortly("iptables-save -t nat | grep -q VPND")
	s.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
	s.shortly("grep -q 1 /proc/sys/net/ipv4/ip_forward")
	s.sh(starting)

	s.sh("rm /run/slow")
	s.shortly("systemctl is-active slow")
	if d := s.repaired(`unit["slow.service"]`); d.Outcome != "repaired" {
		t.Errorf("the service: %+v", d)
	}
	if d := s.repaired(`chain["ip/nat/`); d.Outcome != "repaired" || d.Noticed != "event" {
		t.Errorf("the rules: %+v", d)
	}
	s.converged()
	s.sh("rm /etc/vpnd/slow.hcl")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test ! -e /etc/systemd/system/slow.service")
	s.converged()
}

package system

import (
	"testing"
	"time"
)

// TestRulesLocked has another program hold the lock of xtables, which the old
// backend of iptables takes for each change: an apply gives up after a while and
// says why, and the agent goes on trying.
func TestRulesLocked(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Gateway.UseIPTables(t.Context(), "legacy"))
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Foreigners(t.Context()))
	first := s.print()
	hold := func() {
		s.run("systemd-run", "-q", "--unit=holder", "flock", "/run/xtables.lock", "sleep", "600")
		s.shortly("! flock -n /run/xtables.lock true")
	}
	hold()
	began := time.Now()
	s.names(s.vpnd(1, "apply", "--yes"), "another program holds the lock of xtables")
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("giving up took %s", took)
	}
	s.sh("test $(cat /proc/sys/net/ipv4/ip_forward) = 0") // not without the rules
	s.survives(first)
	s.run("systemctl", "stop", "holder")
	s.apply()

	s.agent()
	hold()
	s.sh("echo 0 > /proc/sys/net/ipv4/ip_forward; rm /etc/sysctl.d/*vpnd*; echo >> /etc/openvpn/server/office.conf")
	s.sh(eventually("grep -q 1 /proc/sys/net/ipv4/ip_forward && vpnd drift")) // what needs no lock is kept
	s.run("systemctl", "stop", "holder")
	s.sh("iptables -t nat -F VPND-GW-office")
	hold()
	s.sh(eventually("vpnd status | grep -q 'another program holds the lock of xtables'"))
	s.run("systemctl", "stop", "holder")
	s.sh(eventually(nothingLeft))
	s.agentRemoved()
	s.heals(first)
}

// TestAgentWithoutDisk takes the disk of the state away from the agent: it says
// so, repairs at once what only the kernel holds, and the rest once it has a disk
// again. Where nothing can set rules, nothing is forwarded.
func TestAgentWithoutDisk(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	s.sh("mkdir -m 0700 /var/lib/vpnd; mount -t tmpfs -o size=2m,mode=0700 tmpfs /var/lib/vpnd")
	s.agent()
	if n := s.sh("ls -l /proc/$(systemctl show -P MainPID vpnd)/fd | grep -c inotify"); n != "1" {
		t.Errorf("the agent has %s instances of inotify", n)
	}
	for _, fault := range []struct{ begin, words, end string }{
		{"dd if=/dev/zero of=/var/lib/vpnd/filler bs=4k 2>/dev/null; true", "no space left on device", "rm /var/lib/vpnd/filler"},
		{"mount -o remount,ro /var/lib/vpnd", "read-only file system", "mount -o remount,rw /var/lib/vpnd"},
	} {
		s.run("systemctl", "reload", "vpnd")
		s.sh(fault.begin)
		// The last block of a file may have room for what the first repairs say.
		s.sh(eventually("iptables -t nat -F VPND-GW-office; iptables -F VPND-GW-office; echo verb 9 >> /etc/openvpn/server/office.conf; sleep 1; vpnd status | grep -q '" + fault.words + "'"))
		s.sh(eventually("iptables -S VPND-GW-office | grep -q ACCEPT && iptables -t nat -S VPND-GW-office | grep -q MASQUERADE"))
		s.sh("grep -q 1 /proc/sys/net/ipv4/ip_forward")
		s.survives(first)
		s.sh(fault.end)
		s.sh(eventually(nothingLeft))
		s.lacks(s.sh("vpnd status; true"), fault.words)
	}
	// Held, the agent mends no rule before it can't.
	s.sh("systemctl kill -s STOP vpnd; iptables -F VPND-GW-office; " + away + "; systemctl kill -s CONT vpnd")
	s.sh(eventually("grep -q 0 /proc/sys/net/ipv4/ip_forward"))
	s.sh(eventually("vpnd status | grep -q 'nothing is forwarded'"))
	s.names(s.sh("journalctl -u vpnd -p err -o cat"), "must not forward")
	s.sh(home)
	s.sh(eventually("grep -q 1 /proc/sys/net/ipv4/ip_forward && " + nothingLeft))
	s.agentRemoved()
	s.vpnd(0, "destroy", "--yes")
	s.sh("umount /var/lib/vpnd; rmdir /var/lib/vpnd")
	s.as(first, "destroying")
}

// TestManagersRestartedMeanwhile executes systemd anew, or restarts D-Bus, while
// an apply is at work: it does its work or says why not, and the next one
// finishes it.
func TestManagersRestartedMeanwhile(t *testing.T) {
	t.Parallel()
	r := reaped(t)
	r.settle()
	r.changed()
	whole := r.settle()
	for _, restart := range []string{"systemctl daemon-reexec", "systemctl restart dbus"} {
		r.example()
		r.vpnd(0, "apply", "--yes")
		r.changed()
		r.run("systemd-run", "-q", "--collect", "--unit=restless", "sh", "-c", "for i in 1 2 3 4 5 6; do "+restart+"; sleep 0.2; done; touch /run/restless")
		said, status, err := r.VPND(t.Context(), "apply", "--yes")
		if err != nil || status > 1 {
			t.Errorf("while others ran %q it ended with %d (%v):\n%s", restart, status, err, said)
		}
		r.sh(eventually("rm /run/restless"))
		r.unharmed(0)
		r.apply()
		r.same(whole)
	}
}

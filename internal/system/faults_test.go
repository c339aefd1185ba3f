package system

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab/office"
)

// What a host can lack or do to a program that runs on it: each time vpnd says
// so, leaves nothing half done, and converges once it is over. The clock can't
// be set here: it is the machine's own, and the lab's hosts share it. The engine
// and the daemon have a clock of their own in their unit tests.

// nothingLeft succeeds where the agent has nothing left to do.
const nothingLeft = "VPND_VAR_remote=" + office.Remote + " vpnd plan --detailed-exitcode"

// faulty is a gateway with others on it, the example configured, and applied
// where that is wished.
func faulty(t *testing.T) (s scene, first string) {
	t.Helper()
	s = alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Foreigners(t.Context()))
	return s, s.print()
}

// survives wants keys to be safe and others to have what they had.
func (s scene) survives(first string) {
	s.t.Helper()
	s.keysAreSafe()
	s.foreignersStand(first)
}

// heals wants an apply to finish the work, and destroy to take it all back.
func (s scene) heals(first string) {
	s.t.Helper()
	s.apply()
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
}

// TestDiskFull leaves the state directory with less and less room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	s.sh("mkdir -m 0700 /var/lib/vpnd; mount -t tmpfs -o size=512k,mode=0700 tmpfs /var/lib/vpnd")
	for _, left := range []int{0, 1, 2, 4, 8, 12, 16} { // in pages
		s.sh(fmt.Sprintf("cd /var/lib/vpnd; rm -f filler; dd if=/dev/zero of=filler bs=4k 2>/dev/null; truncate -s -%dk filler", 4*left))
		s.names(s.vpnd(1, "apply", "--yes"), "no space left on device")
		s.survives(first)
		if left == 0 {
			s.sh("rm /var/lib/vpnd/filler")
			s.as(first, "an apply that could not even begin")
		}
	}
	s.sh("rm -f /var/lib/vpnd/filler")
	s.apply()
	before := s.print()
	s.sh("dd if=/dev/zero of=/var/lib/vpnd/filler bs=4k 2>/dev/null; true")
	s.sh("iptables -t nat -F VPND-GW-office")
	s.vpnd(3, "drift") // looking needs no room
	s.sh("rm /var/lib/vpnd/filler")
	s.vpnd(0, "apply", "--yes")
	s.as(before, "repairing")
	s.vpnd(0, "destroy", "--yes")
	s.sh("umount /var/lib/vpnd; rmdir /var/lib/vpnd")
	s.as(first, "destroying")
}

// TestReadOnlyEtc makes /etc read-only, before an apply and before a change.
func TestReadOnlyEtc(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	const freeze, thaw = "mount --bind /etc /etc; mount -o remount,bind,ro /etc", "umount /etc"
	s.sh(freeze)
	s.names(s.vpnd(1, "apply", "--yes"), "read-only file system")
	s.survives(first)
	s.names(s.vpnd(5, "apply", "--yes", "--rollback-on-failure"), "read-only file system")
	s.sh(thaw)
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "an apply without /etc")
	s.apply()
	whole := s.print()
	s.sh(freeze)
	s.names(s.vpnd(1, "destroy", "--yes"), "read-only file system")
	s.survives(first)
	s.sh(thaw)
	s.vpnd(0, "apply", "--yes")
	s.as(whole, "an apply after a destroy that could not")
	s.heals(first)
}

// TestLockHeld has another program hold the lock of the state: commands give up
// after a while and name it, the agent waits for its end.
func TestLockHeld(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	s.apply()
	s.run("systemd-run", "-q", "--unit=holder", "flock", "/var/lib/vpnd/lock", "sleep", "600")
	s.shortly("! flock -n /var/lib/vpnd/lock true")
	began := time.Now()
	said := s.vpnd(1, "apply", "--yes")
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("giving up took %s", took)
	}
	s.names(said, "is at work (flock, process "+s.sh("systemctl show -P MainPID holder")+")")
	s.vpnd(0, "plan")
	s.agent()
	s.sh("iptables -t nat -F VPND-GW-office")
	s.shortly("vpnd status | grep -q 'flock, process'")
	s.run("systemctl", "stop", "holder")
	s.shortly(nothingLeft)
	s.agentRemoved()
	s.heals(first)
}

// TestManagersRestarted executes systemd anew and restarts D-Bus below the
// agent, which still notices what becomes of units, at once.
func TestManagersRestarted(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	s.agent()
	pid := s.sh("systemctl show -P MainPID vpnd")
	for _, restart := range []string{"systemctl daemon-reexec", "systemctl restart dbus", "systemctl daemon-reload", "systemctl daemon-reexec; systemctl restart dbus"} {
		s.run("systemctl", "reload", "vpnd") // what is stopped again and again is left alone
		s.sh(restart)
		s.against("systemctl stop openvpn-server@office")
		s.within(30*time.Second, "the server runs again", "systemctl is-active openvpn-server@office") // less than a watcher's longest pause
		s.sh("iptables -t nat -F VPND-GW-office")
		s.shortly(nothingLeft)
	}
	if now := s.sh("systemctl show -P MainPID vpnd"); now != pid {
		t.Errorf("the agent was process %s and is %s", pid, now)
	}
	s.survives(first)
}

// TestFewDescriptors gives vpnd too few file descriptors: an apply that says so
// or does its work, and an agent that says so and works once it has enough.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	said := 0
	for n := 8; n <= 24; n += 2 { // with fewer the runtime of Go ends before vpnd begins
		out := s.sh(fmt.Sprintf("VPND_VAR_remote=%[2]s timeout 60 prlimit --nofile=%[1]d vpnd apply --yes 2>&1; echo status $?", n, office.Remote))
		switch {
		case strings.HasSuffix(out, "status 0"):
		case strings.HasSuffix(out, "status 1") && strings.Contains(out, "too many open files"):
			said++
		default:
			t.Errorf("with %d descriptors:\n%s", n, out)
		}
		s.survives(first)
	}
	if said == 0 {
		t.Error("no apply ran out of descriptors")
	}
	s.apply()
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/systemd/system/vpnd.service.d/few.conf", []byte("[Service]\nLimitNOFILE=24\n"), 0o644))
	s.agent()
	s.sh("iptables -t nat -F VPND-GW-office")
	s.shortly("journalctl -u vpnd -o cat | grep -q 'too many open files'")
	s.survives(first)
	s.sh("rm -r /etc/systemd/system/vpnd.service.d; systemctl daemon-reload; systemctl restart vpnd")
	s.shortly(nothingLeft)
	s.agentRemoved()
	s.heals(first)
}

// TestUndoWithoutDisk has the deadline of an apply come on a disk that takes
// nothing any more: whoever was locked out gets in all the same, what can't be
// undone yet is told, and undone once it can be.
func TestUndoWithoutDisk(t *testing.T) {
	t.Parallel()
	d := door{scene: alone(t)}
	d.sh(services)
	d.sh("mkdir -m 0700 /var/lib/vpnd; mount -t tmpfs -o size=2m,mode=0700 tmpfs /var/lib/vpnd")
	d.configure(works)
	d.apply()
	was := d.print()
	const fill, undone = "dd if=/dev/zero of=/var/lib/vpnd/filler bs=4k 2>/dev/null; true", "test ! -e /var/lib/vpnd/pending.json"
	const opened = "! iptables -S VPND-DOOR | grep -q DROP && test $(cat /proc/sys/net/ipv4/conf/all/log_martians) = 1"
	confirm := func() {
		t.Helper()
		d.configure(cuts)
		d.vpnd(0, "apply", "--yes", "--no-probes", "--confirm", soon)
	}
	// Room was reserved, so that a full disk is none for the undo.
	confirm()
	d.sh(fill)
	d.until("the apply is undone on a full disk", 60*time.Second, func() bool { return d.yes(undone) })
	d.sh("rm /var/lib/vpnd/filler")
	d.as(was, "an undo on a full disk")

	// Not even that can be used.
	confirm()
	d.sh("mount -o remount,ro /var/lib/vpnd")
	d.until("the kernel's part is undone", 60*time.Second, func() bool { return d.yes(opened) })
	d.until("the rest is told", 60*time.Second, func() bool {
		return d.yes("journalctl -t vpnd -o cat | grep 'the undo is not complete' | grep -q 'read-only'")
	})
	d.sh("test -e /var/lib/vpnd/pending.json")
	d.sh("mount -o remount,rw /var/lib/vpnd")
	d.until("all of it is undone", 60*time.Second, func() bool { return d.yes(undone) })
	d.as(was, "an undo without a disk")
	d.sh("! ls /var/lib/vpnd/reserve 2>/dev/null")

	// No room is reserved for what nobody has to confirm: its undo says what it lacks.
	d.sh(fill)
	for _, command := range []string{"rollback", "destroy"} {
		d.names(d.vpnd(1, command, "--yes"), "no space left on device", "nothing was changed", "make room on that disk")
	}
	d.sh("rm /var/lib/vpnd/filler")
	d.as(was, "undoes that had no room")
	d.vpnd(0, "rollback", "--yes")
}

// TestRecordsLost empties the records, loses what stood there before and damages
// the configuration in force: destroy says so instead of Done, apply takes all up
// again, and destroy gives it back after that.
func TestRecordsLost(t *testing.T) {
	t.Parallel()
	s, first := faulty(t)
	s.apply()
	whole := s.print()
	const off = "grep -q 0 /proc/sys/net/ipv4/ip_forward"
	for _, harm := range []string{": > records.jsonl", "rm records.jsonl", "sed -i '$d' records.jsonl"} {
		s.sh("cd /var/lib/vpnd; " + harm)
		for _, command := range [][]string{{"destroy", "--yes"}, {"rollback", "--yes"}, {"plan"}} {
			s.names(s.vpnd(1, command...), "records.jsonl is damaged", "vpnd apply")
		}
		s.names(s.sh("VPND_VAR_remote="+office.Remote+" vpnd apply --yes 2>&1"), "records.jsonl was damaged", "records.jsonl.damaged")
		s.sh("rm -f /var/lib/vpnd/records.jsonl.damaged")
		s.as(whole, harm)
	}
	s.sh("echo garbage > /var/lib/vpnd/wish.json")
	s.vpnd(0, "apply", "--yes")
	s.sh("cd /var/lib/vpnd; grep -q garbage wish.json.damaged && rm wish.json.damaged")
	s.vpnd(0, "destroy", "--yes")
	s.sh(off)
	s.as(first, "destroying")

	s.apply()
	s.sh("rm /var/lib/vpnd/priors/sysctl-*")
	s.names(s.vpnd(1, "destroy", "--yes"), "net.ipv4.ip_forward", "is not given back")
	s.sh(off + " && ! iptables-save | grep VPND")
	s.as(first, "destroying without what stood there before")
}

package system

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

const (
	// works is a configuration under which the laptop reaches the gateway.
	works = `sysctl "net.ipv4.conf.all.log_martians" { value = "1" }
file "/etc/motd.vpn" { content = "works\n" }
chain "ip/filter/VPND-DOOR" {
  hook  = "INPUT"
  rules = ["-i wan0 -p tcp --dport 22 -j ACCEPT"]
}
unit "daily.service" { enabled = true }
unit "other.service" { active = false }
`
	// cuts changes all of it, and leaves nobody in.
	cuts = `sysctl "net.ipv4.conf.all.log_martians" { value = "0" }
file "/etc/motd.vpn" { content = "cuts\n" }
chain "ip/filter/VPND-DOOR" {
  hook  = "INPUT"
  rules = ["-i wan0 -j DROP"]
}
unit "daily.service" { enabled = false }
unit "other.service" {
  enabled = true
  active  = true
}
`
	// hangs does that and then doesn't end: a unit that takes its time to start.
	hangs = cuts + `unit "slow.service" {
  active     = true
  depends_on = [chain["ip/filter/VPND-DOOR"]]
}
`
	// services are the units of these configurations.
	services = `
cd /etc/systemd/system
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' | tee daily.service >other.service
printf '[Service]\nType=oneshot\nTimeoutStartSec=5min\nExecStart=/bin/sleep 300\n' >slow.service
systemctl daemon-reload`
)

// A door is a gateway that somebody works on through SSH from the laptop.
type door struct {
	scene
	was string // the gateway under the configuration that works
}

// openDoor boots both and has the configuration applied that works. The laptop
// is the gateway's default gateway too.
func openDoor(t *testing.T) door {
	t.Helper()
	l := labtest.For(t, 2, lab.Bookworm)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	o.Laptop = labtest.Host(t, l, "laptop")
	d := door{scene: scene{o, t}}
	d.ok(l.Join("internet", d.Laptop, "eth0", netip.MustParsePrefix("203.0.113.10/24")))
	d.ok(d.Gateway.Route(netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("203.0.113.10")))
	d.sh(services)
	labtest.Run(t, d.Laptop, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
	key, err := d.Laptop.ReadFile("/root/.ssh/id_ed25519.pub")
	d.ok(err)
	d.ok(d.Gateway.WriteFile(t.Context(), "/root/.ssh/authorized_keys", key, 0o600))
	if !d.opens() {
		t.Fatal("the laptop does not get in")
	}
	d.configure(works)
	d.apply()
	d.was = d.print()
	return d
}

// ssh runs a command on the gateway from the laptop, and returns what it wrote
// and its exit status.
func (d door) ssh(ctx context.Context, command string) (string, int) {
	d.t.Helper()
	out, err := d.Laptop.Run(ctx, "ssh", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=2",
		"-o", "ConnectionAttempts=1", "root@"+office.Remote, command)
	var exit *lab.ExitError
	if errors.As(err, &exit) {
		return out + exit.Stderr, exit.Status
	}
	d.ok(err)
	return out, 0
}

// opens says whether the laptop gets a new session.
func (d door) opens() bool {
	_, status := d.ssh(d.t.Context(), "true")
	return status == 0
}

// background runs a command through SSH and hands over its outcome when that
// comes through.
func (d door) background(command string) <-chan string {
	d.t.Helper()
	done := make(chan string, 1)
	go func() {
		out, status := d.ssh(d.t.Context(), command)
		done <- fmt.Sprintf("%s\nstatus %d", out, status)
	}()
	return done
}

// until waits for something to become so on the gateway.
func (d door) until(what string, bound time.Duration, holds func() bool) time.Duration {
	d.t.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > bound {
			journal, _ := d.Gateway.Run(d.t.Context(), "journalctl", "-t", "vpnd", "-n", "40", "--no-pager", "-o", "cat")
			d.t.Fatalf("%s: not within %s\n%s", what, bound, journal)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(began)
}

func (d door) yes(script string) bool {
	_, err := d.Gateway.Run(d.t.Context(), "sh", "-c", script)
	return err == nil
}

// shut waits until the change is made that leaves nobody in.
func (d door) shut() {
	d.t.Helper()
	d.until("the rule stands", 20*time.Second, func() bool {
		return d.yes("iptables -S VPND-DOOR | grep -q 'wan0 -j DROP' && test -e /var/lib/vpnd/pending.json")
	})
}

// stuck waits until the apply waits for the unit that takes its time.
func (d door) stuck() {
	d.t.Helper()
	d.shut()
	d.until("the unit starts", 20*time.Second, func() bool { return d.yes("test $(systemctl is-active slow.service) = activating") })
}

// back waits until all is undone, and wants the host to be as it was, with
// nothing left of the deadline.
func (d door) back(bound time.Duration) {
	d.t.Helper()
	took := d.until("the apply is undone", bound, func() bool { return d.yes("test ! -e /var/lib/vpnd/pending.json") })
	d.until("the undo ends", 5*time.Second, func() bool { return !d.yes("systemctl is-active 'vpnd-undo-*.service'") })
	d.t.Logf("undone after %s", took.Round(100*time.Millisecond))
	d.as(d.was, "an apply that nobody confirmed")
	if !d.opens() {
		d.t.Error("the laptop does not get in again")
	}
	if left := d.sh("systemctl list-units --plain --no-legend 'vpnd-undo*'; ls /etc/systemd/system | grep vpnd || true"); left != "" {
		d.t.Errorf("left of the deadline: %s", left)
	}
}

// TestConfirmLockedOut has an apply cut the way that it came by. Whatever ends
// in between, the host is back.
func TestConfirmLockedOut(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	const apply = "vpnd apply --yes --confirm "
	in := func(t *testing.T) door { return door{d.in(t), d.was} }

	t.Run("probes", func(t *testing.T) {
		d := in(t)
		d.configure(cuts)
		told := d.background(apply + "5m")
		d.shut()
		d.back(20 * time.Second) // 10 on a host that is not as busy as one of tests
		d.names(<-told, "UNDONE", "before the apply", "status 5")
		d.names(d.vpnd(0, "history"), "rollback, since it failed")
	})
	t.Run("deadline", func(t *testing.T) {
		d := in(t)
		d.configure(cuts)
		told := d.background(apply + "10s --no-probes")
		d.shut()
		if d.opens() {
			t.Error("the laptop gets in, so this shows nothing")
		}
		d.back(30 * time.Second)
		d.names(<-told, "NOT CONFIRMED YET", "status 0")
		d.names(d.vpnd(0, "history"), "rollback, since nobody confirmed")
		d.names(d.vpnd(1, "confirm"), "no apply waits", "since nobody confirmed")
	})
	t.Run("killed", func(t *testing.T) {
		d := in(t)
		d.configure(hangs)
		d.background(apply + "10s")
		d.stuck()
		d.sh("pkill -9 -x vpnd; pkill -9 -f '^sshd: root'")
		d.back(30 * time.Second)
	})
	t.Run("hangs", func(t *testing.T) {
		d := in(t)
		d.configure(hangs)
		d.background(apply + "10s")
		d.stuck()
		d.sh("pkill -STOP -x vpnd")
		d.back(60 * time.Second)
	})
	t.Run("late", func(t *testing.T) {
		d := in(t)
		d.configure(hangs)
		told := d.background(apply + "10s")
		d.stuck()
		d.back(60 * time.Second)
		d.names(<-told, "UNDONE", "did not end before its deadline", "status 5")
	})
	t.Run("powered off", func(t *testing.T) {
		d := in(t)
		d.configure(hangs)
		d.background(apply + "10m")
		d.stuck()
		d.ok(d.Gateway.Cut())
		d.ok(d.Gateway.Start(t.Context()))
		if failed := d.Gateway.Degraded(); len(failed) > 0 {
			t.Errorf("failed at boot: %q", failed)
		}
		d.back(0)
		if started := d.sh("journalctl -b -u other.service -o cat"); started != "" {
			t.Errorf("a service that is not enabled was started at boot: %s", started)
		}
	})
	t.Run("shut down", func(t *testing.T) {
		d := in(t)
		d.sh("install -m 0644 /dev/stdin /etc/systemd/system/vpnd-rollback.service <<'EOF'\n" + packagedUnit(t) + "EOF\nsystemctl enable -q vpnd-rollback.service")
		d.was = d.print()
		d.configure(cuts)
		d.background(apply + "10m --no-probes")
		d.shut()
		if d.yes("ls /etc/systemd/system | grep vpnd-undo") {
			t.Error("a unit was written beside the packaged one")
		}
		d.ok(d.Gateway.Stop(t.Context()))
		d.ok(d.Gateway.Start(t.Context()))
		d.as(d.was, "a boot with the packaged unit")
		d.names(d.vpnd(0, "history"), "rollback, since nobody confirmed")
	})
}

func packagedUnit(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../packaging/vpnd-rollback.service")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestConfirmWithAgent undoes beside an agent that would rather keep the host
// as the configuration says.
func TestConfirmWithAgent(t *testing.T) {
	t.Parallel()
	d := openDoor(t)
	d.agent()
	d.run("systemctl", "enable", "-q", "vpnd")
	const told = "vpnd apply --yes --no-probes --confirm "
	shuns := func(again string) {
		t.Helper()
		time.Sleep(3 * time.Second)
		if !d.opens() || d.sh("cat /etc/motd.vpn") != "works" {
			t.Errorf("%s the agent did again what was undone", again)
		}
		if a, _ := d.status(); a.Suppressed == nil {
			t.Errorf("%s the agent holds nothing", again)
		}
	}

	// Nobody confirms, and nothing but the agent lives: the apply was killed
	// before it came to the file.
	d.configure(strings.Replace(hangs, `{ content = "cuts\n" }`, "{\n  content = \"cuts\\n\"\n  depends_on = [unit[\"slow.service\"]]\n}", 1))
	d.background(told + "10s")
	d.stuck()
	d.sh("pkill -9 -f '^vpnd apply'")
	d.until("the apply is undone", 30*time.Second, func() bool { return d.yes("test ! -e /var/lib/vpnd/pending.json") })
	shuns("after the deadline")

	// The agent is stopped meanwhile.
	d.configure(cuts)
	d.background(told + "10s")
	d.shut()
	d.run("systemctl", "stop", "vpnd")
	d.until("the apply is undone without the agent", 30*time.Second, func() bool { return d.yes("test ! -e /var/lib/vpnd/pending.json") })
	d.run("systemctl", "start", "vpnd")
	shuns("after its start")

	// The host goes down while the apply waits, and the file that says so is lost.
	d.configure(cuts)
	d.background(told + "10m")
	d.shut()
	d.sh("systemctl stop vpnd && rm /var/lib/vpnd/pending.json && sync")
	d.ok(d.Gateway.Cut())
	d.ok(d.Gateway.Start(t.Context()))
	if d.sh("systemctl is-active vpnd") != "active" {
		t.Error("the agent does not run")
	}
	shuns("after the boot")

	// Confirmed, it is what the agent keeps.
	d.configure(strings.Replace(works, `content = "works`, `content = "works still`, 1))
	d.sh("vpnd apply --yes --confirm 1m && vpnd confirm")
	d.sh("echo mischief >/etc/motd.vpn")
	d.until("the agent repairs", 10*time.Second, func() bool { return d.yes("grep -q 'works still' /etc/motd.vpn") })
}

// TestConfirm confirms, extends and takes back by hand.
func TestConfirm(t *testing.T) {
	t.Parallel()
	s := alone(t)
	pending := func() bool {
		_, err := s.Gateway.ReadFile("/var/lib/vpnd/pending.json")
		return err == nil
	}
	timers := func() string { return s.sh("systemctl list-units --plain --no-legend 'vpnd-undo*.timer' | wc -l") }
	motd := func(text string) { s.configure(`file "/etc/motd.vpn" { content = "` + text + `\n" }`) }
	is := func(text string) {
		t.Helper()
		if got := s.sh("cat /etc/motd.vpn"); got != text {
			t.Errorf("the file says %q instead of %q", got, text)
		}
	}

	motd("one")
	s.names(s.vpnd(1, "apply", "--yes", "--confirm", "1s"), "between 5s and 1d")
	s.names(s.vpnd(1, "apply", "--yes", "--confirm", "1m", "--root", "/mnt"), "another root")
	s.names(s.vpnd(0, "apply", "--yes", "--confirm", "1m"), "NOT CONFIRMED YET", "vpnd confirm")
	for _, argv := range [][]string{{"apply", "--yes"}, {"destroy", "--yes"}, {"rollback", "--yes", "19700101T000000.000000Z"}} {
		s.names(s.vpnd(1, argv...), "waits for confirmation until", "vpnd confirm", "vpnd rollback")
	}
	s.names(s.vpnd(0, "confirm"), "Confirmed")
	if pending() || timers() != "0" {
		t.Errorf("confirmed, and yet it is pending (%v) with %s timers", pending(), timers())
	}
	is("one")
	s.names(s.vpnd(1, "confirm"), "no apply waits")
	s.names(s.vpnd(1, "confirm", "--extend", "5m"), "no apply waits")

	motd("two")
	s.vpnd(0, "apply", "--yes", "--confirm", "10s", "--no-probes")
	s.names(s.vpnd(0, "confirm", "--extend", "20s"), "The deadline is now")
	extended := time.Now()
	s.names(s.sh("vpnd confirm --extend 5s 2>&1"), "would be sooner than the deadline", "The deadline is now")
	time.Sleep(11 * time.Second)
	is("two")
	for pending() && time.Since(extended) < 45*time.Second {
		time.Sleep(100 * time.Millisecond)
	}
	is("one")

	s.vpnd(0, "apply", "--yes", "--confirm", "1m", "--no-probes")
	s.vpnd(0, "rollback", "--yes")
	is("one")
	if pending() || timers() != "0" {
		t.Errorf("rolled back, and yet it is pending (%v) with %s timers", pending(), timers())
	}
	s.vpnd(0, "apply", "--yes")
	is("two")
	s.names(s.vpnd(0, "apply", "--yes", "--confirm", "1m"), "Nothing to do")
	if pending() {
		t.Error("nothing was done, and yet it is pending")
	}
}

// TestUndoIsTriedAgain has what the undo needs be away when the deadline comes.
func TestUndoIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := door{scene: alone(t)}
	d.sh(services)
	d.configure(works)
	d.apply()
	d.was = d.print()
	d.configure(cuts)
	d.vpnd(0, "apply", "--yes", "--no-probes", "--confirm", soon)
	d.sh(away)
	d.until("the undo failed and is to be tried again", 60*time.Second, func() bool {
		return d.yes("systemctl list-units --plain --no-legend 'vpnd-undo*.service' | grep -q auto-restart")
	})
	if mode := d.sh("systemctl show -P CollectMode $(systemctl list-units --plain --no-legend 'vpnd-undo*.service' | cut -d' ' -f1)"); mode != "inactive-or-failed" {
		t.Errorf("an undo that gives up stays: %s", mode)
	}
	d.names(d.vpnd(1, "confirm"), "too late", "vpnd rollback")
	d.names(d.vpnd(1, "confirm", "--extend", "5m"), "too late")
	d.sh(home)
	d.until("the apply is undone", 60*time.Second, func() bool { return d.yes("test ! -e /var/lib/vpnd/pending.json") })
	d.until("the undo ends", 20*time.Second, func() bool { return !d.yes("systemctl is-active 'vpnd-undo-*.service'") })
	d.as(d.was, "an undo that failed at first")

	// Whoever does not wait for it gives it up.
	d.undoFails()
	for _, command := range []string{"apply", "destroy"} {
		d.names(d.vpnd(1, command, "--yes"), "has not come to its end", "vpnd rollback", "vpnd confirm --abandon")
	}
	d.names(d.vpnd(0, "confirm", "--abandon"), "Given up")
	d.overAndOut()
	d.sh(home)
	d.vpnd(0, "apply", "--yes")
	d.converged()
	for range 2 { // what was undone before it was given up, and what was given up
		d.vpnd(0, "rollback", "--yes")
	}
	d.as(d.was, "an undo that was given up")

	// Nor is it tried for ever.
	d.sh("mkdir /etc/systemd/system/vpnd-undo-.service.d; printf '[Service]\\nRestartSec=100ms\\n' >/etc/systemd/system/vpnd-undo-.service.d/soon.conf; systemctl daemon-reload")
	d.undoFails()
	d.within(120*time.Second, "it is given up", "journalctl -t vpnd -o cat | grep -q 'given up after 30 tries'")
	d.overAndOut()
	d.names(d.vpnd(0, "history"), "undo given up")
	d.sh(home + "; rm -r /etc/systemd/system/vpnd-undo-.service.d; systemctl daemon-reload")
	d.vpnd(0, "rollback", "--yes")
	d.as(d.was, "an undo that was given up, and then done by hand")
	if failed := d.sh("systemctl --failed --plain --no-legend"); failed != "" {
		t.Errorf("failed: %s", failed)
	}
}

// soon is a deadline that an apply does not miss on a machine with a lot to do.
const soon = "15s"

// undoFails lets the deadline of an apply pass while its undo can't succeed.
func (d door) undoFails() {
	d.t.Helper()
	d.configure(cuts)
	d.vpnd(0, "apply", "--yes", "--no-probes", "--confirm", soon)
	d.sh(away)
	d.within(60*time.Second, "the undo fails", `grep -q '"tries"' /var/lib/vpnd/pending.json`)
}

// overAndOut wants no undo to be pending any more, nor to be tried.
func (d door) overAndOut() {
	d.t.Helper()
	d.within(60*time.Second, "nothing undoes", "test ! -e /var/lib/vpnd/pending.json && test -z \"$(systemctl list-units --plain --no-legend 'vpnd-undo*')\"")
}

// typing runs a command on a terminal where somebody answers, and returns what
// stands there in the end. In answers, asked waits for that many questions of a
// plan, and sees for that many lines with a word.
func (s scene) typing(answers, command string) string {
	s.t.Helper()
	const wait = `rm -f /run/typed
sees() { for i in $(seq 300); do test "$(grep -c "$2" /run/typed 2>/dev/null)" -ge $1 && return; sleep 0.1; done; }
asked() { sees $1 'taken for an answer'; }
`
	out, _ := s.Gateway.Run(s.t.Context(), "sh", "-c", wait+"("+answers+"; sees 1 '^status') | timeout 90 script -qefc 'trap : INT; "+command+"; echo status $?' /run/typed")
	return out
}

// TestConfirmAsks answers on a terminal.
func TestConfirmAsks(t *testing.T) {
	t.Parallel()
	s := alone(t)
	at := func(answers, flags string) string { return s.typing(answers, "vpnd apply "+flags) }
	s.configure(`file "/etc/motd.vpn" { content = "one\n" }`)
	s.names(at("asked 1; echo yes; sees 1 Keep; echo no", "--confirm 1m --no-probes"), "Keep it? (yes or no)", "nobody wants to keep it", "UNDONE", "status 5")
	if s.sh("test ! -e /etc/motd.vpn && echo gone") != "gone" {
		t.Error("the file is still there")
	}
	s.names(at("asked 1; echo yes; sees 1 Keep; echo perhaps; sees 2 Keep; echo yes", "--confirm 1m --no-probes"), "Confirmed: the host stays", "status 0")
	s.converged()
	s.configure(`file "/etc/motd.vpn" { content = "two\n" }`)
	s.names(at("asked 1; echo yes; sees 1 Keep; sees 1 UNDONE", "--confirm 5s --no-probes"), "UNDONE", "status 5")
	s.names(at("asked 1; echo yes; sees 1 Keep; vpnd confirm >/dev/null; sees 1 elsewhere", "--confirm 1m --no-probes"), "Confirmed from elsewhere", "status 0")
	s.converged()
}

// TestConfirmServices has applies close the port of a service, by a rule that
// nobody meant for it and by stopping it on purpose.
func TestConfirmServices(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.sh(`cd /etc/systemd/system
printf '[Service]\nExecStart=/usr/sbin/sshd -D -p 2222 -o PidFile=none\n' >door.service
systemctl daemon-reload && systemctl start door && until ss -Hltn 'sport = 2222' | grep -q .; do sleep 0.1; done`)
	const motd = `file "/etc/motd.vpn" { content = "one\n" }
`
	was := s.print()
	s.configure(motd + `chain "ip/filter/VPND-DOOR" {
  hook  = "INPUT"
  rules = ["-p tcp --dport 2000:3000 -j DROP"]
}`)
	began := time.Now()
	s.names(s.vpnd(5, "apply", "--yes", "--confirm", "5m"), "before the apply sshd on ", ":2222 answered, and now not", "--no-probes", "UNDONE")
	t.Logf("undone after %s", time.Since(began).Round(100*time.Millisecond))
	s.as(was, "an apply that closed the port of a service")

	s.configure(motd + `unit "door.service" { active = false }`)
	s.names(s.vpnd(0, "apply", "--yes", "--confirm", "5m"), "NOT CONFIRMED YET")
	s.names(s.vpnd(0, "confirm"), "Confirmed")
	s.converged()
}

// TestNobodyIsWaitedFor has somebody think for long about a plan.
func TestNobodyIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := alone(t)
	at := s.typing
	s.configure(`file "/etc/motd.vpn" { content = "one\n" }
sysctl "net.ipv4.conf.all.log_martians" { value = "1" }
`)
	// Another vpnd is not kept waiting, and what it does is seen.
	out := at(`asked 1; vpnd apply --yes --target 'sysctl["net.ipv4.conf.all.log_martians"]' >/dev/null || echo no; echo yes; asked 2; echo yes`, "vpnd apply")
	s.names(out, "changed meanwhile", "status 0")
	if n := strings.Count(out, "Make these changes"); n != 2 {
		t.Errorf("asked %d times:\n%s", n, out)
	}
	s.converged()

	s.names(at("asked 1; echo no", "vpnd rollback"), "nothing was changed", "status 1")
	s.names(at("asked 1; echo yes", "vpnd rollback"), "status 0")
	if s.sh("test ! -e /etc/motd.vpn && echo gone") != "gone" {
		t.Error("the file is still there")
	}
	s.apply()
	s.names(at("asked 1; printf '\\003'", "vpnd destroy"), "nothing was changed")
	s.names(at("asked 1; echo yes", "vpnd destroy"), "status 0")
	s.sh("test ! -e /etc/motd.vpn")
}

// TestChecks looks at what must hold after an apply.
func TestChecks(t *testing.T) {
	t.Parallel()
	s := alone(t)
	good := `
check "door" { tcp = "127.0.0.1:22" }
check "wire" { ping = "10.0.0.1" }
check "name" { resolve = "localhost" }
check "sshd" { unit = "ssh.service" }
check "file" { command = ["/usr/bin/test", "-e", file.motd.name] }
`
	good = strings.ReplaceAll(good, "file.motd", `file["/etc/motd.vpn"]`)
	s.configure(`file "/etc/motd.vpn" { content = "one\n" }` + good)
	s.names(s.vpnd(0, "apply", "--yes", "--confirm", "1m", "--no-probes"), "Checks: 5 hold", "NOT CONFIRMED YET")
	s.vpnd(0, "confirm")

	for name, check := range map[string]string{
		"port": `tcp = "127.0.0.1:9"`, "wire": `ping = "10.0.255.254"`, "name": `resolve = "nobody.invalid"`, "unit": `unit = "nothing.service"`, "tunnel": `tunnel = "tun9"`,
		"command": `command = ["/bin/sh", "-c", "echo why >&2; exit 3"]`, "hangs": `command = ["/bin/sleep", "100"]`,
	} {
		s.configure(`file "/etc/motd.vpn" { content = "` + name + `\n" }` + good +
			"check \"" + name + " fails\" {\n" + check + "\ntimeout = \"1s\"\nretries = 1\ninterval = \"0s\"\n}\n")
		flag := []string{"--rollback-on-failure"}
		if name == "port" {
			flag = []string{"--confirm", "1m"}
		}
		out := s.vpnd(5, append([]string{"apply", "--yes"}, flag...)...)
		s.names(out, `"`+name+` fails" does not hold`, "5 hold, 1 don't", "UNDONE")
		if got := s.sh("cat /etc/motd.vpn"); got != "one" {
			t.Errorf("%s: the file says %q", name, got)
		}
	}
	s.names(s.vpnd(1, "apply", "--yes"), "does not hold")
	if got := s.sh("cat /etc/motd.vpn"); got == "one" {
		t.Error("without a flag a check that fails undoes nothing")
	}
}

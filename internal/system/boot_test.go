package system

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// away and home take from a host what rules are set with, and bring it back.
const (
	away = "mv /usr/sbin/xtables-nft-multi /root"
	home = "mv /root/xtables-nft-multi /usr/sbin"
)

// enabled has the packaged agent and the undo at boot start with the host.
func (s scene) enabled() {
	s.t.Helper()
	s.sh("install -m 0644 /dev/stdin /etc/systemd/system/vpnd-rollback.service <<'EOF'\n" + packagedUnit(s.t) + "EOF\n")
	s.agent()
	s.run("systemctl", "enable", "-q", "vpnd", "vpnd-rollback")
}

// reboots turns the host off and on. With a cut it goes down in the middle of
// whatever it does.
func (s scene) reboots(off func() error) {
	s.t.Helper()
	s.ok(off())
	s.ok(s.Gateway.Start(s.t.Context()))
}

// within waits until a script succeeds on the gateway.
func (s scene) within(bound time.Duration, what, script string) {
	s.t.Helper()
	for deadline := time.Now().Add(bound); ; time.Sleep(200 * time.Millisecond) {
		if _, err := s.Gateway.Run(s.t.Context(), "sh", "-c", script); err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %s\n%s", what, bound, s.agentJournal())
		}
	}
}

// closed is a host that forwards what its rules let through, which is nothing.
const closed = `
firewall "office" {
  forward_default = "drop"
}
sysctl "net.ipv4.ip_forward" {
  value      = "1"
  depends_on = [firewall.office]
}`

// TestBootIsNeverOpen has the laptop knock all the while a gateway goes down and
// comes up that has its interfaces from the first moment, and lets nothing
// through.
func TestBootIsNeverOpen(t *testing.T) {
	t.Parallel()
	l := labtest.For(t, 2, lab.Bookworm)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	s := scene{o, t}
	s.Laptop = labtest.Host(t, l, "laptop")
	s.ok(l.Join("internet", s.Laptop, "eth0", netip.MustParsePrefix("203.0.113.10/24")))
	s.ok(s.Laptop.Route(netip.MustParsePrefix("10.0.0.0/16"), netip.MustParseAddr(office.Remote)))
	// The office stands on the laptop too, in a network of its own: hosts cost.
	s.ok(l.Join("lan", s.Laptop, "lan0"))
	labtest.Run(t, s.Laptop, "sh", "-c", "ip netns add office && ip link set lan0 netns office && ip -n office addr add "+office.Intranet+
		"/16 dev lan0 && ip -n office link set lan0 up && ip -n office route add default via 10.0.0.1")
	s.configure("sysctl \"net.ipv4.ip_forward\" {\n  value = \"1\"\n}\n")
	s.apply()
	labtest.Run(t, s.Laptop, "ping", "-q", "-c", "1", "-W", "10", office.Intranet) // there is a way

	s.configure(closed)
	s.apply() // that the agent starts is no word to take other files
	s.enabled()
	s.converged()
	labtest.Run(t, s.Laptop, "systemd-run", "-q", "--unit=knock", "-p", "StandardOutput=file:/run/knock", "ping", "-n", "-i", "0.05", office.Intranet)
	s.reboots(func() error { s.sh("sync"); return s.Gateway.Cut() })
	const on = "grep -q 1 /proc/sys/net/ipv4/ip_forward"
	s.within(60*time.Second, "forwarding is on", on)
	s.within(60*time.Second, "all is well", "vpnd status && ! vpnd status --json | grep -q booting")
	s.converged()
	s.sh("systemctl restart systemd-sysctl && " + on)
	s.sh("sysctl -q --system 2>/dev/null; " + on) // it may not write other keys in a container
	s.converged()
	labtest.Run(t, s.Laptop, "systemctl", "kill", "-s", "INT", "knock")
	labtest.Run(t, s.Laptop, "sh", "-c", "for i in $(seq 600); do grep -q transmitted /run/knock && exit 0; sleep 0.1; done; exit 1")
	if heard := labtest.Run(t, s.Laptop, "cat", "/run/knock"); strings.Contains(heard, "bytes from "+office.Intranet) || strings.Contains(heard, "\n0 packets") {
		t.Errorf("the laptop got through:\n%s", heard)
	}

	// Nobody switches it on where there is no vpnd, and an apply does.
	s.run("systemctl", "disable", "-q", "vpnd", "vpnd-rollback")
	s.reboots(func() error { return s.Gateway.Stop(t.Context()) })
	s.sh("! " + on)
	s.apply()
	s.sh(on)
	s.vpnd(0, "destroy", "--yes")
	s.sh("! " + on + " && ! ls /run/sysctl.d /etc/sysctl.d/*vpnd* 2>/dev/null")
}

// TestBootWithoutRules boots a gateway that can set no rules. Another program has
// forwarding switched on, and the host must not forward without them.
func TestBootWithoutRules(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.enabled()
	s.converged()
	s.sh("printf 'net.ipv4.ip_forward = 1\n' >/etc/sysctl.d/zzz-theirs.conf")
	s.sh(away)
	s.reboots(func() error { return s.Gateway.Stop(t.Context()) })
	s.within(60*time.Second, "the agent is up", "systemctl is-active vpnd")
	s.names(s.sh("cat /etc/sysctl.d/*vpnd* /proc/sys/net/ipv4/ip_forward | tail -1"), "0")
	s.names(s.vpnd(1, "status"), "filter rules are missing", "net.ipv4.ip_forward")
	s.names(s.sh("journalctl -b -u vpnd -p err -o cat"), "must not forward")
	s.names(s.sh("vpnd status --json; true"), `"fail_closed"`)
	s.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")
	s.within(30*time.Second, "forwarding is off again", "grep -q 0 /proc/sys/net/ipv4/ip_forward")

	s.sh(home)
	s.within(60*time.Second, "forwarding is on", "grep -q 1 /proc/sys/net/ipv4/ip_forward")
	s.sh("iptables-save -t filter | grep -q -- '-j VPND-GW-office$'") // and were before
	s.within(60*time.Second, "all is well", "vpnd status")
	s.converged()
	s.lacks(s.sh("vpnd status --json"), `"fail_closed"`)
}

// TestBootWithoutUndo boots a host while an apply waits for confirmation, and the
// undo fails. The agent must not take for drift what is to be undone.
func TestBootWithoutUndo(t *testing.T) {
	t.Parallel()
	d := door{scene: alone(t)}
	d.sh(services)
	d.configure(works)
	d.enabled()
	d.converged()
	d.was = d.print()
	d.configure(cuts)
	d.vpnd(0, "apply", "--yes", "--no-probes", "--confirm", "10m")
	d.names(d.sh("vpnd status"), "waits for confirmation", "vpnd confirm")
	d.sh(away)
	d.reboots(func() error { d.sh("sync"); return d.Gateway.Cut() })
	d.within(60*time.Second, "the agent is up", "systemctl is-active vpnd")
	d.within(30*time.Second, "the agent waits for the undo", "vpnd status --json | grep -q '\"overdue\": true'")
	d.names(d.sh("vpnd status; true"), "is being undone")
	// What can be undone is, and nothing of it is put in place again.
	d.sh("sleep 3; ! grep -q cuts /etc/motd.vpn; test $(cat /proc/sys/net/ipv4/conf/all/log_martians) = 1")

	// Even where no unit tries any more, the undo goes on.
	d.run("systemctl", "stop", "vpnd-rollback")
	d.within(60*time.Second, "the agent begins the undo", "journalctl -b -u vpnd -o cat | grep -q 'begun anew'")
	d.sh("! iptables -S VPND-DOOR 2>/dev/null | grep -q DROP")
	d.sh(home)
	d.within(60*time.Second, "the apply is undone", "test ! -e /var/lib/vpnd/pending.json && ! systemctl is-active 'vpnd-undo-*.service'")
	d.within(30*time.Second, "all is well", "vpnd plan --detailed-exitcode; test $? = 2") // of the files, which still ask for it
	d.as(d.was, "an undo that failed at boot")
	if failed := d.sh("systemctl --failed --plain --no-legend"); failed != "" {
		t.Errorf("failed: %s", failed)
	}

	// The power goes right after the deadline is armed, before anything has changed.
	const first = `unit "slow.service" { active = true }
file "/etc/motd.vpn" {
  content    = "cut off\n"
  depends_on = [unit["slow.service"]]
}
`
	d.configure(strings.Replace(works, `file "/etc/motd.vpn" { content = "works\n" }`, first, 1))
	d.sh("nohup vpnd apply --yes --no-probes --confirm 10m >/dev/null 2>&1 </dev/null & for i in $(seq 600); do test -e /var/lib/vpnd/pending.json && break; sleep 0.05; done; pkill -STOP -x vpnd; test -e /var/lib/vpnd/pending.json && grep -q works /etc/motd.vpn")
	d.reboots(func() error { d.sh("sync"); return d.Gateway.Cut() })
	d.within(60*time.Second, "it is undone at boot", "test ! -e /var/lib/vpnd/pending.json && systemctl is-active vpnd")
	d.as(d.was, "a power cut right after the deadline was armed")
}

// TestBootPaysRefreshes has a boot find a file gone wrong, which is put right
// before the server starts that reads it. It starts once.
func TestBootPaysRefreshes(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.enabled()
	s.converged()
	// The server comes late, so that the repair is surely before it.
	s.sh(`cd /etc/systemd/system
printf '[Service]\nType=oneshot\nExecStart=/bin/sleep 5\n' >late.service
mkdir -p openvpn-server@.service.d && printf '[Unit]\nWants=late.service\nAfter=late.service\n' >openvpn-server@.service.d/late.conf
systemctl daemon-reload`)
	s.run("systemctl", "stop", "vpnd")
	s.sh("echo verb 9 >>/etc/openvpn/server/office.conf; sync")
	s.reboots(func() error { return s.Gateway.Stop(t.Context()) })
	s.within(90*time.Second, "the server and the agent are up", "systemctl is-active openvpn-server@office && vpnd status && ! vpnd status --json | grep -q booting")
	s.converged()
	if n := s.sh("journalctl -b -o cat -u openvpn-server@office | grep -c '^Starting '"); n != "1" {
		t.Errorf("the server was started %s times:\n%s", n, s.agentJournal())
	}
	s.lacks(s.sh("cat /etc/openvpn/server/office.conf"), "verb 9")
}

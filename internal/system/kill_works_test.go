package system

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// example is the configuration of the gateway in these tests, and changed is
// what it becomes: something of every kind.
const example = "../../examples/openvpn-gateway"

func (r reaper) example() {
	r.t.Helper()
	r.ok(r.Configure(r.t.Context(), example))
	if *crowd > 0 {
		r.ok(r.Edit(r.t.Context(), "vpn.hcl", `client "tpham" {}`, crowded(*crowd)))
	}
}

// crowded are so many clients in the language.
func crowded(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%03d", i)
	}
	return "dynamic \"client\" {\n    for_each = " + quoted(names) + "\n    labels = [client.value]\n    content {}\n  }"
}

func (r reaper) changed() {
	r.t.Helper()
	r.example()
	ctx := r.t.Context()
	r.ok(r.Edit(ctx, "vpn.hcl", `ping    = "10s"`, `ping    = "11s"`))
	r.ok(r.Edit(ctx, "vpn.hcl", `client "alice" {}`, "client \"alice\" {}\n  client \"bob\" {}\n  client \"carol\" { revoked = true }"))
	r.ok(r.Edit(ctx, "vpn.hcl", "uplink     =", "mss_clamp  = false\n  uplink     ="))
	r.ok(r.Gateway.WriteFile(ctx, "/etc/vpnd/besides.hcl", []byte(strings.Join(strings.SplitAfter(small, "\n")[1:], "")+linked), 0o600))
}

// linked are the kinds that the example and small leave out.
const linked = `
tun "tun9" {
  addresses = ["10.99.0.1/24"]
  mtu       = 1400
}
route "10.98.0.0/16" { dev = tun.tun9.name }
sysctl "net.ipv4.conf.eth0.rp_filter" { value = "2" }
`

// settle applies the configuration and returns the gateway after it.
func (r reaper) settle() string {
	r.t.Helper()
	r.apply()
	return r.print()
}

// nothing is there to be made ready.
func nothing(reaper) {}

func firstApply(r reaper) ordeal {
	r.example()
	return applied(r)
}

func applied(r reaper) ordeal {
	whole := r.settle()
	r.vpnd(0, "destroy", "--yes")
	return command(nothing, func(r reaper, round int) {
		if round%4 != 3 {
			r.apply()
			r.same(whole)
		}
		r.vpnd(0, "destroy", "--yes")
		if round%4 == 3 {
			r.as(r.first, "destroying what a killed apply left")
			r.tidied()
		}
	}, "apply", "--yes")
}

// manyClients write their files in one go.
func manyClients(r reaper) ordeal {
	r.ok(r.Edit(r.t.Context(), "vpn.hcl", `client "tpham" {}`, crowded(200)))
	return applied(r)
}

// change has the server restarted, rules, files and units changed, there and
// back. Where it was killed, the next run finishes it, goes back with the
// configuration or by what was written down, or finishes it to go back then.
func change(r reaper) ordeal {
	var wholes [2]string
	configure := []func(reaper){reaper.example, reaper.changed}
	for i := range configure {
		configure[i](r)
		wholes[i] = r.settle()
	}
	is, undoes := 1, ""
	return command(func(r reaper) {
		undoes = r.sh(newest)
		is = 1 - is
		configure[is](r)
	}, func(r reaper, round int) {
		if round%4 == 3 {
			r.apply()
		}
		if round%4 > 0 {
			is = 1 - is
			configure[is](r)
		}
		// A client who was dropped is revoked for good, whatever is rolled back.
		if is == 0 && round%4 > 1 && r.sh(newest) != undoes {
			r.vpnd(0, "rollback", "--yes")
			r.converged()
		} else {
			r.apply()
		}
		r.same(wholes[is])
	}, "apply", "--yes")
}

// newest tells the snapshot that a rollback goes back to.
const newest = "ls /var/lib/vpnd/snapshots | tail -1"

// mischief is done to what vpnd keeps.
const mischief = `
iptables -F VPND-GW-office; iptables -t nat -D POSTROUTING -j VPND-GW-office; echo 0 > /proc/sys/net/ipv4/ip_forward
echo verb 9 >> /etc/openvpn/server/office.conf; rm /etc/openvpn/server/office/ccd/alice /etc/sysctl.d/*vpnd*
chmod 0600 /etc/openvpn/server/office/server.key; echo >> /etc/openvpn/server/office/server.key
rm /etc/openvpn/server/office/server.crt /etc/systemd/system/openvpn-server@office.service.d/vpnd.conf
ip addr flush dev tun9; ip route del 10.98.0.0/16`

func repair(r reaper) ordeal {
	r.example()
	r.ok(r.Gateway.WriteFile(r.t.Context(), "/etc/vpnd/besides.hcl", []byte(linked), 0o600))
	whole := r.settle()
	return command(func(r reaper) {
		r.run("sh", "-c", mischief+"; systemctl stop openvpn-server@office")
	}, func(r reaper, _ int) {
		r.apply()
		r.same(whole)
	}, "apply", "--yes")
}

func rollback(r reaper) ordeal {
	r.example()
	before := r.settle()
	var undoes string
	return command(func(r reaper) {
		r.changed()
		r.vpnd(0, "apply", "--yes")
		undoes = r.sh(newest)
	}, func(r reaper, _ int) {
		if r.sh(newest) == undoes {
			r.vpnd(0, "rollback", "--yes")
		}
		r.example()
		r.converged()
		r.same(before)
	}, "rollback", "--yes")
}

func destroy(r reaper) ordeal {
	r.changed()
	whole := r.settle()
	return command(func(r reaper) {
		r.vpnd(0, "apply", "--yes")
	}, func(r reaper, round int) {
		if round%3 == 2 {
			r.apply()
			r.same(whole)
			return
		}
		r.vpnd(0, "destroy", "--yes")
		r.as(r.first, "destroying")
		r.tidied()
	}, "destroy", "--yes")
}

// agentRepair has the agent repair; systemd starts it anew where it was killed.
func agentRepair(r reaper) ordeal {
	dropin := "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=50ms\n"
	r.ok(r.Gateway.WriteFile(r.t.Context(), "/etc/systemd/system/vpnd.service.d/soon.conf", []byte(dropin), 0o644))
	r.example()
	r.ok(r.Gateway.WriteFile(r.t.Context(), "/etc/vpnd/besides.hcl", []byte(linked), 0o600))
	r.agent()
	r.converged()
	whole := r.print()
	const main = "systemctl show -P MainPID vpnd"
	var pid string
	script := func(r reaper, script string) error {
		_, err := r.Gateway.Run(r.t.Context(), "sh", "-c", script)
		return err
	}
	return ordeal{
		ready: func(r reaper) {
			r.sh("systemctl reload vpnd") // what is drawn away again and again is left alone
			pid = r.sh(main)
		},
		trace: func(r reaper, at int) *tracer {
			return r.seize(at, r.outside(pid), func() error {
				// Where no boundary was its end, this is, once it has nothing left to do.
				return script(r, fmt.Sprintf("%s; %s; test $(%s) != %s || kill -KILL %s", mischief, eventually(nothingLeft), main, pid, pid))
			})
		},
		takes: time.Second,
		kill: func(r reaper, after time.Duration) bool {
			return script(r, fmt.Sprintf("%s; sleep %.3f; kill -KILL %s", mischief, after.Seconds(), pid)) == nil
		},
		finish: func(r reaper, _ int) {
			r.sh(eventually("systemctl is-active vpnd && test $(" + main + ") != " + pid))
			r.sh(eventually(nothingLeft))
			r.same(whole)
		},
	}
}

// eventually is a script that waits for another one to succeed, for a minute.
func eventually(script string) string {
	return fmt.Sprintf("for i in $(seq 240); do (%s) >/dev/null 2>&1 && break; test $i -lt 240 || { echo 'not within a minute' >&2; exit 1; }; sleep 0.25; done", script)
}

// outside is the number that a process of the gateway has on the machine: one
// in the namespace of its init that has the other number there.
func (r reaper) outside(pid string) int {
	r.t.Helper()
	init := strconv.Itoa(r.Gateway.PID())
	tasks, err := os.ReadDir("/proc")
	r.ok(err)
	for _, task := range tasks {
		status, _ := os.ReadFile("/proc/" + task.Name() + "/status")
		_, numbers, _ := strings.Cut(string(status), "NSpid:")
		numbers, _, _ = strings.Cut(numbers, "\n")
		namespace, err := os.Readlink("/proc/" + task.Name() + "/ns/pid")
		own, _ := os.Readlink("/proc/" + init + "/ns/pid")
		if err == nil && namespace == own && strings.HasSuffix(numbers, "\t"+pid) {
			n, err := strconv.Atoi(task.Name())
			r.ok(err)
			return n
		}
	}
	r.t.Fatalf("the gateway has no process %s", pid)
	return 0
}

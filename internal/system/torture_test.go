package system

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// deaths is how often each of the tests here kills vpnd at work.
var deaths = flag.Int("kills", 4, "how often each test of the kill matrix kills vpnd")

// A reaper kills vpnd at moments that it draws.
type reaper struct {
	scene
	random *rand.Rand
	first  string // the gateway before vpnd came, others at home there
}

// reaped is a gateway with others on it and the example configured.
func reaped(t *testing.T) reaper {
	t.Helper()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Foreigners(t.Context()))
	return reaper{s, rand.New(rand.NewPCG(seed(t), 0)), s.print()}
}

// moment draws one within a time.
func (r reaper) moment(whole time.Duration) time.Duration {
	return time.Duration(r.random.Int64N(int64(whole)))
}

// kill starts vpnd, kills it at a moment within whole, and says whether it was
// still at work.
func (r reaper) kill(whole time.Duration, args ...string) bool {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), r.moment(whole))
	defer cancel()
	_, _, err := r.VPND(ctx, args...)
	return ctx.Err() != nil && err != nil
}

// unharmed wants what holds at any moment: keys are for root alone, and what
// isn't vpnd's is there.
func (r reaper) unharmed() {
	r.t.Helper()
	r.run("systemctl", "reset-failed") // five starts in ten seconds are systemd's limit, and fewer than here
	r.keysAreSafe()
	r.foreignersStand(r.first)
}

// refreshed wants the server to run on the configuration and the key that are on
// the disk: its process is younger than both. The time of a file's change counts;
// that of its content, which vpnd sets, may be a second ahead.
func (r reaper) refreshed() {
	r.t.Helper()
	r.sh(`
at=$(systemctl show --timestamp=us+utc -P ExecMainStartTimestamp openvpn-server@office)
started=$(date -d "$at" +%s%6N)
for f in /etc/openvpn/server/office.conf /etc/openvpn/server/office/server.key; do
	written=$(stat -c %.6Z $f | tr -d .)
	test $written -le $started || { echo "$f was written at $written, and the server runs since $started" >&2; exit 1; }
done`)
}

// enough wants a good part of the kills, where there are many, to have met vpnd
// at work.
func (r reaper) enough(caught int) {
	r.t.Helper()
	r.t.Logf("%d of %d kills met vpnd at work", caught, *deaths)
	if *deaths >= 10 && caught < *deaths/4 {
		r.t.Errorf("only %d of %d kills met vpnd at work", caught, *deaths)
	}
}

// TestKilledRestart changes the server's own configuration each time, and wants
// no restart to be forgotten by whoever finishes the work.
func TestKilledRestart(t *testing.T) {
	t.Parallel()
	r := reaped(t)
	r.apply()
	caught := 0
	for i := range *deaths {
		r.ok(r.Edit(t.Context(), "vpn.hcl", pings[i%2], pings[(i+1)%2]))
		if r.kill(600*time.Millisecond, "apply", "--yes") {
			caught++
		}
		r.unharmed()
		r.vpnd(0, "apply", "--yes")
		r.converged()
		r.refreshed()
	}
	r.enough(caught)
	r.vpnd(0, "destroy", "--yes")
	r.as(r.first, "destroying")
}

// pings are a line of the configuration that the server has to be restarted
// for, and what it becomes and is again.
var pings = []string{`ping    = "10s"`, `ping    = "11s"`}

// TestKilledRollback kills rollbacks; the next one ends where it would have.
func TestKilledRollback(t *testing.T) {
	t.Parallel()
	r := reaped(t)
	r.apply()
	caught := 0
	for range *deaths {
		before := r.print()
		r.ok(r.Edit(t.Context(), "vpn.hcl", pings[0], pings[1]))
		r.ok(r.Edit(t.Context(), "vpn.hcl", "uplink     =", "mss_clamp  = false\n  uplink     ="))
		r.ok(r.Gateway.WriteFile(t.Context(), "/etc/vpnd/small.hcl", []byte(strings.Join(strings.SplitAfter(small, "\n")[1:], "")), 0o600))
		r.apply()
		newest := r.sh("ls /var/lib/vpnd/snapshots | tail -1")
		if r.kill(600*time.Millisecond, "rollback", "--yes") {
			caught++
		}
		r.unharmed()
		if r.sh("ls /var/lib/vpnd/snapshots | tail -1") == newest {
			r.vpnd(0, "rollback", "--yes")
		}
		r.as(before, "a rollback that was killed and finished")
		r.refreshed()
		r.ok(r.Configure(t.Context(), "../../examples/openvpn-gateway"))
		r.converged()
	}
	r.enough(caught)
	r.vpnd(0, "destroy", "--yes")
	r.as(r.first, "destroying")
}

// TestKilledRepair kills the agent while it repairs; systemd starts it again,
// and it finishes what it had begun.
func TestKilledRepair(t *testing.T) {
	t.Parallel()
	r := reaped(t)
	dropin := "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=50ms\n"
	r.ok(r.Gateway.WriteFile(t.Context(), "/etc/systemd/system/vpnd.service.d/soon.conf", []byte(dropin), 0o644))
	r.agent()
	for range *deaths {
		pid := r.sh("systemctl show -P MainPID vpnd")
		r.sh(fmt.Sprintf(`
echo verb 9 >> /etc/openvpn/server/office.conf
chmod 0600 /etc/openvpn/server/office/server.key; echo >> /etc/openvpn/server/office/server.key
iptables -F VPND-GW-office; iptables -t nat -D POSTROUTING -j VPND-GW-office; echo 0 > /proc/sys/net/ipv4/ip_forward
sleep %.3f; kill -KILL %s`, r.moment(600*time.Millisecond).Seconds(), pid))
		r.unharmed()
		r.shortly("systemctl is-active vpnd && test $(systemctl show -P MainPID vpnd) != " + pid)
		r.shortly(nothingLeft)
		r.refreshed()
	}
	r.sh("systemctl stop vpnd; rm -r /etc/systemd/system/vpnd.service.d; systemctl daemon-reload")
	r.unharmed()
}

// TestKilledManyClients kills applies of many clients, which write their files
// in one go.
func TestKilledManyClients(t *testing.T) {
	t.Parallel()
	r := reaped(t)
	const clients = 200
	var names []string
	for i := range clients {
		names = append(names, fmt.Sprintf("c%03d", i))
	}
	block := "dynamic \"client\" {\n    for_each = " + quoted(names) + "\n    labels = [client.value]\n    content {}\n  }"
	r.ok(r.Edit(t.Context(), "vpn.hcl", `client "tpham" {}`, block))
	caught := 0
	for i := range *deaths {
		if r.kill(1500*time.Millisecond, "apply", "--yes") {
			caught++
		}
		r.unharmed()
		if i%3 == 2 {
			r.vpnd(0, "destroy", "--yes")
			r.as(r.first, "destroying what a killed apply left")
		}
	}
	r.enough(caught)
	r.vpnd(0, "apply", "--yes")
	r.converged()
	r.refreshed()
	if n := r.sh("ls /var/lib/vpnd/profiles/office | grep -c '^c...[.]ovpn$'"); n != fmt.Sprint(clients) {
		t.Errorf("%s clients have a profile", n)
	}
	r.vpnd(0, "destroy", "--yes")
	r.as(r.first, "destroying")
}

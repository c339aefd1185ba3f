package system

import (
	"strings"
	"testing"
	"time"
)

// rival flushes both tables every second and sets a variable, for a bounded time.
// Before each round it waits for the rules, and puts on record when they don't
// come back.
const rival = `
for i in $(seq 30); do
	for tries in $(seq 100); do
		iptables-save -t filter | grep -q -- '-A FORWARD -j VPND-KEEP$' && iptables-save -t nat | grep -q -- '-j VPND-NAT$' && break
		test $tries = 100 && echo "round $i" >>/run/open
		sleep 0.1
	done
	iptables -t nat -F; iptables -F FORWARD; echo 0 >/proc/sys/net/ipv4/tcp_syncookies
	sleep 1
done`

// TestFlapping has another program flush nat and the forward rules, and set a
// variable, again and again. The agent gives in over what is only useful, goes on
// over what the host must not be without, says so, and comes back when the other
// has ended.
func TestFlapping(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.configure(`
chain "ip/filter/VPND-KEEP" {
  hook  = "FORWARD"
  rules = ["-i wan0 -j DROP"]
}
chain "ip/nat/VPND-NAT" {
  hook  = "POSTROUTING"
  rules = ["-s 10.8.0.0/24 -j MASQUERADE"]
}
sysctl "net.ipv4.tcp_syncookies" {
  value = 1
}
`)
	s.agent()
	const keep, nat, give = `chain["ip/filter/VPND-KEEP"]`, `chain["ip/nat/VPND-NAT"]`, `sysctl["net.ipv4.tcp_syncookies"]`
	s.run("systemd-run", "-q", "--unit", "rival", "sh", "-c", rival)

	fought := func(l agentTold, id string) *flap {
		for i := range l.Flapping {
			if l.Flapping[i].ID == id {
				return &l.Flapping[i]
			}
		}
		return nil
	}
	l, _ := s.until("tell of all flaps", func(l agentTold) bool {
		return fought(l, keep) != nil && fought(l, nat) != nil && fought(l, give) != nil
	})
	for id, by := range map[string]string{keep: "iptables (process ", nat: "iptables (process ", give: "sh (process "} {
		if f := fought(l, id); f == nil || !strings.HasPrefix(f.By, by) || f.Repairs < 3 || (f.Until == nil) != (id != give) {
			t.Errorf("the flap over %s is told as %+v", id, f)
		}
	}
	// It is left alone while the other goes on.
	s.until("give in", func(l agentTold) bool { return l.drifted(give) == "flapping" })
	s.sh("sleep 3; grep -qx 0 /proc/sys/net/ipv4/tcp_syncookies")
	s.names(s.vpnd(3, "status"), "Flapping", give, "sh (process ")

	s.sh("for i in $(seq 900); do systemctl is-active -q rival || exit 0; sleep 0.1; done; exit 1")
	if open := s.sh("cat /run/open 2>/dev/null || true"); open != "" {
		t.Errorf("the rules did not come back within ten seconds: %s", open)
	}
	s.until("come back", func(l agentTold) bool { return len(l.Drift) == 0 })
	s.converged()
	journal := s.sh("journalctl -u vpnd -o cat")
	s.names(journal, "vpnd leaves it alone for a while id="+give, "it guards the host, so vpnd goes on repairing it id="+keep, "by=\"iptables (process ")
	// Four flurries at most before it is left alone, a second apart, and the one after the rest.
	if n := strings.Count(journal, "repaired id="+give) + strings.Count(journal, "repaired once more id="+give); n > 4*4+1 {
		t.Errorf("%d repairs of what is fought over:\n%s", n, journal)
	}
}

// flap is what the agent tells of one.
type flap struct {
	ID, By  string
	Repairs int
	Until   *time.Time
}

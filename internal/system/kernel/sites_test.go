package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/machine"
	"vpnd/internal/nettest"
)

// vpnd is the binary under test, where make test-kernel puts it.
const vpnd = "../../../bin/vpnd"

// The addresses of two sites. West is a gateway of vpnd's, east the other side: it
// has two addresses outside, as Amazon has for one connection.
//
//	192.168.40.2 ── 192.168.40.1 west 203.0.113.1 ── internet ─┬─ 203.0.113.17 east 172.31.0.1 ── 172.31.0.10
//	                                                            └─ 203.0.113.33 ┘
const (
	westOutside, eastFirst, eastSecond = "203.0.113.1", "203.0.113.17", "203.0.113.33"
	westNetwork, eastNetwork           = "192.168.40.0/24", "172.31.0.0/16"
	westInside, eastInside             = "192.168.40.2", "172.31.0.10"
)

// sites are two gateways, each with a network behind it and a computer in that: a
// network namespace called inside.
type sites struct {
	t          *testing.T
	west, east *lab.Host
}

// All that needs the kernel of Debian between two sites, in one pair of hosts.
func TestDebianKernelSites(t *testing.T) {
	s := open(t)
	s.run("routed", sites.routed)
	s.run("AWS with static routes", sites.static)
	s.run("AWS with BGP", sites.bgp)
	s.run("by policy beside a gateway", sites.byPolicy)
	s.run("WireGuard", sites.wireGuard)
	s.run("OpenVPN", sites.offloaded)
}

// open boots them. They are joined outside, and forward; nothing else is made.
func open(t *testing.T) sites {
	t.Helper()
	nettest.Kernel(t)
	// Hosts have /dev/net/tun where the machine has it when they boot.
	if out, err := exec.Command("modprobe", "tun").CombinedOutput(); err != nil {
		t.Fatalf("the module tun: %v: %s", err, out)
	}
	l := labtest.New(t, machine.Packages...)
	var hosts [2]*lab.Host
	var errs [2]error
	var booting sync.WaitGroup
	for i, name := range []string{"west", "east"} {
		booting.Go(func() { hosts[i], errs[i] = l.Host(t.Context(), name) })
	}
	booting.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	s := sites{t, hosts[0], hosts[1]}
	t.Logf("west booted in %s, east in %s", s.west.BootTime().Round(time.Second), s.east.BootTime().Round(time.Second))
	s.join(l, s.west, "192.168.40.1/24", westInside, eastFirst, westOutside)
	s.join(l, s.east, "172.31.0.1/16", eastInside, westOutside, eastFirst, eastSecond)
	s.ok(s.west.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	return s
}

// join gives a gateway its outside addresses and the network behind it. What leads
// nowhere else goes to its neighbor outside, as to the internet.
func (s sites) join(l *lab.Lab, h *lab.Host, gateway, inside, neighbor string, outside ...string) {
	s.t.Helper()
	var prefixes []netip.Prefix
	for _, address := range outside {
		prefixes = append(prefixes, netip.MustParsePrefix(address+"/24"))
	}
	s.ok(l.Join("internet", h, "wan0", prefixes...))
	router := netip.MustParsePrefix(gateway)
	s.sh(h, fmt.Sprintf(`
		sysctl -q -w net.ipv4.ip_forward=1
		ip route add default via %s
		ip netns add inside
		ip link add lan0 type veth peer name eth0 netns inside
		ip addr add %s dev lan0
		ip link set lan0 up
		ip -n inside link set lo up
		ip -n inside link set eth0 up
		ip -n inside addr add %s/%d dev eth0
		ip -n inside route add default via %s`, neighbor, gateway, inside, router.Bits(), router.Addr()))
}

// run runs a part of the test as a subtest.
func (s sites) run(name string, part func(sites)) {
	s.t.Run(name, func(t *testing.T) { part(sites{t, s.west, s.east}) })
}

func (s sites) hosts() map[string]*lab.Host {
	return map[string]*lab.Host{"west": s.west, "east": s.east}
}

// leave takes from both what a part of the test made.
func (s sites) leave() {
	s.t.Helper()
	s.sh(s.west, "systemctl stop vpnd 2>/dev/null || true; vpnd destroy --yes; systemctl stop strongswan; rm -r /etc/vpnd")
	s.sh(s.east, "systemctl stop strongswan; rm -f /etc/swanctl/conf.d/west*; iptables -F; for x in vpc1 vpc2 wg0; do ip link del $x 2>/dev/null || true; done")
}

// agent has the agent of vpnd keep west so.
func (s sites) agent() {
	s.t.Helper()
	s.ok(s.west.Copy(s.t.Context(), "../../../packaging/vpnd.service", "/etc/systemd/system/vpnd.service"))
	s.sh(s.west, "sed -i s,/usr/bin/vpnd,/usr/sbin/vpnd, /etc/systemd/system/vpnd.service; systemctl daemon-reload; systemctl start vpnd")
}

// cut drops, on east, what goes to and from one of its addresses outside: a peer that
// is gone without a word. mend lets it through again.
func (s sites) cut(outside string) { s.t.Helper(); s.sh(s.east, fmt.Sprintf(dropping, "I", outside)) }

func (s sites) mend(outside string) { s.t.Helper(); s.sh(s.east, fmt.Sprintf(dropping, "D", outside)) }

const dropping = "iptables -%[1]s INPUT -d %[2]s -j DROP; iptables -%[1]s OUTPUT -s %[2]s -j DROP"

// apply makes text the whole configuration of west and converges it; afterwards there
// is nothing left to do.
func (s sites) apply(text string) {
	s.t.Helper()
	s.write(s.west, "/etc/vpnd/vpn.hcl", text)
	began := time.Now()
	if out, err := s.west.Run(s.t.Context(), "vpnd", "apply", "--yes"); err != nil {
		s.t.Fatalf("vpnd apply: %v\n%s", err, out)
	}
	s.t.Logf("applied in %s", time.Since(began).Round(100*time.Millisecond))
	if out, err := s.west.Run(s.t.Context(), "vpnd", "plan", "--detailed-exitcode"); err != nil {
		s.t.Fatalf("the plan after an apply is not empty: %v\n%s", err, out)
	}
}

// ok ends the test where a step failed.
func (s sites) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// sh runs a script on a host, which must succeed, and returns what it wrote,
// trimmed.
func (s sites) sh(h *lab.Host, script string) string {
	s.t.Helper()
	return strings.TrimSpace(labtest.Run(s.t, h, "sh", "-euc", script))
}

// try runs a script on a host and says whether it succeeded.
func (s sites) try(h *lab.Host, script string) bool {
	s.t.Helper()
	_, err := h.Run(s.t.Context(), "sh", "-euc", script)
	return err == nil
}

// write writes a file on a host.
func (s sites) write(h *lab.Host, path, text string) {
	s.t.Helper()
	s.ok(h.WriteFile(s.t.Context(), path, []byte(text), 0o600))
}

// eventually waits, within two minutes, until a script succeeds on a host, and
// returns how long that took.
func (s sites) eventually(h *lab.Host, what, script string) time.Duration {
	s.t.Helper()
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		if s.try(h, script) {
			took := time.Since(began)
			s.t.Logf("%s: after %s", what, took.Round(100*time.Millisecond))
			return took
		}
		time.Sleep(200 * time.Millisecond)
	}
	out, err := h.Run(s.t.Context(), "sh", "-c", script+"\n"+evidence)
	s.t.Fatalf("%s: it is not so within two minutes: %v\n%s", what, err, out)
	return 0
}

// evidence prints what tells why a tunnel carries nothing.
const evidence = `exec 2>&1; echo; swanctl --list-sas; ip -s xfrm state; ip xfrm policy; ip route; ip -s link; journalctl -q -n 40 -u strongswan -u vpnd -u frr -o cat; vpnd status; vtysh -c 'show bgp summary' -c 'show ip route'`

// talks is a script that succeeds when a computer reaches an address from inside.
func talks(to string) string { return "ip netns exec inside ping -c1 -W2 " + to }

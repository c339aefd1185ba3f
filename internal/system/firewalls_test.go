package system

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// guarded is a gateway that drops what nobody opened, with a port for which
// something listens.
const guarded = `
firewall "host" {
  input_default = "drop"
  input {
    protocol = "tcp"
    ports    = ["ssh"]
    action   = "accept"
  }
}
chain "ip/filter/VPND-VPN" {
  hook     = "INPUT"
  priority = 100
  rules    = ["-p udp -m udp --dport 1194 -j ACCEPT"]
}
gateway "office" {
  uplink   = "wan0"
  networks = ["10.8.0.0/24"]
}
`

// besideFirewalls is a gateway of that kind on which other firewalls are
// installed, and somebody in the world who knocks at it.
func besideFirewalls(t *testing.T) (scene, *lab.Host) {
	t.Helper()
	l := labtest.For(t, 2, lab.Bookworm, "fail2ban", "ufw", "firewalld", "ipset", "python3-systemd")
	o, err := office.Alone(t.Context(), l, vpnd)
	s := scene{o, t}
	s.ok(err)
	laptop := labtest.Host(t, l, "laptop")
	s.ok(l.Join("internet", laptop, "eth0", netip.MustParsePrefix("203.0.113.10/24")))
	s.configure(guarded)
	s.agent()
	s.run("systemd-run", "-q", "--unit", "echo", "socat", "UDP4-LISTEN:1194,fork", "EXEC:cat")
	s.shortly("ss -Hlun 'sport = 1194' | grep -q .")
	return s, laptop
}

// answers says whether the gateway's port answers somebody.
func (s scene) answers(from *lab.Host) bool {
	s.t.Helper()
	script := fmt.Sprintf(`for i in 1 2 3; do echo knock | socat -t 1 - UDP4:%s:1194 | grep -q knock && echo yes && exit; done; echo no`, office.Remote)
	return strings.TrimSpace(labtest.Run(s.t, from, "sh", "-c", script)) == "yes"
}

// jumps are the targets in a hook of the filter table, in their order.
func (s scene) jumps(hook string) string {
	s.t.Helper()
	return strings.ReplaceAll(s.sh(`iptables -S `+hook+` | sed -n 's/^-A.* -[jg] \([^ ]*\).*/\1/p'`), "\n", " ")
}

const (
	ourInput   = "VPND-VPN VPND-host-IN"
	ourForward = "VPND-GW-office"
)

// TestBansHoldBesideVPND has the real fail2ban ban somebody from the VPN's port.
// Its chain stands above vpnd's and stays there, also when vpnd's own jump is
// lost and comes back.
func TestBansHoldBesideVPND(t *testing.T) {
	t.Parallel()
	s, laptop := besideFirewalls(t)
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/fail2ban/jail.d/vpn.conf", []byte(`[DEFAULT]
backend = systemd
banaction = iptables-multiport
[sshd]
enabled = false
[vpn]
enabled = true
filter = sshd
port = 1194
protocol = udp
`), 0o644))
	if !s.answers(laptop) {
		t.Fatal("the port is not open to begin with")
	}
	s.run("systemctl", "start", "fail2ban")
	s.shortly("fail2ban-client ping")
	banned := func(what string) {
		t.Helper()
		if s.answers(laptop) {
			t.Errorf("%s: who is banned gets an answer:\n%s", what, s.sh("iptables-save -t filter"))
		}
		if got, want := s.jumps("INPUT"), "f2b-vpn "+ourInput+" VPND-host-IN-END"; got != want {
			t.Errorf("%s: INPUT leads to %s, want %s", what, got, want)
		}
	}
	s.run("fail2ban-client", "set", "vpn", "banip", "203.0.113.10")
	s.shortly("iptables -S f2b-vpn | grep -q 203.0.113.10")
	if out := s.vpnd(0, "drift"); !strings.Contains(out, "o drift") && out != "" {
		t.Errorf("the ban is told as drift:\n%s", out)
	}
	banned("after the ban")
	for _, damage := range []string{
		"iptables -D INPUT -j VPND-VPN",
		"iptables -D INPUT -j VPND-VPN; iptables -D INPUT -j VPND-host-IN",
		"iptables -D INPUT -j VPND-VPN; iptables -A INPUT -j VPND-VPN",
	} {
		s.mended(damage)
		banned("after " + damage)
	}
	s.run("fail2ban-client", "set", "vpn", "unbanip", "203.0.113.10")
	if !s.answers(laptop) {
		t.Error("who is banned no more gets no answer")
	}
	s.acceptingNewcomer()
}

// mended damages the host and waits until the agent has put it right.
func (s scene) mended(damage string) {
	s.t.Helper()
	s.sh(damage)
	s.until("repair after: "+damage, func(l agentTold) bool { return len(l.Drift) == 0 && s.isWhole() })
}

// isWhole says whether vpnd's jumps stand in their order.
func (s scene) isWhole() bool {
	s.t.Helper()
	return strings.Contains(s.jumps("INPUT"), ourInput) && strings.HasSuffix(s.jumps("INPUT"), "VPND-host-IN-END") &&
		strings.Contains(s.jumps("FORWARD"), ourForward) && strings.HasSuffix(s.jumps("FORWARD"), "VPND-GW-office-END")
}

// acceptingNewcomer has somebody let everything in. vpnd's own chains move above
// that; that its default is worthless below is told, with the writer and with
// what takes it away.
func (s scene) acceptingNewcomer() {
	s.t.Helper()
	s.sh("iptables -A INPUT -p tcp --dport 8080 -j ACCEPT; iptables -I INPUT -j ACCEPT")
	const told = `ip/filter/VPND-host-IN-END: overruled by "-j ACCEPT" in INPUT`
	l, _ := s.until("tell of it", func(l agentTold) bool { return strings.Contains(l.text, told) && len(l.Drift) == 0 })
	if !regexp.MustCompile(`overruled by .* \(written by iptables \(process [0-9]+\)`).MatchString(l.text) {
		s.t.Errorf("nobody is named:\n%s", l.text)
	}
	if got, want := s.jumps("INPUT"), ourInput+" ACCEPT f2b-vpn ACCEPT VPND-host-IN-END"; got != want {
		s.t.Errorf("INPUT leads to %s, want %s", got, want)
	}
	s.names(s.sh("journalctl -u vpnd -o cat"), "a note is worth knowing", "by=\"iptables (process ")
	plan := s.vpnd(0, "plan", "--detailed-exitcode")
	way := regexp.MustCompile(`run (iptables -t filter -D INPUT -j ACCEPT)`).FindStringSubmatch(strings.Join(strings.Fields(plan), " "))
	if way == nil {
		s.t.Fatalf("the plan does not tell the way out:\n%s", plan)
	}
	s.sh(way[1])
	s.until("be content", func(l agentTold) bool { return !strings.Contains(l.text, "overruled") })
}

// TestBesideUFWAndDocker has ufw come, reload and go, and Docker's rules come as
// Docker makes them: what vpnd opens stays open, and the plan stays empty.
func TestBesideUFWAndDocker(t *testing.T) {
	t.Parallel()
	s, laptop := besideFirewalls(t)
	for _, step := range []string{"ufw --force enable", "ufw reload", "ufw allow 2222/tcp", "ufw reload", docker, "iptables -I FORWARD -j DOCKER-USER", "ufw --force disable"} {
		s.sh(step)
		if left := s.settle(); left != "" {
			t.Errorf("%s is not put right:\n%s", step, left)
		}
		if !s.answers(laptop) {
			t.Errorf("the port is closed after %s:\n%s", step, s.sh("iptables-save -t filter"))
		}
		forward := s.jumps("FORWARD")
		if before, _, _ := strings.Cut(forward, ourForward); strings.Contains(before, "ACCEPT") {
			t.Errorf("after %s something accepts before the gateway: %s", step, forward)
		}
	}
}

// docker makes the rules of Docker 24 for its default bridge, each as its daemon
// does: its own chain of user rules at the very top.
const docker = `
set -e
iptables -P FORWARD DROP
for c in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do iptables -N $c; done
iptables -t nat -N DOCKER
iptables -t nat -I POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables -I FORWARD -i docker0 ! -o docker0 -j ACCEPT
iptables -I FORWARD -o docker0 -j DOCKER
iptables -I FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
iptables -I FORWARD -j DOCKER-ISOLATION-STAGE-1
iptables -A DOCKER-USER -j RETURN
iptables -I FORWARD -j DOCKER-USER`

// watchNAT writes down, again and again, whether the gateway's translation
// stands.
const watchNAT = `
for i in $(seq 20000); do
	test -e /run/enough && exit
	iptables -w -t nat -C POSTROUTING -j VPND-GW-office 2>/dev/null && now=1 || now=0
	echo "$(date +%s%N) $now"
done >/run/nat`

// TestFirewalldReloadsTakeNATForAMoment reloads the real firewalld, which takes
// all rules of others along, ten times in a row. Each time the gateway's
// translation comes back at once: nothing is left alone.
func TestFirewalldReloadsTakeNATForAMoment(t *testing.T) {
	t.Parallel()
	s, laptop := besideFirewalls(t)
	s.run("systemctl", "start", "firewalld")
	s.shortly("firewall-cmd --state")
	s.until("have come through its start", func(l agentTold) bool { return len(l.Drift) == 0 && s.isWhole() })
	s.run("systemd-run", "-q", "--unit", "watch-nat", "bash", "-c", watchNAT)
	for range 10 {
		s.run("firewall-cmd", "--reload")
	}
	s.until("have come through ten reloads", func(l agentTold) bool { return len(l.Drift) == 0 && s.isWhole() })
	s.sh("touch /run/enough")
	s.shortly("! systemctl is-active -q watch-nat")
	gaps := gapsIn(t, s.sh("cat /run/nat"))
	t.Logf("NAT's gaps over ten reloads: %v", gaps)
	if len(gaps) == 0 {
		t.Error("the reloads took nothing, so nothing was shown")
	}
	for _, gap := range gaps {
		if gap > 10*time.Second { // a second on a machine that has nothing else to do
			t.Errorf("the translation was gone for %s", gap)
		}
	}
	s.lacks(s.sh("journalctl -u vpnd -o cat"), "leaves it alone")
	s.converged()
	s.opensFirewalld(laptop)
}

// inside is somebody in the gateway's network, who asks the laptop for an answer.
const inside = `
ip netns list | grep -q inside || {
	ip netns add inside
	ip link add vin type veth peer name eth0 netns inside
	ip addr add 10.8.0.1/24 dev vin; ip link set vin up
	ip -n inside addr add 10.8.0.2/24 dev eth0; ip -n inside link set eth0 up
	ip -n inside route add default via 10.8.0.1
}
for i in 1 2 3; do ip netns exec inside ping -q -c 1 -W 1 203.0.113.10 >/dev/null && echo yes && exit; done; echo no`

// opensFirewalld wants to be told that firewalld drops what vpnd accepts, and
// that the commands it is told open the port and the way through.
func (s scene) opensFirewalld(laptop *lab.Host) {
	s.t.Helper()
	if s.answers(laptop) || s.sh(inside) != "no" {
		s.t.Error("firewalld lets packets through by itself, so nothing is shown")
	}
	told := func() []string {
		plan := strings.Join(strings.Fields(s.vpnd(0, "plan", "--detailed-exitcode")), " ")
		return regexp.MustCompile(`firewall-cmd (--permanent [^; ]*( --add-source=[^; ]*)?|--reload)`).FindAllString(plan, -1)
	}
	ways := told()
	if len(ways) < 3 {
		s.t.Fatalf("the plan tells of %q only:\n%s", ways, s.vpnd(0, "plan"))
	}
	for _, way := range ways {
		s.sh(way)
	}
	if left := s.settle(); left != "" {
		s.t.Errorf("a reload is not put right:\n%s", left)
	}
	if !s.answers(laptop) || s.sh(inside) != "yes" {
		s.t.Errorf("%q did not open firewalld:\n%s", ways, s.sh("nft list table inet firewalld | head -120"))
	}
	if left := told(); len(left) > 0 {
		s.t.Errorf("still told: %q", left)
	}
}

// gapsIn returns how long something was gone each time, at most: from when it was
// last seen until it was seen again.
func gapsIn(t *testing.T, log string) (gaps []time.Duration) {
	t.Helper()
	var seen int64
	gone := false
	for line := range strings.Lines(log) {
		var at int64
		var there int
		if _, err := fmt.Sscan(line, &at, &there); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch {
		case there == 0:
			gone = true
		case gone:
			gaps = append(gaps, time.Duration(at-seen).Round(time.Millisecond))
			gone = false
		}
		if there == 1 {
			seen = at
		}
	}
	if gone {
		t.Error("it is still gone at the end")
	}
	return gaps
}

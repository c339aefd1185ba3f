package kernel

import (
	"fmt"
	"regexp"
	"strconv"
)

const psk = "kKq8mT2vXz5Lw9Rb4Yc7Nd1PfGhJsA3e"

// Two tunnels over xfrm interfaces from west to the two addresses of east. Their keys
// are changed every few seconds.
const routed = `
dynamic "xfrm_interface" {
  for_each = { vpc1 = 1, vpc2 = 2 }
  labels   = [xfrm_interface.key]
  content {
    if_id     = xfrm_interface.value
    addresses = ["169.254.1${xfrm_interface.value}.2/30"]
    mtu       = 1446
    up        = true
  }
}

dynamic "ipsec_connection" {
  for_each = { aws1 = [1, "203.0.113.17"], aws2 = [2, "203.0.113.33"] }
  labels   = [ipsec_connection.key]
  content {
    local_addrs  = ["203.0.113.1"]
    remote_addrs = [ipsec_connection.value[1]]
    proposals    = ["aes256gcm16-prfsha384-ecp384"]
    unique       = "never"
    mobike       = false
    keyingtries  = 0
    dpd_delay    = "10s"
    rekey_time   = "20s"
    over_time    = "10s" # which is also how much earlier than after 20s it may get them
    psk          = "` + psk + `"
    local { id = "203.0.113.1" }
    remote { id = ipsec_connection.value[1] }
    child "net" {
      local_ts      = ["0.0.0.0/0"]
      remote_ts     = ["0.0.0.0/0"]
      esp_proposals = ["aes256gcm16-ecp384"]
      start_action  = "start"
      dpd_action    = "restart"
      rekey_time    = "8s"
      life_time     = "13s" # likewise
      if_id         = ipsec_connection.value[0]
    }
  }
}
`

// routes lead into the first tunnel.
const routes = `
route "172.31.0.0/16" {
  dev = xfrm_interface.vpc1.name
}
`

// amazon makes the other side of both tunnels on east, by hand.
func (s sites) amazon() {
	s.t.Helper()
	for n, outside := range []string{eastFirst, eastSecond} {
		n++
		p := peer{fmt.Sprintf("west%d", n), outside, westOutside, n, "0.0.0.0/0", "0.0.0.0/0", psk}
		s.write(s.east, "/etc/swanctl/conf.d/"+p.name+".conf", p.config())
		s.sh(s.east, fmt.Sprintf(`
			ip link add vpc%[1]d type xfrm dev wan0 if_id %[1]d
			ip link set vpc%[1]d mtu 1446 up
			ip addr add 169.254.1%[1]d.1/30 dev vpc%[1]d
			ip route add 192.168.40.0/24 dev vpc%[1]d metric %[1]d`, n))
	}
	s.sh(s.east, "systemctl start strongswan; swanctl --load-all --noprompt")
}

// What goes by route: over both tunnels' xfrm interfaces, the kernel's own IPsec.
func (s sites) routed() {
	defer s.leave()
	s.amazon()
	s.apply(routed + routes)
	s.t.Logf("the sites talk %s after the apply", s.eventually(s.west, "the sites talk", talks(eastInside)))
	if got := s.sh(s.west, "ip xfrm state | grep -c 'if_id 0x[12]'"); got == "0" {
		s.t.Error("the kernel has no SAs of the interfaces")
	}
	s.run("rekeyed while packets go through", sites.rekeyed)
	s.run("full size", ipsecSize.transferred)
}

var unique = regexp.MustCompile(`(?m)^(aws1|  net): #(\d+),`)

// Keys are changed while packets go through, and none is lost.
func (s sites) rekeyed() {
	const count = 300
	ids := func() (ike, child int) {
		for _, m := range unique.FindAllStringSubmatch(s.sh(s.west, "swanctl --list-sas --ike aws1"), -1) {
			n, _ := strconv.Atoi(m[2])
			if m[1] == "aws1" {
				ike = max(ike, n)
			} else {
				child = max(child, n)
			}
		}
		return ike, child
	}
	ike, child := ids()
	out := s.sh(s.west, fmt.Sprintf("ip netns exec inside ping -q -i 0.1 -c %d %s || true", count, eastInside))
	laterIKE, laterChild := ids()
	if ike == 0 || laterIKE == ike || laterChild-child < 2 {
		s.t.Errorf("the SAs were #%d with #%d before and #%d with #%d after: were their keys changed?", ike, child, laterIKE, laterChild)
	}
	var sent, received int
	fmt.Sscanf(regexp.MustCompile(`\d+ packets transmitted, \d+ received`).FindString(out), "%d packets transmitted, %d received", &sent, &received)
	s.t.Logf("%d of %d pings were answered while IKE SA #%d became #%d and child SA #%d became #%d", received, sent, ike, laterIKE, child, laterChild)
	if sent != count || received != count {
		s.t.Errorf("packets were lost:\n%s\n%s", out, s.sh(s.west, "grep -v ' 0$' /proc/net/xfrm_stat || true; "+evidence))
	}
}

// A size is how large packets are in a tunnel.
type size struct {
	mtu  int
	full string // a packet on the wire that is filled up, as tcpdump(1) finds it
}

var (
	ipsecSize     = size{1446, "ip proto 50 and ip[2:2] >= 1490"}
	wireGuardSize = size{1420, "udp port 51820 and ip[2:2] >= 1470"}
)

// transferred: a TCP transfer fills its packets and nothing of it is fragmented; a packet
// that is too big and may not be fragmented is answered.
func (z size) transferred(s sites) {
	const bytes = 4 << 20
	s.sh(s.west, "ip netns exec inside ip route flush cache") // what another tunnel took is remembered
	tooBig := s.sh(s.west, "ip netns exec inside ping -M do -c1 -W5 -s 1472 "+eastInside+" || true")
	if m := regexp.MustCompile(`Frag needed and DF set \(mtu = (\d+)\)`).FindStringSubmatch(tooBig); m == nil || m[1] != fmt.Sprint(z.mtu) {
		s.t.Errorf("a packet that is too big is answered with\n%s", tooBig)
	}
	s.sh(s.west, fmt.Sprintf("ip netns exec inside ping -M do -c1 -W10 -s %d %s", z.mtu-28, eastInside))

	s.sh(s.east, `
		ip netns exec inside sh -c 'timeout 300 nc -l -p 5001 | wc -c >/root/bytes' >/dev/null 2>&1 &
		timeout 300 ip netns exec inside tcpdump -n -l -i eth0 -c1 'tcp dst port 5001 and tcp[tcpflags] & tcp-syn != 0' >/root/syn 2>/dev/null &
		sleep 1`)
	s.sh(s.west, `
		timeout 300 tcpdump -q -n -s 96 -B 32768 -i wan0 -w /root/wan0.pcap >/dev/null 2>/root/tcpdump &
		until grep -q listening /root/tcpdump; do sleep 0.1; done`)
	took := seconds(s.sh(s.west, fmt.Sprintf(`began=$(date +%%s.%%N)
		head -c %d /dev/zero | ip netns exec inside timeout 200 nc -N %s 5001
		echo "$began $(date +%%s.%%N)"`, bytes, eastInside)))
	s.eventually(s.east, "all bytes have come", fmt.Sprintf("grep -qx %d /root/bytes", bytes))
	s.t.Logf("%d MiB went through in %.1f s: %.1f Mbit/s", bytes>>20, took, float64(bytes)*8/1e6/took)
	s.sh(s.west, "pkill -x tcpdump; sleep 1")
	mss := regexp.MustCompile(`mss (\d+)`).FindString(s.sh(s.east, "cat /root/syn"))
	// What comes in shows a second time there, decrypted; what goes out does not.
	seen := func(filter string) int {
		n, err := strconv.Atoi(s.sh(s.west, "tcpdump -q -n -r /root/wan0.pcap '"+filter+"' 2>/dev/null | wc -l"))
		s.ok(err)
		return n
	}
	full, tooLong, fragments, clear := seen(z.full), seen("ip[2:2] > 1500"), seen("ip[6:2] & 0x3fff != 0"), seen("src net 192.168.40.0/24")
	s.t.Logf("%s; on the wire %d full packets, %d over 1500 bytes, %d fragments, %d in clear", mss, full, tooLong, fragments, clear)
	if mss != fmt.Sprintf("mss %d", z.mtu-40) || full < bytes/1500/2 || tooLong+fragments+clear != 0 {
		s.t.Error("that is not how a transfer shall look")
	}
	for name, h := range s.hosts() {
		if out := s.sh(h, "nstat -asz IpFragCreates IpReasmReqds"); !regexp.MustCompile(`IpReasmReqds +0 (?s:.*)IpFragCreates +0 `).MatchString(out) {
			s.t.Errorf("%s has made or met fragments:\n%s", name, out)
		}
	}
}

// seconds is the time between two points of it, as date +%s.%N prints them.
func seconds(between string) float64 {
	var began, ended float64
	fmt.Sscan(between, &began, &ended)
	return ended - began
}

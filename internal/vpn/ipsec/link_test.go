package ipsec

import (
	"net"
	"strings"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/vpn/vpntest"
)

// Two hosts on one link whose addresses are the tunnel's networks find each other, for
// else there would be no IKE; and nothing else comes or leaves in clear.
func TestHostsOnOneLinkFindEachOther(t *testing.T) {
	nettest.Fresh(t)
	script(t, `set -e
ip netns del peer 2>/dev/null || true; ip netns add peer
ip link add wan0 type veth peer name eth0 netns peer
ip addr add 2001:db8::1/64 dev wan0 nodad; ip link set wan0 up
ip -n peer addr add 2001:db8::2/64 dev eth0 nodad; ip -n peer link set eth0 up`)
	vpntest.Restore(t, expand(t, branch(func(t *Tunnel) {
		t.Mode = p("transport")
		t.Local, t.Remote = &Local{Address: addr("2001:db8::1")}, &Remote{Address: p("2001:db8::2")}
	})))

	here, there := net.ParseIP("2001:db8::1"), net.ParseIP("2001:db8::2")
	ike, err := net.DialUDP("udp6", &net.UDPAddr{IP: here, Port: 500}, &net.UDPAddr{IP: there, Port: 500})
	if err != nil {
		t.Fatal(err)
	}
	defer ike.Close()
	finds := func(who, neighbours string, try func()) {
		t.Helper()
		var last string
		for range 50 {
			try()
			if last = script(t, neighbours); strings.Contains(last, "lladdr") && !strings.Contains(last, "FAILED") {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("%s does not find the other on the link: %s", who, last)
	}
	finds("this host", "ip -6 neigh show 2001:db8::2", func() { _, _ = ike.Write([]byte("x")) })
	script(t, "ip -n peer -6 neigh flush dev eth0; ip6tables -A INPUT -p udp --dport 9")
	finds("the peer", "ip -n peer -6 neigh show 2001:db8::1", func() {
		script(t, "ip netns exec peer bash -c 'echo x >/dev/udp/2001:db8::1/9'")
	})
	if counted := script(t, "ip6tables -vnxL INPUT | awk '/dpt:9/ { print $1 }'"); counted != "0\n" {
		t.Errorf("packets came in clear: %s", counted)
	}
}

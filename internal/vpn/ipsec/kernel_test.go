package ipsec

import (
	"cmp"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/chain"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/vpntest"
)

// sites is a gateway with a PC behind it, and another site by way of the internet, to
// which whatever leaves in clear or translated comes too. The SAs are made by hand.
const sites = `set -e
for old in pc peer; do ip netns del $old 2>/dev/null || true; ip netns add $old; done
ip link add lan0 type veth peer name eth0 netns pc
ip link add wan0 type veth peer name eth0 netns peer
ip addr add 10.1.3.1/24 dev lan0; ip addr add 203.0.113.1/24 dev wan0
for dev in lo lan0 wan0; do ip link set $dev up; done
ip -n pc addr add 10.1.3.2/24 dev eth0; ip -n pc link set eth0 up
ip -n peer addr add 203.0.113.2/24 dev eth0; ip -n peer addr add 10.2.3.2/24 dev lo
ip -n peer link set eth0 up; ip -n peer link set lo up
ip -n pc route add default via 10.1.3.1
ip route add default via 203.0.113.2
ip -n peer route add 10.1.3.0/24 via 203.0.113.1
echo 1 >/proc/sys/net/ipv4/ip_forward
ip netns exec peer iptables -t raw -A PREROUTING -i eth0 -s 10.1.3.0/24 -m policy --dir in --pol none -m comment --comment clear
ip netns exec peer iptables -t raw -A PREROUTING -i eth0 -s 203.0.113.1 -d 10.2.3.0/24 -m comment --comment translated
`

// protected makes the SAs and policies of both sides.
const protected = `set -e
key=0x000102030405060708090a0b0c0d0e0f00010203
sa() { $1 xfrm state add src 203.0.113.$2 dst 203.0.113.$3 proto esp spi $4 reqid 1 mode tunnel aead 'rfc4106(gcm(aes))' $key 128; }
policy() { $1 xfrm policy add src 10.$2.3.0/24 dst 10.$3.3.0/24 dir $4 tmpl src 203.0.113.$2 dst 203.0.113.$3 proto esp reqid 1 mode tunnel; }
for ip in ip "ip -n peer"; do sa "$ip" 1 2 0x1001; sa "$ip" 2 1 0x1002; done
policy ip 1 2 out; policy ip 2 1 in; policy ip 2 1 fwd
policy "ip -n peer" 2 1 out; policy "ip -n peer" 1 2 in
`

// inClear makes both sides forget the tunnel, and counts what comes to the gateway
// itself behind all other rules.
const inClear = `ip -n peer xfrm state flush; ip -n peer xfrm policy flush
iptables -A INPUT -s 10.2.3.0/24 -d 10.1.3.1 -m comment --comment clear`

// Where a gateway translates all that it lets out, what goes through the tunnel does
// not arrive translated; and with the tunnel down nothing arrives. Without these walls
// both happens, which shows that something is measured.
func TestDebianKernelNothingIsTranslatedOrLeaks(t *testing.T) {
	nettest.Kernel(t)
	nat := &gateway.Gateway{Uplink: p("wan0"), Networks: nets("10.1.3.0/24"), IPsecExempt: p(false)}
	tunnel := branch(func(t *Tunnel) {
		t.Local, t.Remote = &Local{Address: addr("203.0.113.1"), Networks: nets("10.1.3.0/24")}, &Remote{Address: p("203.0.113.2"), Networks: nets("10.2.3.0/24")}
	})
	for name, c := range map[string]struct {
		tunnel *Tunnel
		safe   bool // packets come through the tunnel, and in no other way
	}{
		"with walls":    {tunnel, true},
		"without walls": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			nettest.Fresh(t)
			script(t, sites)
			all, err := nat.Expand("g")
			if err != nil {
				t.Fatal(err)
			}
			if c.tunnel != nil {
				all = append(all, expand(t, c.tunnel)...)
			}
			vpntest.Restore(t, byPriority(all))
			script(t, protected)
			if said := script(t, "ip netns exec pc ping -c2 -W2 10.2.3.2 || true"); c.safe && !strings.Contains(said, " 0% packet loss") {
				t.Errorf("the other site does not answer:\n%s", said)
			}
			if said := script(t, "ip netns exec peer ping -c2 -W2 -I 10.2.3.2 10.1.3.1 || true"); c.safe && !strings.Contains(said, " 0% packet loss") {
				t.Errorf("the gateway does not answer the other site:\n%s", said)
			}
			script(t, "ip xfrm state flush; ip xfrm policy flush; ip netns exec pc ping -c2 -i0.2 -W1 10.2.3.2 || true")
			script(t, inClear+"; ip netns exec peer ping -c2 -i0.2 -W1 -I 10.2.3.2 10.1.3.1 || true")
			if n := strings.TrimSpace(script(t, "iptables -vnxL INPUT | awk '/clear/ { print $1 }'")); (n == "0") != c.safe {
				t.Errorf("%s packets came to the gateway in clear", n)
			}
			const counted = "ip netns exec peer iptables -t raw -vnxL PREROUTING | awk '/clear|translated/ { n += $1 } END { print n }'"
			if n := strings.TrimSpace(script(t, counted)); (n == "0") != c.safe {
				t.Errorf("%s packets arrived in clear or translated", n)
			}
		})
	}
}

// byPriority returns resources in the order in which the hooks have the chains.
func byPriority(all []resource.Resource) []resource.Resource {
	rank := func(r resource.Resource) int {
		c, ok := r.Want.(*chain.Chain)
		switch {
		case !ok:
			return 0
		case resource.Or(c.At, "top") == "bottom":
			return resource.Last
		default:
			return resource.Or(c.Priority, chain.Rules)
		}
	}
	slices.SortStableFunc(all, func(a, b resource.Resource) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

func script(t *testing.T, text string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", text).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, text, out)
	}
	return string(out)
}

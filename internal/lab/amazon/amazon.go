// Package amazon is the second host that vpnd was made for, with its neighbours,
// in a lab: a gateway with three interfaces, a private subnet behind it, and a
// simulated Amazon, which is a host with two outside addresses, a tunnel at each,
// and a network (a VPC) behind them.
//
//	lan 192.168.40.10 ── 192.168.40.1 gateway 198.51.100.1 ── 203.0.113.17, .18 amazon 172.31.0.1 ── 172.31.0.10 vpc
//
// A branch of the company has its router on the same machine, at 203.0.113.7.
//
// The private hosts are network namespaces of the hosts in front of them. The
// kernel of the lab has no ESP: on both sides charon brings it, in user space, where
// two child SAs with the same traffic selectors share what finds an SA for a packet.
// Amazon's own dead peer detection is therefore short (some five seconds): one of its endpoints that
// nobody reaches soon has no SA, as it has none at the real one, where each is a
// machine of its own.
package amazon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"vpnd/internal/lab"
)

// The addresses of the neighbourhood.
const (
	Gateway = "198.51.100.1" // the outside of the gateway, the customer gateway's address
	Private = "192.168.40.0/24"
	Lan     = "192.168.40.10" // a host there
	VPC     = "172.31.0.0/16"
	Server  = "172.31.0.10" // a host there
	Branch  = "10.9.0.0/24"
	Clerk   = "10.9.0.10" // a host there

	inside   = "192.168.40.1"
	isp      = "198.51.100.254"
	router   = "172.31.0.1"
	hub      = "10.9.0.1"
	outside  = "203.0.113.0/24"
	services = "10.0.7.1/24" // the service network of the seed host
)

// A Tunnel is one of Amazon's two.
type Tunnel struct {
	Outside string // address of Amazon's end
	Inside  string // the first three bytes of the /30 inside, of which Amazon has .1
	PSK     string
	IKE     string // the proposal that Amazon takes; empty is the best
}

// Tunnels are those of the connection. Amazon's keys look like these.
var Tunnels = [2]Tunnel{
	{Outside: "203.0.113.17", Inside: "169.254.44", PSK: "Jq7vT2.sWm4_kPz9XcLr5BnGd8Hf3YtA"},
	{Outside: "203.0.113.18", Inside: "169.254.71", PSK: "b6Rk.Ue1Vx8Qh_3NwMz0TySj5DpCf7La"},
}

// BranchTunnel is what leads to another site of the company.
var BranchTunnel = Tunnel{Outside: "203.0.113.7", PSK: "a-key-of-the-branch-and-of-nobody-else"}

// Neighbourhood is the gateway and Amazon.
type Neighbourhood struct {
	Gateway *lab.Host
	Amazon  *lab.Host
}

// Open boots and joins the hosts, brings the vpnd binary to the gateway and starts
// Amazon's side with [Tunnels].
func Open(ctx context.Context, l *lab.Lab, vpnd string) (*Neighbourhood, error) {
	gateway, err := l.Host(ctx, "gateway")
	if err != nil {
		return nil, err
	}
	cloud, err := l.Host(ctx, "amazon")
	if err != nil {
		return nil, err
	}
	n := &Neighbourhood{gateway, cloud}
	prefix := netip.MustParsePrefix
	outsides := []netip.Prefix{prefix(BranchTunnel.Outside + "/32")}
	for _, t := range Tunnels {
		outsides = append(outsides, prefix(t.Outside+"/32"))
	}
	err = errors.Join(
		l.Link(gateway, "eth0", prefix(Gateway+"/24"), cloud, "eth0", prefix(isp+"/24")),
		cloud.Address("eth0", outsides...),
		gateway.Route(prefix(outside), netip.MustParseAddr(isp)),
		l.Join("services", gateway, "eth1", prefix(services)),
		behind(ctx, gateway, "lan", "eth2", inside+"/24", Lan+"/24"),
		behind(ctx, cloud, "vpc", "eth1", router+"/16", Server+"/16"),
		behind(ctx, cloud, "branch", "eth2", hub+"/24", Clerk+"/24"),
		cloud.WriteFile(ctx, "/etc/strongswan.d/patience.conf", []byte(patience), 0o644),
		gateway.UseUserSpaceESP(ctx), cloud.UseUserSpaceESP(ctx),
	)
	if err != nil {
		return nil, err
	}
	if err := gateway.Copy(ctx, vpnd, "/usr/sbin/vpnd"); err != nil {
		return nil, err
	}
	return n, n.Serve(ctx, Tunnels[:])
}

// behind makes a private host: a network namespace of the host in front of it, which
// is its way to everywhere.
func behind(ctx context.Context, h *lab.Host, name, ifname, front, addr string) error {
	gateway, _, _ := strings.Cut(front, "/")
	script := fmt.Sprintf(`
ip netns add %[1]s
ip link add %[2]s type veth peer name eth0 netns %[1]s
ip addr add %[3]s dev %[2]s
ip link set %[2]s up
ip -n %[1]s addr add %[4]s dev eth0
ip -n %[1]s link set eth0 up
ip -n %[1]s link set lo up
ip -n %[1]s route add default via %[5]s
`, name, ifname, front, addr, gateway)
	_, err := h.Run(ctx, "sh", "-ec", script)
	return err
}

// Serve makes these tunnels what Amazon serves, and nothing else. What is up of
// them goes on.
func (n *Neighbourhood) Serve(ctx context.Context, tunnels []Tunnel) error {
	for name, text := range map[string]string{
		"/etc/strongswan.d/patience.conf":  patience,
		"/etc/swanctl/conf.d/amazon.conf":  Swanctl(tunnels),
		"/etc/sysctl.d/90-forwarding.conf": "net.ipv4.ip_forward = 1\n",
	} {
		if err := n.Amazon.WriteFile(ctx, name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	_, err := n.Amazon.Run(ctx, "sh", "-ec", "sysctl -q -w net.ipv4.ip_forward=1; systemctl is-active -q strongswan || systemctl restart strongswan; swanctl --load-all --noprompt")
	return err
}

// patience is for what an endpoint that nobody reaches takes to notice.
const patience = `charon-systemd {
  retransmit_timeout = 1.0
  retransmit_base = 1.3
  retransmit_tries = 2
}
`

// Cut has Amazon drop every packet to and from an outside address without a word.
func (n *Neighbourhood) Cut(ctx context.Context, outside string) error {
	return n.filter(ctx, "-I", outside)
}

// Mend takes back a Cut.
func (n *Neighbourhood) Mend(ctx context.Context, outside string) error {
	return n.filter(ctx, "-D", outside)
}

func (n *Neighbourhood) filter(ctx context.Context, how, outside string) error {
	_, in := n.Amazon.Run(ctx, "iptables", "-w", "-t", "raw", how, "PREROUTING", "-d", outside, "-j", "DROP")
	_, out := n.Amazon.Run(ctx, "iptables", "-w", "-t", "raw", how, "OUTPUT", "-s", outside, "-j", "DROP")
	return errors.Join(in, out)
}

// Forget has Amazon end its SAs of a tunnel without a word.
func (n *Neighbourhood) Forget(ctx context.Context, tunnel int) error {
	_, err := n.Amazon.Run(ctx, "sh", "-c", fmt.Sprintf("swanctl --terminate --ike tunnel%d --force --timeout -1 || true", tunnel+1))
	return err
}

// Reach says whether the two private hosts reach each other: a ping each way.
func (n *Neighbourhood) Reach(ctx context.Context) error {
	_, there := n.Gateway.Run(ctx, "ip", "netns", "exec", "lan", "ping", "-q", "-c1", "-W1", Server)
	if there != nil {
		return there
	}
	_, back := n.Amazon.Run(ctx, "ip", "netns", "exec", "vpc", "ping", "-q", "-c1", "-W1", Lan)
	return back
}

// Visit says whether the private host reaches the one in the branch.
func (n *Neighbourhood) Visit(ctx context.Context) error {
	_, err := n.Gateway.Run(ctx, "ip", "netns", "exec", "lan", "ping", "-q", "-c1", "-W2", Clerk)
	return err
}

// Reached waits until they do, and returns how long that took.
func (n *Neighbourhood) Reached(ctx context.Context, within time.Duration) (time.Duration, error) {
	begun := time.Now()
	for {
		err := n.Reach(ctx)
		took := time.Since(begun)
		if err == nil || took > within {
			return took, err
		}
		select {
		case <-ctx.Done():
			return took, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

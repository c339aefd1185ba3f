package across

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	kindipsec "vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/firewall"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/ipsec"
	"vpnd/internal/vpn/openvpn"
	"vpnd/internal/vpn/wireguard"
)

func p[T any](v T) *T { return &v }

func TestReview(t *testing.T) {
	network := netip.MustParsePrefix("10.8.0.0/24")
	server := func(change func(*openvpn.Server)) resource.Block {
		s := &openvpn.Server{Network: &network, PKI: &pki.Authority{Servers: map[string]pki.Pair{"server": {}}}}
		change(s)
		return resource.Block{ID: resource.ID{Kind: "openvpn_server", Name: "o"}, Shape: s}
	}
	plain := func(*openvpn.Server) {}
	redirects := func(s *openvpn.Server) { s.Push = &openvpn.Push{RedirectGateway: p(true)} }
	closed := func(s *openvpn.Server) { s.Firewall = p(false) }
	gate := func(name, uplink, of string) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "gateway", Name: name}, Shape: &gateway.Gateway{Uplink: &uplink, Networks: []netip.Prefix{netip.MustParsePrefix(of)}}}
	}
	wall := func(rules ...firewall.Rule) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "firewall", Name: "f"}, Shape: &firewall.Firewall{InputDefault: p("drop"), Input: rules}}
	}
	accept := func(protocol, port string) firewall.Rule {
		return firewall.Rule{Protocol: &protocol, Ports: []string{port}, Action: p("accept")}
	}
	tunnel := func(name, local, remote string, change func(*ipsec.Tunnel)) resource.Block {
		s := &ipsec.Tunnel{
			Local:  &ipsec.Local{ID: p("gw"), Networks: []netip.Prefix{netip.MustParsePrefix(local)}},
			Remote: &ipsec.Remote{Address: p("203.0.113.7"), Networks: []netip.Prefix{netip.MustParsePrefix(remote)}},
			PSK:    resource.NewSecret("one"),
		}
		change(s)
		return resource.Block{ID: resource.ID{Kind: "ipsec_tunnel", Name: name}, Shape: s}
	}
	site := func(*ipsec.Tunnel) {}
	tun := func(name string) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "tun", Name: name}, Shape: &link.Tun{}}
	}
	conn := func(name, local, remote, psk string) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "ipsec_connection", Name: name}, Shape: &kindipsec.Connection{
			RemoteAddrs: []string{"203.0.113.7"}, PSK: resource.NewSecret(psk),
			Local: &kindipsec.End{Auth: p("psk"), ID: &local}, Remote: &kindipsec.End{Auth: p("psk"), ID: &remote},
		}}
	}
	key := func(name, value string) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "sysctl", Name: name}, Shape: &sysctl.Sysctl{Value: &value}}
	}
	device := resource.Block{ID: resource.ID{Kind: "xfrm_interface", Name: "x0"}, Shape: &link.XFRM{}}
	wg := func(reach ...string) resource.Block {
		w := &wireguard.WireGuard{Addresses: []netip.Prefix{netip.MustParsePrefix("10.20.0.1/24")}}
		for _, n := range reach {
			w.Reach = append(w.Reach, netip.MustParsePrefix(n))
		}
		return resource.Block{ID: resource.ID{Kind: "wireguard", Name: "wg0"}, Shape: w}
	}
	natT := func(port int) resource.Block {
		b := wg()
		b.Shape.(*wireguard.WireGuard).Listen = &port
		return b
	}
	both := func() resource.Block {
		b := wg("fd00:1::/64")
		w := b.Shape.(*wireguard.WireGuard)
		w.Addresses = append(w.Addresses, netip.MustParsePrefix("fd00:20::1/64"))
		return b
	}
	learns := gate("g", "eth0", "10.20.0.0/24")
	learns.Shape.(*gateway.Gateway).AcceptRA = p(true)
	for name, c := range map[string]struct {
		blocks []resource.Block
		want   string
	}{
		"connections with one peer and two secrets":      {[]resource.Block{conn("a", "gw", "", "one"), conn("b", "gw", "203.0.113.7", "two")}, "error at ipsec_connection.b, psk: ipsec_connection.a has another secret for the same id, 203.0.113.7, so that charon may try the wrong one"},
		"a connection and a tunnel with two secrets":     {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), conn("b", "gw", "203.0.113.7", "two")}, "error at ipsec_connection.b, psk: ipsec_tunnel.s has another secret for the same id, 203.0.113.7, so that charon may try the wrong one"},
		"connections with anybody and two secrets":       {[]resource.Block{conn("a", "gw", "%any", "one"), conn("b", "gw", "%any", "two")}, "error at ipsec_connection.b, psk: ipsec_connection.a has another secret for the same id, gw, so that charon may try the wrong one"},
		"connections with two peers, or with one secret": {[]resource.Block{conn("a", "gw", "x", "one"), conn("b", "gw", "y", "two"), conn("c", "gw", "x", "one")}, ""},
		"WireGuard is behind a site":                     {[]resource.Block{wg(), tunnel("s", "10.1.0.0/24", "10.20.0.0/16", site)}, "error at ipsec_tunnel.s, remote.networks: 10.20.0.0/16 of the other side overlaps with 10.20.0.0/24 of wireguard.wg0"},
		"WireGuard at the port of IKE":                   {[]resource.Block{natT(4500), tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site)}, "error at wireguard.wg0, listen: strongSwan listens on udp/4500, which ipsec_tunnel.s needs"},
		"WireGuard there by itself":                      {[]resource.Block{natT(4500)}, ""},
		"WireGuard beside IKE":                           {[]resource.Block{natT(4501), tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site)}, ""},
		"a device that is there already":                 {[]resource.Block{server(plain), tun("tun0")}, "warning at openvpn_server.o, dev: tun.tun0 is made before OpenVPN starts, which keeps the data out of the kernel"},
		"a device of another":                            {[]resource.Block{server(plain), tun("tun1")}, ""},
		"a device without the kernel":                    {[]resource.Block{server(func(s *openvpn.Server) { s.DCO = p("false") }), tun("tun0")}, ""},
		"an uplink into WireGuard":                       {[]resource.Block{wg(), gate("g", "wg0", "10.1.0.0/24")}, "error at gateway.g, uplink: wg0 is wireguard.wg0, and leads to the other side of a tunnel"},
		"nobody passes WireGuard on":                     {[]resource.Block{wg("0.0.0.0/0", "::/0"), gate("g", "eth0", "10.1.0.0/24")}, "warning at wireguard.wg0, reach: people in 10.20.0.0/24 send everything here, and no gateway passes it on"},
		"a gateway passes WireGuard on":                  {[]resource.Block{wg("0.0.0.0/0"), gate("g", "eth0", "10.20.0.0/24")}, ""},
		"WireGuard has IPv6 forwarded":                   {[]resource.Block{both()}, "warning at wireguard.wg0, addresses: forwarding of IPv6 makes the kernel ignore router advertisements, and a default route learned from them runs out"},
		"somebody thought of that":                       {[]resource.Block{both(), learns}, ""},
		"by hand":                                        {[]resource.Block{both(), key("net.ipv6.conf.eth0.accept_ra", "2")}, ""},
		"WireGuard to some networks":                     {[]resource.Block{wg("10.1.0.0/24")}, ""},
		"people reach a site":                            {[]resource.Block{server(plain), tunnel("s", "10.8.0.0/24", "10.9.0.0/24", site)}, ""},
		"a site is a VPN":                                {[]resource.Block{server(plain), tunnel("s", "10.1.0.0/24", "10.8.0.0/16", site)}, "error at ipsec_tunnel.s, remote.networks: 10.8.0.0/16 of the other side overlaps with 10.8.0.0/24 of openvpn_server.o"},
		"two sites":                                      {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/24", "10.10.0.0/24", site)}, ""},
		"one site twice":                                 {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/16", "10.9.0.0/16", site)}, "warning at ipsec_tunnel.t, remote.networks: what goes from 10.1.0.0/16 to 10.9.0.0/16 may go through ipsec_tunnel.s too, which carries 10.1.0.0/24 to 10.9.0.0/24"},
		"one secret too many":                            {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/24", "10.10.0.0/24", func(t *ipsec.Tunnel) { t.PSK = resource.NewSecret("two") })}, "error at ipsec_tunnel.t, remote.id: ipsec_tunnel.s is with the same id, 203.0.113.7, and has another secret, so that charon may try the wrong one"},
		"a secret of two of our ids":                     {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/24", "10.10.0.0/24", func(t *ipsec.Tunnel) { t.PSK, t.Local.ID = resource.NewSecret("two"), p("gw2") })}, "error at ipsec_tunnel.t, remote.id: ipsec_tunnel.s is with the same id, 203.0.113.7, and has another secret, so that charon may try the wrong one"},
		"one site and anybody": {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/24", "10.10.0.0/24", func(t *ipsec.Tunnel) {
			t.PSK, t.Remote.Address, t.Remote.ID = resource.NewSecret("two"), p("%any"), p("%any")
		})}, "warning at ipsec_tunnel.t, remote.id: whoever has the secret of ipsec_tunnel.t may say to be 203.0.113.7 too"},
		"anybody by another id of ours": {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), tunnel("t", "10.1.0.0/24", "10.10.0.0/24", func(t *ipsec.Tunnel) {
			t.PSK, t.Local.ID, t.Remote.Address, t.Remote.ID = resource.NewSecret("two"), p("road"), p("%any"), p("%any")
		})}, ""},
		"an uplink into a tunnel":        {[]resource.Block{device, gate("g", "x0", "10.1.0.0/24")}, "error at gateway.g, uplink: x0 is xfrm_interface.x0, and leads to the other side of a tunnel"},
		"Amazon's sample":                {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), key("net.ipv4.conf.eth0.disable_policy", "1"), key("net/ipv4/conf/eth0.100/disable_xfrm", "1")}, "error at sysctl[\"net.ipv4.conf.eth0.disable_policy\"], value: disable_policy has eth0 ignore IPsec, so that tunnels by policy carry nothing, or let through what came in clear\nerror at sysctl[\"net/ipv4/conf/eth0.100/disable_xfrm\"], value: disable_xfrm has eth0.100 ignore IPsec, so that tunnels by policy carry nothing, or let through what came in clear"},
		"switches of no harm":            {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", site), device, key("net.ipv4.conf.x0.disable_policy", "1"), key("net.ipv4.conf.eth0.disable_xfrm", "0"), key("net.ipv4.conf.eth0.rp_filter", "1")}, ""},
		"such a switch without a tunnel": {[]resource.Block{key("net.ipv4.conf.eth0.disable_policy", "1")}, ""},
		"no way in for IKE":              {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", func(t *ipsec.Tunnel) { t.Firewall = p(false) }), wall(accept("udp", "500"))}, "warning at ipsec_tunnel.s, firewall: firewall.f refuses packets to udp/500 and udp/4500, which no rule of a firewall block accepts"},
		"a way in for IKE":               {[]resource.Block{tunnel("s", "10.1.0.0/24", "10.9.0.0/24", func(t *ipsec.Tunnel) { t.Firewall = p(false) }), wall(accept("udp", "500"), accept("udp", "4500"))}, ""},
		"all is well":                    {[]resource.Block{server(redirects), gate("g", "eth0", "10.8.0.0/16"), wall()}, ""},
		"an uplink into the VPN":         {[]resource.Block{server(plain), gate("g", "tun0", "10.8.0.0/24")}, "error at gateway.g, uplink: tun0 is the device of openvpn_server.o, and leads to its clients"},
		"two gateways":                   {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth0", "10.8.0.0/16")}, "error at gateway.h, networks: 10.8.0.0/16 is also served by gateway.g, as 10.8.0.0/24"},
		"two ways out":                   {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth1", "10.8.0.0/24")}, "warning at gateway.h, networks: 10.8.0.0/24 is also served by gateway.g, as 10.8.0.0/24"},
		"two networks":                   {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth0", "10.9.0.0/24")}, ""},
		"nobody passes it on":            {[]resource.Block{server(redirects), gate("g", "eth0", "10.9.0.0/24")}, "warning at openvpn_server.o, push.redirect_gateway: clients send everything here, and no gateway passes it on"},
		"a closed port":                  {[]resource.Block{server(closed), wall(accept("tcp", "1194"))}, "warning at openvpn_server.o, firewall: firewall.f refuses packets to udp/1194, which no rule of a firewall block accepts"},
		"a port opened by words":         {[]resource.Block{server(closed), wall(accept("udp", "1190-1199"))}, ""},
		"a port opened by itself":        {[]resource.Block{server(plain), wall()}, ""},
		"no default, nothing shut":       {[]resource.Block{server(closed)}, ""},
	} {
		var got []string
		for _, f := range Review(c.blocks) {
			severity := map[bool]string{false: "error", true: "warning"}[f.Warning]
			got = append(got, fmt.Sprintf("%s at %s, %s: %s", severity, f.Block, f.Path, f.Summary))
			if f.Hint == "" {
				t.Errorf("%s: no way out", name)
			}
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("%s: %q, want %q", name, s, c.want)
		}
	}
}

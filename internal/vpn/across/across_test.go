package across

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/firewall"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/openvpn"
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
	for name, c := range map[string]struct {
		blocks []resource.Block
		want   string
	}{
		"all is well":              {[]resource.Block{server(redirects), gate("g", "eth0", "10.8.0.0/16"), wall()}, ""},
		"an uplink into the VPN":   {[]resource.Block{server(plain), gate("g", "tun0", "10.8.0.0/24")}, "error at gateway.g, uplink: tun0 is the device of openvpn_server.o, and leads to its clients"},
		"two gateways":             {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth0", "10.8.0.0/16")}, "error at gateway.h, networks: 10.8.0.0/16 is also served by gateway.g, as 10.8.0.0/24"},
		"two ways out":             {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth1", "10.8.0.0/24")}, "warning at gateway.h, networks: 10.8.0.0/24 is also served by gateway.g, as 10.8.0.0/24"},
		"two networks":             {[]resource.Block{gate("g", "eth0", "10.8.0.0/24"), gate("h", "eth0", "10.9.0.0/24")}, ""},
		"nobody passes it on":      {[]resource.Block{server(redirects), gate("g", "eth0", "10.9.0.0/24")}, "warning at openvpn_server.o, push.redirect_gateway: clients send everything here, and no gateway passes it on"},
		"a closed port":            {[]resource.Block{server(closed), wall(accept("tcp", "1194"))}, "warning at openvpn_server.o, firewall: firewall.f refuses packets to udp/1194, which no rule of a firewall block accepts"},
		"a port opened by words":   {[]resource.Block{server(closed), wall(accept("udp", "1190-1199"))}, ""},
		"a port opened by itself":  {[]resource.Block{server(plain), wall()}, ""},
		"no default, nothing shut": {[]resource.Block{server(closed)}, ""},
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

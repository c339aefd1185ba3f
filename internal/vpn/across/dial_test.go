package across

import (
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/openvpn"
)

// A host that dials in does not lead away what is here.
func TestDials(t *testing.T) {
	client := func(guard bool, routes string) resource.Block {
		return resource.Block{ID: resource.ID{Kind: "openvpn_client", Name: "hq"}, Shape: &dial.Client{Remote: p("a"), Guard: &guard, Routes: []netip.Prefix{netip.MustParsePrefix(routes)}}}
	}
	network := netip.MustParsePrefix("10.8.0.0/24")
	server := resource.Block{ID: resource.ID{Kind: "openvpn_server", Name: "office"}, Shape: &openvpn.Server{Network: &network, PKI: &pki.Authority{Servers: map[string]pki.Pair{"server": {}}}}}
	gate := resource.Block{ID: resource.ID{Kind: "gateway", Name: "office"}, Shape: &gateway.Gateway{Uplink: p("eth0"), Networks: []netip.Prefix{netip.MustParsePrefix("192.168.40.0/24")}}}
	for _, c := range []struct {
		what   string
		client resource.Block
		want   string
	}{
		{"elsewhere", client(true, "10.77.0.0/16"), ""},
		{"the network of a server", client(false, "10.8.0.0/24"), "10.8.0.0/24 leads through the tunnel, and is in 10.8.0.0/24 of openvpn_server.office"},
		{"a part of it", client(false, "10.8.0.128/25"), "is in 10.8.0.0/24 of openvpn_server.office"},
		{"more than it, guarded", client(true, "10.0.0.0/8"), "10.8.0.0/24 is within 10.0.0.0/8, of which the guard drops"},
		{"more than it", client(false, "10.0.0.0/8"), ""},
		{"what a gateway serves", client(true, "192.168.0.0/16"), "192.168.40.0/24 is within 192.168.0.0/16"},
	} {
		var told []string
		for _, f := range Review([]resource.Block{server, c.client, gate}) {
			if f.Block == c.client.ID {
				told = append(told, f.Summary)
			}
		}
		if got := strings.Join(told, "; "); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.what, got)
		}
	}
}

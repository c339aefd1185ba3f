package starter

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// What a starter says of hosts of every sort.
func TestStarterFitsTheHost(t *testing.T) {
	via := netip.MustParseAddr
	for name, c := range map[string]struct {
		host surroundings
		want string
	}{
		"nothing known": {surroundings{}, "eth0 invalid IP 10.8.0.0/24 [] | this host has no default route, so the uplink in the file is a guess"},
		"a rented machine": {
			surroundings{defaults: []route{{dev: "ens3", via: via("203.0.113.1")}}, own: map[string][]netip.Prefix{"ens3": prefixes("2001:db8::7/64", "203.0.113.7/24")}},
			"ens3 203.0.113.7 10.8.0.0/24 []",
		},
		"IPv6 only": {
			surroundings{defaults: []route{{dev: "ens3", via: via("fe80::1"), six: true}}, own: map[string][]netip.Prefix{"ens3": prefixes("fe80::2/64", "2001:db8::7/64")}},
			"ens3 2001:db8::7 10.8.0.0/24 []",
		},
		"an office behind a router, with containers": {
			surroundings{
				defaults: []route{{dev: "eth0", via: via("192.168.1.1")}},
				own:      map[string][]netip.Prefix{"eth0": prefixes("192.168.1.5/24"), "docker0": prefixes("172.17.0.1/16"), "eth1": prefixes("10.1.0.1/16")},
				virtual:  map[string]bool{"docker0": true},
			},
			"eth0 192.168.1.5 10.8.0.0/24 [10.1.0.0/16 192.168.1.0/24] | 192.168.1.5 is a private address; where clients come from elsewhere, write the public name or address for remote, and forward the port to this host",
		},
		"two ways out": {
			surroundings{
				defaults: []route{{dev: "eth1", via: via("198.51.100.1"), metric: 100}, {dev: "wwan0", metric: 700}, {dev: "wwan0", metric: 700}},
				own:      map[string][]netip.Prefix{"eth1": prefixes("198.51.100.2/24")},
			},
			"eth1 198.51.100.2 10.8.0.0/24 [] | this host has several default routes; the uplink in the file is that of the best one, dev eth1 via 198.51.100.1 metric 100, and not dev wwan0 metric 700",
		},
		"the usual network is taken": {
			surroundings{defaults: []route{{dev: "eth0"}}, used: prefixes("10.0.0.0/8", "172.27.8.0/23")},
			"eth0 invalid IP 172.27.10.0/24 [] | 10.8.0.0/24 is in use on this host, so the VPN has 172.27.10.0/24",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := choose(c.host)
			got := strings.Join(append([]string{fmt.Sprint(f.uplink, " ", f.address, " ", f.network, " ", f.behind)}, f.About("openvpn")...), " | ")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestResolverThatClientsCanReach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	for text, want := range map[string]string{
		"":                                  "9.9.9.9 2620:fe::fe",
		"nameserver 127.0.0.53\n":           "9.9.9.9 2620:fe::fe",
		"search x\nnameserver 192.0.2.53\n": "192.0.2.53 2620:fe::fe",
		"nameserver fe80::1%eth0\nnameserver 2001:db8::53\n": "9.9.9.9 2001:db8::53",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := resolver(path, false).String() + " " + resolver(path, true).String(); got != want {
			t.Errorf("%q: %s instead of %s", text, got, want)
		}
	}
}

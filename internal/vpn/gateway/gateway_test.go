package gateway

import (
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func nets(all ...string) []netip.Prefix {
	list := []netip.Prefix{}
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func word(s string) *string { return &s }

func expand(t *testing.T, g *Gateway) []resource.Resource {
	t.Helper()
	resources, err := g.Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

func TestGatewayBecomesChainsTheKernelTakes(t *testing.T) {
	nettest.Need(t)
	for name, g := range map[string]*Gateway{
		"seed.txt": {Uplink: word("eth0"), Networks: nets("10.8.0.0/24")},
		"all.txt": {
			Uplink: word("eth0.100"), Networks: nets("10.8.0.0/24", "10.9.0.0/24", "fd00:8::/64", "2001:db8:8::/64"),
			NAT: word("192.0.2.1"), Interfaces: []string{"tun+", "eth1"},
			Reach: nets("10.0.0.0/16", "::/0"), Admit: nets("10.0.0.0/16", "0.0.0.0/0"),
			Exempt: nets("10.0.0.0/16"), AcceptRA: resource.Ptr(true),
		},
		"least.txt": {
			Uplink: word("eth0"), Networks: nets("10.8.0.0/24", "fd00:8::/64"), NAT: word("false"), NAT6: word("false"),
			Isolate: resource.Ptr(false), MSSClamp: resource.Ptr(false), AcceptRA: resource.Ptr(false),
		},
	} {
		if found := g.Validate("office"); len(found) > 0 {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
		resources := expand(t, g)
		vpntest.Golden(t, name, vpntest.Print(resources))
		vpntest.Restore(t, resources)
	}
}

func TestForwardingWaitsForEveryChain(t *testing.T) {
	resources := expand(t, &Gateway{Uplink: word("eth0"), Networks: nets("10.8.0.0/24", "fd00:8::/64")})
	for _, r := range resources {
		if r.ID.Kind != "sysctl" {
			continue
		}
		family := "ip/"
		if strings.Contains(r.ID.Name, "ipv6") {
			family = "ip6/"
		}
		waits := map[resource.ID]bool{}
		for _, id := range r.After {
			waits[id] = true
		}
		for _, c := range resources {
			if c.ID.Kind == "chain" && strings.HasPrefix(c.ID.Name, family) && !waits[c.ID] {
				t.Errorf("%s does not wait for %s", r.ID, c.ID)
			}
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	wrong := &Gateway{
		Uplink: word("eth0 -j ACCEPT"), Networks: nets("10.8.0.1/24", "10.8.0.0/16", "0.0.0.0/0", "fd00::/64"),
		NAT: word("192.0.2.1 -j ACCEPT"), NAT6: word("192.0.2.1"), Interfaces: []string{"a-name-that-is-too-long"},
		Reach: nets("10.0.0.1/8"), Exempt: nets("10.0.0.1/8"), Admit: nets("10.0.0.1/8"),
	}
	got := vpntest.Mistakes(wrong.Validate("a/b")) + vpntest.Mistakes((&Gateway{Interfaces: []string{}}).Validate("name-of-17-letter"))
	vpntest.Golden(t, "mistakes.txt", got)
}

func TestDefaultsInTheDocumentationAreThoseUsed(t *testing.T) {
	left := &Gateway{Uplink: word("eth0"), Networks: nets("10.8.0.0/24")}
	spelled := &Gateway{
		Uplink: word("eth0"), Networks: nets("10.8.0.0/24"), NAT: word("masquerade"),
		Isolate: resource.Ptr(true), IPsecExempt: resource.Ptr(true), MSSClamp: resource.Ptr(true),
	}
	if a, b := vpntest.Print(expand(t, left)), vpntest.Print(expand(t, spelled)); a != b {
		t.Errorf("left out:\n%s\nspelled out:\n%s", a, b)
	}
}

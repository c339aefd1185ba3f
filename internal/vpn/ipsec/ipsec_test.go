package ipsec

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/ipsec"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/credentials"
	"vpnd/internal/vpn/vpntest"
)

func TestMain(m *testing.M) { nettest.Main(m) }

func p[T any](v T) *T { return &v }

func nets(all ...string) []netip.Prefix {
	list := []netip.Prefix{}
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func addr(s string) *netip.Addr { return p(netip.MustParseAddr(s)) }

func lasts(s string) *resource.Duration {
	var d resource.Duration
	if err := d.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return &d
}

// branch is the example of the contract, with the defaults that the configuration
// fills in.
func branch(change ...func(*Tunnel)) *Tunnel {
	t := &Tunnel{
		Local:  &Local{Address: addr("198.51.100.1"), ID: p("gw.example.com"), Networks: nets("192.168.40.0/24")},
		Remote: &Remote{Address: p("203.0.113.7"), Networks: nets("10.9.0.0/24")},
		PSK:    resource.NewSecret("correct horse battery staple"),

		DPDDelay: lasts("30s"), IKERekeyTime: lasts("4h"), RekeyTime: lasts("1h"), ReauthTime: lasts("0s"),
		Packages: []string{"charon-systemd", "libstrongswan-standard-plugins"},
	}
	for _, do := range change {
		do(t)
	}
	return t
}

func routed(t *Tunnel) {
	t.Mode, t.Interface, t.Metric = p("route"), &Interface{Name: "ipsec0", IfID: p(7)}, p(100)
}

func certified(t *Tunnel) {
	t.PSK = nil
	t.Certificate = &credentials.Pair{Certificate: "/pki/certs/gw.crt", Key: "/pki/keys/gw.key", CA: p("/pki/ca.crt"), CRL: p("/pki/crl.pem")}
	t.Remote.ID = p("branch.example.com")
}

// all has everything in it.
func all(t *Tunnel) {
	t.Local.Networks = nets("192.168.40.0/24", "10.8.0.0/24", "fd00:40::/64")
	t.Remote.Networks = nets("10.9.0.0/24", "10.10.0.0/16", "fd00:9::/64")
	t.Remote.ID, t.PSK, t.PSKFile = p("branch@example.com"), nil, p("/etc/vpnd/secrets/branch")
	t.IKE, t.ESP = []string{"AES-256-GCM SHA-384 group 20", "aes128-sha256-modp3072"}, []string{"aes256-sha512-modp4096"}
	t.Children = []Child{{Name: "office"}, {Name: "voice", Local: nets("192.168.41.0/24"), Remote: nets("10.11.0.0/24"), ESP: []string{"aes128gcm16"}, Start: p("trap"), RekeyTime: lasts("20m")}}
	t.Close, t.DPDDelay, t.DPDAction, t.ReplayWindow, t.Encap, t.MOBIKE, t.Fragmentation, t.PathMTU = p("trap"), lasts("10s"), p("trap"), p(1024), p(true), p(true), p("force"), p(1492)
}

func expand(t *testing.T, tunnel *Tunnel) []resource.Resource {
	t.Helper()
	resources, err := tunnel.Expand("branch")
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

func TestATunnelBecomesWhatTheKernelTakes(t *testing.T) {
	nettest.Need(t)
	for name, tunnel := range map[string]*Tunnel{
		"example.txt":     branch(),
		"routed.txt":      branch(routed),
		"certificate.txt": branch(certified),
		"all.txt":         branch(all),
		"transport.txt":   branch(func(t *Tunnel) { t.Mode, t.Local.Networks, t.Remote.Networks = p("transport"), nil, nil }),
		"waiting.txt": branch(func(t *Tunnel) {
			t.Remote.Address, t.Remote.ID, t.Local.Address = p("%any"), p("branch.example.com"), nil
		}),
		"bare.txt": branch(func(t *Tunnel) {
			t.Firewall, t.Guard, t.NATExempt, t.MSSClamp, t.Packages, t.DPDDelay = p(false), p(false), p(false), p(false), []string{}, lasts("0s")
		}),
	} {
		for _, m := range tunnel.Validate("branch") {
			if !m.Warning {
				t.Errorf("%s: %s", name, vpntest.Mistakes([]resource.Mistake{m}))
			}
		}
		resources := expand(t, tunnel)
		vpntest.Golden(t, name, vpntest.Print(resources)+vpntest.Asked(resources))
		vpntest.Restore(t, resources)
	}
}

// Nothing is forwarded that could leave in clear, and nothing is loaded.
func TestTheWallsStandFirst(t *testing.T) {
	for name, tunnel := range map[string]*Tunnel{"branch": branch(), "routed": branch(routed), "all": branch(all)} {
		resources := expand(t, tunnel)
		for _, r := range resources {
			switch r.ID.Kind {
			case "sysctl", "unit", kindConnection:
			default:
				continue
			}
			if strings.Contains(r.ID.Name, "rp_filter") {
				continue
			}
			family := map[bool]string{true: "ip6/", false: "ip/"}[strings.Contains(r.ID.Name, "ipv6")]
			waits := fmt.Sprint(r.After)
			for _, c := range resources {
				if c.ID.Kind == "chain" && (r.ID.Kind != "sysctl" || strings.HasPrefix(c.ID.Name, family)) && !strings.Contains(waits, c.ID.String()) {
					t.Errorf("%s: %s does not wait for %s", name, r.ID, c.ID)
				}
			}
		}
	}
}

// What is for the other side is dropped in clear before anything accepts it, and is
// exempted from translation before any gateway translates it.
func TestTheOrderOfTheWalls(t *testing.T) {
	priority := map[string]int{}
	for _, r := range expand(t, branch()) {
		if c, ok := r.Want.(*chain.Chain); ok {
			priority[r.ID.Name] = *c.Priority
		}
	}
	if guard := priority["ip/filter/VPND-IPSEC-branch-G"]; guard == 0 || guard >= chain.Listener {
		t.Errorf("the guard has priority %d", guard)
	}
	if nat := priority["ip/nat/VPND-IPSEC-branch"]; nat == 0 || nat >= chain.Router {
		t.Errorf("the exemption has priority %d", nat)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	var b strings.Builder
	for _, c := range []struct {
		name   string
		change func(*Tunnel)
	}{
		{"a name/", func(*Tunnel) {}},
		{"seventeen-letters", func(*Tunnel) {}},
		{"addresses", func(t *Tunnel) { t.Remote.Address, t.Local.Address = p("203.0.113.7"), addr("2001:db8::1") }},
		{"itself", func(t *Tunnel) { t.Remote.Address = p("198.51.100.1") }},
		{"words", func(t *Tunnel) { t.Remote.Address = p("gw.example.com }\ninclude x") }},
		{"nowhere", func(t *Tunnel) { t.Remote.Address = p("0.0.0.0") }},
		{"ids", func(t *Tunnel) { t.Local.ID, t.Remote.ID = p("a\"b"), p("a\nb") }},
		{"anybody", func(t *Tunnel) { t.Local.ID = p("%any") }},
		{"no-ids", func(t *Tunnel) { t.Remote.Address, t.Local.Address, t.Local.ID = p("%any"), nil, nil }},
		{"no-secret", func(t *Tunnel) { t.PSK = nil }},
		{"secrets", func(t *Tunnel) { t.PSKFile = p("secrets/branch") }},
		{"short", func(t *Tunnel) { t.PSK = resource.NewSecret("0123456789012345678") }},
		{"empty", func(t *Tunnel) { t.PSK = resource.NewSecret(" ") }},
		{"two-lines", func(t *Tunnel) { t.PSK = resource.NewSecret("correct horse\nbattery staple") }},
		{"psk-and-ca", func(t *Tunnel) { t.CA, t.CRL = p("/ca"), p("/crl") }},
		{"no-ca", func(t *Tunnel) { certified(t); t.Certificate.CA, t.Remote.ID = nil, nil; t.Revocation = p("never") }},
		{"path", func(t *Tunnel) { certified(t); t.Certificate.Key = "gw.key" }},
		{"proposals", func(t *Tunnel) {
			t.IKE, t.ESP = []string{"aes256gcm16-ecp384", "3des-md5-modp1024", "null-sha256-ecp384"}, []string{}
		}},
		{"child", func(t *Tunnel) {
			t.Children = []Child{{Name: "a b", ESP: []string{"aes256"}, Start: p("restart"), RekeyTime: lasts("1s"), Remote: nets("10.0.0.1/8")}}
		}},
		{"mode", func(t *Tunnel) { t.Mode = p("vti") }},
		{"route", func(t *Tunnel) { t.Mode = p("route") }},
		{"no-if-id", func(t *Tunnel) { routed(t); t.Interface.IfID = nil }},
		{"loop", func(t *Tunnel) { routed(t); t.Remote.Networks = nets("203.0.113.0/24") }},
		{"nothing", func(t *Tunnel) { routed(t); t.Remote.Networks = nil }},
		{"policy", func(t *Tunnel) { routed(t); t.Mode, t.Routes = nil, p(false) }},
		{"transport", func(t *Tunnel) { t.Mode = p("transport") }},
		{"networks", func(t *Tunnel) {
			t.Local.Networks, t.Remote.Networks = nets("192.168.40.1/24", "10.9.0.0/16"), nets("0.0.0.0/0", "224.0.0.0/4")
		}},
		{"overlap", func(t *Tunnel) { t.Remote.Networks = nets("192.168.0.0/16") }},
		{"families", func(t *Tunnel) { t.Remote.Networks = nets("fd00::/64") }},
		{"none", func(t *Tunnel) { t.Remote.Networks = nets() }},
		{"old", func(t *Tunnel) { t.Version, t.Aggressive = p(1), p(true) }},
		{"version", func(t *Tunnel) { t.Version, t.Fragmentation = p(3), p("maybe") }},
		{"aggressive", func(t *Tunnel) { t.Aggressive = p(true); certified(t) }},
		{"words-of-life", func(t *Tunnel) { t.Start, t.Close, t.DPDAction = p("restart"), p("restart"), p("start") }},
		{"storm", func(t *Tunnel) { t.Close = p("start") }},
		{"no-dpd", func(t *Tunnel) { t.DPDDelay, t.DPDAction, t.DPDTimeout = lasts("0s"), p("restart"), lasts("1m") }},
		{"wait", func(t *Tunnel) {
			t.Remote.Address, t.Remote.ID, t.Start, t.Close, t.DPDAction = p("%any"), p("x"), p("start"), p("trap"), p("restart")
		}},
		{"times", func(t *Tunnel) {
			t.IKERekeyTime, t.RekeyTime, t.ReauthTime, t.ReplayWindow, t.PathMTU, t.Metric = lasts("1s"), lasts("1s"), lasts("1s"), p(5000), p(100), p(0)
		}},
		{"replay", func(t *Tunnel) { t.ReplayWindow = p(0) }},
		{"six", func(t *Tunnel) { t.Local.Networks, t.Remote.Networks = nets("fd00:1::/64"), nets("fd00:2::/64") }},
	} {
		found := branch(c.change).Validate(c.name)
		if len(found) == 0 {
			t.Errorf("%s: nothing is wrong", c.name)
		}
		fmt.Fprintf(&b, "%s\n%s", c.name, vpntest.Mistakes(found))
		for _, m := range found {
			if m.Hint == "" || strings.Contains(m.Summary+m.Hint, "staple") {
				t.Errorf("%s: no way out, or the secret: %s", c.name, m.Summary)
			}
		}
	}
	vpntest.Golden(t, "mistakes.txt", b.String())
}

// The MSS is that of the table, and that of NAT where somebody may translate.
func TestTheClampIsThatOfTheProposals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Tunnel)
		want   string
	}{
		"fixed":      {func(*Tunnel) {}, "1406"},
		"encap":      {func(t *Tunnel) { t.Encap = p(true) }, "1398"},
		"1:1 NAT":    {func(t *Tunnel) { t.Local.Address, t.Local.ID = addr("10.0.0.5"), p("198.51.100.1") }, "1398"},
		"a name":     {func(t *Tunnel) { t.Remote.Address = p("gw.example.com") }, "1398"},
		"a child":    {func(t *Tunnel) { t.Children = []Child{{Name: "a", ESP: []string{"aes256-sha512"}}} }, "1382"},
		"PPPoE":      {func(t *Tunnel) { t.PathMTU = p(1492) }, "1398"},
		"IPv6 below": {func(t *Tunnel) { t.Local.Address, t.Remote.Address = addr("2001:db8::1"), p("2001:db8::2") }, "1386"},
	} {
		found := ""
		for _, r := range expand(t, branch(c.change)) {
			if w, ok := r.Want.(*chain.Chain); ok && strings.Contains(r.ID.Name, "/mangle/") {
				_, found, _ = strings.Cut(w.Rules[0], "--set-mss ")
			}
		}
		if found != c.want {
			t.Errorf("%s: %q, want %s", name, found, c.want)
		}
	}
}

func TestWhatOthersMayKnow(t *testing.T) {
	e := branch(all, routed).Exports("branch").(*Exports)
	want := `ipsec_connection.branch [10.9.0.0/24 10.10.0.0/16 fd00:9::/64 10.11.0.0/24] [192.168.40.0/24 10.8.0.0/24 fd00:40::/64 192.168.41.0/24] ipsec0`
	if got := fmt.Sprint(e.Tunnel, " ", e.Networks, " ", e.Locals, " ", e.Interface); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A file ends in the end of a line, and the secret in it does not.
func TestTheSecretIsOneLine(t *testing.T) {
	tunnel := branch(func(t *Tunnel) { t.PSK = resource.NewSecret("correct horse battery staple\n") })
	if found := tunnel.Validate("branch"); len(found) > 0 {
		t.Error(vpntest.Mistakes(found))
	}
	for _, r := range expand(t, tunnel) {
		if c, ok := r.Want.(*ipsec.Connection); ok && c.PSK.Reveal() != "correct horse battery staple" {
			t.Error("the end of the line is part of the secret")
		}
	}
}

// Somebody else may lead packets to the interface.
func TestRoutesMayBeOfOthers(t *testing.T) {
	for _, r := range expand(t, branch(routed, func(t *Tunnel) { t.Routes = p(false) })) {
		if r.ID.Kind == "route" {
			t.Errorf("%s is a route of the tunnel's own", r.ID)
		}
	}
}

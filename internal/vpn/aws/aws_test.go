package aws

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
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

func configuration(t testing.TB, name string) *resource.Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("document", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return resource.NewDocument(name, string(data))
}

// vpc is the example of the contract, with the defaults that the configuration fills in.
func vpc(t testing.TB, file string, change ...func(*VPN)) *VPN {
	t.Helper()
	v := &VPN{
		Configuration: configuration(t, file), Uplink: p("eth0"),
		LocalNetworks: nets("192.168.40.0/24"), RemoteNetworks: nets("172.31.0.0/16"),
		Prefer: addr("203.0.113.17"), Probe: addr("172.31.0.10"), Settle: p(resource.Duration(time.Minute)),
		Packages: []string{"charon-systemd", "libstrongswan-standard-plugins"},
	}
	for _, do := range change {
		do(v)
	}
	return v
}

func routed(v *VPN) { v.Mode = p("route") }

func bgp(v *VPN) {
	v.Mode, v.Probe, v.Prefer = p("route"), nil, addr("203.0.113.130")
}

func six(v *VPN) {
	v.LocalNetworks = nets("192.168.40.0/24", "fd00:40::/64")
	v.RemoteNetworks = nets("172.31.0.0/16", "2001:db8:31::/56")
}

func translated(v *VPN) { v.LocalAddress = addr("10.0.0.5") }

func TestBothTunnelsBecomeWhatTheKernelTakes(t *testing.T) {
	nettest.Need(t)
	for name, v := range map[string]*VPN{
		"example.txt": vpc(t, "vgw-static.xml"),
		"routed.txt":  vpc(t, "generic-static.txt", routed, translated),
		"bgp.txt":     vpc(t, "tgw-bgp.xml", bgp),
		"bgp6.txt":    vpc(t, "tgw-bgp-ipv6.xml", bgp, six),
		"options.txt": vpc(t, "many-algorithms.json", func(v *VPN) { v.Prefer, v.LocalAddress = nil, addr("198.51.100.1") }),
		"accelerated.txt": vpc(t, "tgw-accelerated.json", bgp, func(v *VPN) {
			v.RemoteNetworks, v.BGP = nil, &BGP{Configure: p(false)}
		}),
		"certificate.txt": vpc(t, "no-key.xml", func(v *VPN) {
			v.Certificate = &credentials.Pair{Certificate: "/etc/ssl/cgw.pem", Key: "/etc/ssl/cgw.key"}
			v.CA, v.CRL, v.ID = p("/etc/ssl/amazon.pem"), p("/etc/ssl/amazon.crl"), p("C=US, O=Acme, CN=cgw")
			v.Tunnels = []Tunnel{{Outside: "203.0.113.17", ID: p("CN=one.amazon.example")}, {Outside: "203.0.113.130", ID: p("CN=two.amazon.example")}}
		}),
		"overridden.txt": vpc(t, "secrets-manager.json", func(v *VPN) {
			v.Prefer, v.Probe = addr("203.0.113.130"), nil
			v.Tunnels = []Tunnel{
				{Outside: "203.0.113.17", PSK: resource.NewSecret("made.up_key_of_one_apart")},
				{Outside: "203.0.113.130", PSK: resource.NewSecret("made.up_key_of_two_apart"), IKE: []string{"AES-256 SHA-512 group 21"}, ESP: []string{"aes128gcm16-ecp256"}},
			}
			v.MSSClamp, v.NATExempt, v.Firewall, v.Guard, v.Packages = p(false), p(false), p(false), p(false), []string{}
		}),
	} {
		if found := v.Validate("vpc"); len(found) > 0 && (name != "bgp6.txt" || !found[0].Warning) {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
			continue
		}
		resources, err := v.Expand("vpc")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, r := range resources {
			if judge, ok := r.Want.(resource.Validator); ok {
				if found := judge.Validate(r.ID.Name); len(found) > 0 {
					t.Errorf("%s: %s: %s", name, r.ID, vpntest.Mistakes(found))
				}
			}
		}
		text := vpntest.Print(resources) + vpntest.Asked(resources) + fmt.Sprintf("exports %+v\n", *v.Exports("vpc").(*Exports))
		if strings.Contains(text, "made.up") {
			t.Errorf("%s: it tells a key", name)
		}
		vpntest.Golden(t, name, text)
		vpntest.Restore(t, resources)
	}
}

// Which algorithms are offered: see the comment of the package.
func TestTheStrongestIsOfferedAndNothingElse(t *testing.T) {
	for _, c := range []struct{ file, ike, esp string }{
		{"vgw-static.xml", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384"},
		{"generic-bgp.txt", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384"},
		{"empty-lists.json", "aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384"},
		{"chosen.xml", "aes256-sha256-modp2048", "aes256-sha256-modp2048"},
		{"many-algorithms.json", "aes256gcm16-prfsha384-ecp384", "aes256-sha512-modp4096"},
		{"weak.json", "aes128-sha1-modp1024", "aes128-sha1-modp1024"},
	} {
		v := vpc(t, c.file)
		d, err := v.read()
		if err != nil {
			t.Fatal(err)
		}
		for _, tun := range v.tunnels("vpc", d) {
			if len(tun.ike) != 1 || len(tun.esp) != 1 || tun.ike[0] != c.ike || tun.esp[0] != c.esp {
				t.Errorf("%s: %v %v", c.file, tun.ike, tun.esp)
			}
		}
	}
	for want, s := range map[string]document.Suite{
		"aes256gcm16-prfsha384-ecp384":   {Encryption: "AES256-GCM-16", Group: 20},
		"aes128gcm16-prfsha512-modp4096": {Encryption: "AES128-GCM-16", Integrity: "SHA2-512", Group: 16},
		"aes128-sha1-modp1536":           {Encryption: "AES128", Integrity: "SHA1", Group: 5},
		"aes256-sha256-modp2048s256":     {Encryption: "AES256", Integrity: "SHA2-256", Group: 24},
	} {
		if got := written(proposal.IKE, s); got != want {
			t.Errorf("%+v is written %s", s, got)
		}
	}
	sha1 := document.Choice{Encryption: []string{"AES128-GCM-16", "AES256"}, Integrity: []string{"SHA1"}, Groups: []int{2, 24, 5}}
	if got := strongest(sha1); got != (document.Suite{Encryption: "AES128-GCM-16", Integrity: "SHA1", Group: 24}) {
		t.Errorf("%+v", got)
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	var all strings.Builder
	for _, c := range []struct {
		name   string
		file   string
		change func(*VPN)
	}{
		{"what is written", "vgw-static.xml", func(v *VPN) {
			v.Uplink, v.Mode, v.Settle, v.PathMTU = p("eth0 -j ACCEPT"), p("both"), p(resource.Duration(0)), p(100)
			v.LocalNetworks, v.RemoteNetworks = nets("192.168.40.1/24", "192.168.0.0/16", "169.254.10.0/30"), nets("0.0.0.0/0", "fd00::/64")
			v.IfID, v.Metric = p(0), p(0)
			v.Prefer, v.LocalAddress, v.Probe = addr("203.0.113.99"), addr("fd00::1"), addr("10.0.0.1")
			v.Tunnels = []Tunnel{{Outside: "203.0.113.1"}, {Outside: "203.0.113.17", PSK: resource.NewSecret("a key\n"), IKE: []string{"aes256gcm16-ecp384"}, ESP: []string{}}}
		}},
		{"nothing on their side", "vgw-static.xml", func(v *VPN) { v.RemoteNetworks = nil }},
		{"policy with numbers", "vgw-static.xml", func(v *VPN) { v.IfID, v.Metric = p(3), p(10) }},
		{"IPv6 without inside addresses", "vgw-static.xml", six},
		{"their own address", "vgw-static.xml", func(v *VPN) { v.RemoteNetworks, v.Probe = nets("203.0.113.0/24"), nil }},
		{"BGP by policies", "tgw-bgp.xml", func(*VPN) {}},
		{"BGP with what is static", "tgw-bgp.xml", func(v *VPN) { routed(v); v.Metric = p(5) }},
		{"bgp of a static one", "vgw-static.xml", func(v *VPN) {
			v.BGP = &BGP{Announce: nets("10.0.0.1/8"), HoldTime: p(resource.Duration(time.Second))}
		}},
		{"other selectors", "tgw-accelerated.json", func(v *VPN) {
			bgp(v)
			v.LocalNetworks, v.RemoteNetworks = nets("192.168.41.0/24"), nets("172.16.0.0/12")
		}},
		{"weak", "weak.json", func(v *VPN) { v.LocalNetworks = nets("192.168.40.0/24", "192.168.41.0/24") }},
		{"weak by hand", "empty-lists.json", func(v *VPN) {
			v.Tunnels = []Tunnel{{Outside: "203.0.113.17", IKE: []string{"aes128-sha1-modp1024"}}}
		}},
		{"certificate without its CA", "no-key.xml", func(v *VPN) {
			v.Certificate = &credentials.Pair{Certificate: "cgw.pem", Key: "/etc/ssl/cgw\n.key"}
			v.ID, v.Revocation = p("CN=\"cgw\""), p("never")
			v.Tunnels = []Tunnel{{Outside: "203.0.113.17", ID: p("CN=one\n")}}
		}},
		{"a CA without a certificate", "vgw-static.xml", func(v *VPN) {
			v.CA, v.ID, v.Tunnels = p("/ca.pem"), p("cgw"), []Tunnel{{Outside: "203.0.113.17", ID: p("x")}}
		}},
		{"no key", "no-key.xml", func(*VPN) {}},
		{"a key in Secrets Manager", "secrets-manager.json", func(*VPN) {}},
		{"several connections", "many-connections.json", func(*VPN) {}},
		{"another connection", "many-connections.json", func(v *VPN) { v.Connection = p("vpn-0000") }},
		{"a deleted connection", "many-connections.json", func(v *VPN) { v.Connection = p("vpn-0deadbeef00000000") }},
		{"not of that file", "vgw-static.xml", func(v *VPN) { v.Connection = p("vpn-0000") }},
	} {
		fmt.Fprintf(&all, "== %s\n%s", c.name, vpntest.Mistakes(vpc(t, c.file, c.change).Validate("vpc")))
	}
	fmt.Fprintf(&all, "== the name\n%s", vpntest.Mistakes(vpc(t, "vgw-static.xml").Validate("a/name-of-17-lett")))
	short := resource.NewDocument("a", strings.ReplaceAll(configuration(t, "vgw-static.xml").Reveal(), "made.up_key_of_tunnel_one_17", "made.up8"))
	fmt.Fprintf(&all, "== a short key\n%s", vpntest.Mistakes(vpc(t, "vgw-static.xml", func(v *VPN) { v.Configuration = short }).Validate("vpc")))
	starts := resource.NewDocument("vpn.json", strings.ReplaceAll(configuration(t, "many-algorithms.json").Reveal(), `"StartupAction": "add"`, `"StartupAction": "start"`))
	for _, mode := range []string{"policy", "route"} {
		fmt.Fprintf(&all, "== Amazon starts, by %s\n%s", mode, vpntest.Mistakes(vpc(t, "vgw-static.xml", func(v *VPN) { v.Configuration, v.Mode = starts, &mode }).Validate("vpc")))
	}
	if strings.Contains(all.String(), "made.up") {
		t.Error("it tells a key")
	}
	vpntest.Golden(t, "mistakes.txt", all.String())
}

func TestDefaultsInTheDocumentationAreThoseUsed(t *testing.T) {
	left, spelled := vpc(t, "tgw-bgp.xml", bgp), vpc(t, "tgw-bgp.xml", bgp, func(v *VPN) {
		v.Metric, v.PathMTU, v.MSSClamp, v.NATExempt, v.Firewall, v.Guard = p(100), p(1500), p(true), p(true), p(true), p(true)
		v.BGP = &BGP{Configure: p(true), Packages: []string{"frr", "frr-pythontools"}}
	})
	print := func(v *VPN) string {
		all, err := v.Expand("vpc")
		if err != nil {
			t.Fatal(err)
		}
		return vpntest.Print(all)
	}
	if a, b := print(left), print(spelled); a != b {
		t.Errorf("left out:\n%s\nspelled out:\n%s", a, b)
	}
}

// A change of one tunnel's key changes that tunnel's connection and nothing else.
func TestAKeyConcernsOneTunnel(t *testing.T) {
	before, _ := vpc(t, "vgw-static.xml").Expand("vpc")
	other := resource.NewDocument("a", strings.ReplaceAll(configuration(t, "vgw-static.xml").Reveal(), "made.up_key_of_tunnel_one_17", "another_key_of_tunnel_one"))
	after, err := vpc(t, "vgw-static.xml", func(v *VPN) { v.Configuration = other }).Expand("vpc")
	if err != nil {
		t.Fatal(err)
	}
	var changed []string
	for i := range after {
		if len(resource.Compare(before[i].Want, after[i].Want)) > 0 {
			changed = append(changed, after[i].ID.String())
		}
	}
	if got := strings.Join(changed, " "); got != `ipsec_connection["vpc-1"]` && got != "ipsec_connection.vpc-1" {
		t.Errorf("changed: %s", got)
	}
}

// Two blocks can't have the same tunnels: Amazon takes one pair of SAs of each.
func TestATunnelIsOfOneBlock(t *testing.T) {
	for file, want := range map[string]string{
		"vgw-static.xml": "[{tunnel of Amazon's to 203.0.113.17 configuration} {tunnel of Amazon's to 203.0.113.130 configuration}]",
		"tgw-bgp.xml":    "[{tunnel of Amazon's to 203.0.113.17 configuration} {tunnel of Amazon's to 203.0.113.130 configuration} {configuration of FRRouting /etc/frr/frr.conf bgp}]",
	} {
		if got := fmt.Sprint(vpc(t, file).Claims("vpc")); got != want {
			t.Errorf("%s: %s", file, got)
		}
	}
}

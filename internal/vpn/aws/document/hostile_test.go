package document

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/vpn/vpntest"
)

// Every mistake names the element and the way out, and no value of a key.
func TestEveryMistakeNamesItsElement(t *testing.T) {
	xml, text, js := sample(t, "tgw-bgp-ipv6.xml"), sample(t, "generic-bgp.txt"), sample(t, "many-algorithms.json")
	static := sample(t, "vgw-static.xml")
	swap := func(whole, old, with string, n int) string {
		t.Helper()
		if !strings.Contains(whole, old) {
			t.Fatalf("%q is not in the sample", old)
		}
		return strings.Replace(whole, old, with, n)
	}
	var all strings.Builder
	for _, c := range []struct{ name, text string }{
		{"nothing", " \n\t"},
		{"something else", "conn vpc\n  auto=start\n"},
		{"a document type", swap(xml, "<vpn_connection ", "<!DOCTYPE x [<!ENTITY k SYSTEM \"file:///etc/shadow\">]>\n<vpn_connection ", 1)},
		{"an entity", swap(xml, "made.up_key_of_tunnel_one_17", "&k;", 1)},
		{"another encoding", swap(xml, "UTF-8", "ISO-8859-1", 1)},
		{"another element", "<configuration/>"},
		{"two roots", static + "<vpn_connection/>"},
		{"text alone", "<"},
		{"a tunnel more", swap(static, "</vpn_connection>", static[strings.Index(static, "<ipsec_tunnel>"):], 1)},
		{"one tunnel", static[:strings.LastIndex(static, "<ipsec_tunnel>")] + "</vpn_connection>"},
		{"the same tunnel twice", swap(static, "203.0.113.130", "203.0.113.17", 1)},
		{"one inside network", swap(static, "169.254.11.", "169.254.10.", -1)},
		{"no outside address", swap(static, "<ip_address>203.0.113.130</ip_address>", "", 1)},
		{"an address twice", swap(static, "<ip_address>203.0.113.130</ip_address>", "<ip_address>203.0.113.130</ip_address><ip_address>203.0.113.131</ip_address>", 1)},
		{"no address", swap(static, "203.0.113.130", "everywhere", 1)},
		{"another side of ours", swap(static, "198.51.100.1", "198.51.100.2", 1)},
		{"an inside address of the internet", swap(static, "169.254.10.2", "8.8.8.8", 1)},
		{"a wide inside network", swap(static, "<network_cidr>30", "<network_cidr>16", 1)},
		{"inside addresses apart", swap(static, "169.254.10.1<", "169.254.10.6<", 1)},
		{"one inside address of IPv6", swap(xml, "<tunnel_inside_ipv6_address><ip_address>fd00:a:b:c::1</ip_address><prefix_length>126</prefix_length></tunnel_inside_ipv6_address>", "", 1)},
		{"a group that nobody has", swap(static, "group2", "group14!", 1)},
		{"a cipher that Amazon has not", swap(static, "aes-128-cbc", "3des", 1)},
		{"a hash that Amazon has not", swap(static, "hmac-sha1-96", "md5", 1)},
		{"a life of nothing", swap(static, "<lifetime>28800", "<lifetime>0", 1)},
		{"a life of ever", swap(static, "<lifetime>3600", "<lifetime>99999999999999999999", 1)},
		{"a life of a moment", swap(static, "<lifetime>3600", "<lifetime>1", 1)},
		{"UTF-16", "\xff\xfe<\x00v\x00p\x00n\x00"},
		{"a key with a quote", swap(static, "made.up_key_of_tunnel_one_17", `made.up"\nsecret`, 1)},
		{"a key of seven", swap(static, "made.up_key_of_tunnel_one_17", "made.up", 1)},
		{"a key twice", swap(static, "<pre_shared_key>", "<pre_shared_key>made.up_other</pre_shared_key><pre_shared_key>", 1)},
		{"no ASN", swap(xml, "<asn>64512</asn>", "", 1)},
		{"an ASN of more than 32 bits", swap(xml, "64512", "4294967296", 1)},
		{"two ASN of ours", swap(xml, "65000", "65001", 1)},
		{"an id that is none", swap(static, "vpn-0a1b2c3d4e5f60718", "../../etc", 1)},
		{"an unclosed element", swap(static, "</ike>", "", 1)},
		{"text without a tunnel", swap(text, tunnelHeading+"2", "Tunnel", 1)},
		{"text without a key", swap(text, "  - Encryption Algorithm     : aes-128-cbc\n", "", 1)},
		{"text with a line twice", swap(text, "  - Lifetime                 : 28800 seconds\n", "  - Lifetime                 : 28800 seconds\n  - Lifetime                 : 300 seconds\n", 1)},
		{"text with a key with a quote", swap(text, "made.up_key_of_tunnel_two_130", "made.up key", 1)},
		{"text without its addresses", swap(text, "Outside IP Addresses", "Addresses", 1)},
		{"JSON of something else", `{"Vpcs":[]}`},
		{"JSON without a connection", `{"VpnConnections":[]}`},
		{"JSON of another type", `{"VpnConnections":"made.up"}`},
		{"JSON that is none", `{"VpnConnections": made.up}`},
		{"no configuration", swap(js, "\"CustomerGatewayConfiguration\"", "\"Other\"", 1)},
		{"hostile XML within", swap(js, "<vpn_connection ", "<!DOCTYPE x><vpn_connection ", 1)},
		{"another connection within", swap(js, "\"VpnConnectionId\": \"vpn-0a1b2c3d4e5f60718\"", "\"VpnConnectionId\": \"vpn-1\"", 1)},
		{"an id in JSON that is none", swap(swap(js, "vpn_connection id=\\\"vpn-0a1b2c3d4e5f60718\\\"", "vpn_connection", 1), "\"vpn-0a1b2c3d4e5f60718\"", "\"vpn-made.up\\n}\\u001b[2J\"", 1)},
		{"two of which one has no id", `{"VpnConnections":[{"VpnConnectionId":"made.up\u001b[2J"},{"VpnConnectionId":"vpn-2"}]}`},
		{"other routing", swap(js, "\"StaticRoutesOnly\": true", "\"StaticRoutesOnly\": false", 1)},
		{"options of another tunnel", swap(js, "\"OutsideIpAddress\": \"203.0.113.130\"", "\"OutsideIpAddress\": \"203.0.113.131\"", 1)},
		{"a route that is none", swap(js, "\"192.168.40.0/24\"", "\"x\"", 1)},
		{"a selector that is none", swap(js, "\"LocalIpv4NetworkCidr\": \"0.0.0.0/0\"", "\"LocalIpv4NetworkCidr\": \"x\"", 1)},
		{"options of one tunnel twice", swap(js, "\"OutsideIpAddress\": \"203.0.113.130\"", "\"OutsideIpAddress\": \"203.0.113.17\"", 1)},
		{"options of a tunnel twice, beside the other's", swap(js, "\"TunnelOptions\": [", "\"TunnelOptions\": [{\"OutsideIpAddress\": \"203.0.113.17\"},", 1)},
		{"a narrow window", swap(js, "\"ReplayWindowSize\": 1024", "\"ReplayWindowSize\": 1", 1)},
		{"a window that is none", swap(js, "\"ReplayWindowSize\": 1024", "\"ReplayWindowSize\": -1", 1)},
		{"a life of the options of a moment", swap(js, "\"Phase2LifetimeSeconds\": 3600", "\"Phase2LifetimeSeconds\": 1", 1)},
		{"a long life", swap(js, "\"Phase1LifetimeSeconds\": 28800", "\"Phase1LifetimeSeconds\": 1000000", 1)},
		{"ciphers of another time", swap(js, "\"AES128\"", "\"KYBER\"", -1)},
		{"versions of another time", swap(js, "\"ikev2\"", "\"ikev3\"", 1)},
		{"a key of the options with a quote", swap(js, "made.up_key_changed_since_17", `made.up\"`, 1)},
	} {
		got, err := Read(c.text, "")
		switch {
		case err == nil:
			fmt.Fprintf(&all, "== %s\ntaken: %s", c.name, show(got))
			continue
		case strings.Contains(err.Error(), "made.up") || !strings.Contains(err.Error(), "; "):
			t.Errorf("%s: %v", c.name, err)
		}
		fmt.Fprintf(&all, "== %s\n%v\n", c.name, err)
	}
	vpntest.Golden(t, "mistakes.golden", all.String())
}

// Entities are not expanded, however they nest.
func TestEntitiesStayEntities(t *testing.T) {
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>` + sample(t, "vgw-static.xml")
	for _, text := range []string{laughs, strings.Replace(sample(t, "vgw-static.xml"), "made.up_key_of_tunnel_one_17", "&c;&c;&c;", 1)} {
		if c, err := Read(text, ""); err == nil {
			t.Errorf("it is taken: %s", show(c))
		}
	}
}

// Whatever is read, there is no panic, both tunnels are there and apart, and an error
// repeats no key.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Read(text, "")
		_ = IDs(text)
		if err != nil {
			if strings.Contains(err.Error(), "made.up_key") {
				t.Errorf("it tells a key: %v", err)
			}
			return
		}
		a, b := c.Tunnels[0], c.Tunnels[1]
		if !a.Outside.Less(b.Outside) || a.Inside.Overlaps(b.Inside) || !c.Outside.IsValid() || a.IKELifetime <= 0 || b.ESPLifetime <= 0 {
			t.Errorf("two tunnels that are none: %s", show(c))
		}
		for _, tun := range c.Tunnels {
			if tun.PSK != nil && !IsKey(tun.PSK.Reveal()) {
				t.Errorf("a key that is none")
			}
		}
		if one, err := One(text, ""); err != nil {
			t.Errorf("the one connection is not found again: %v", err)
		} else if again, err := Read(one, ""); err != nil || show(again) != show(c) {
			t.Errorf("it is another one alone: %v", err)
		}
	})
}

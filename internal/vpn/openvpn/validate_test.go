package openvpn

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/auth"
	"vpnd/internal/vpn/vpntest"
)

func TestEveryMistakeIsNamed(t *testing.T) {
	var out strings.Builder
	for _, c := range []struct {
		name string
		spot func(*Server)
	}{
		{"no PKI", func(s *Server) { s.PKI = nil }},
		{"no PKI, and one", func(s *Server) { s.Peers = resource.Ptr(true) }},
		{"no peers", func(s *Server) { s.PKI, s.Cert, s.Peers = nil, nil, resource.Ptr(true) }},
		{"names of peers", func(s *Server) {
			s.PKI, s.Cert, s.Peers = nil, nil, resource.Ptr(true)
			s.Clients = []Client{{Name: "../phone"}, {Name: "a\nb"}, {Name: "Laptop"}, {Name: "laptop"}, {Name: "DEFAULT"}}
		}},
		{"many peers", func(s *Server) {
			s.PKI, s.Cert, s.Peers = nil, nil, resource.Ptr(true)
			for i := range 21 {
				s.Clients = append(s.Clients, Client{Name: fmt.Sprint("c", i)})
			}
		}},
		{"another server", func(s *Server) { s.Cert = word("sevrer") }},
		{"two servers", func(s *Server) { s.Cert = nil; s.PKI.Servers["backup"] = s.PKI.Servers["server"] }},
		{"no server", func(s *Server) { s.Cert = nil; s.PKI.Servers = nil }},
		{"nothing to dial", func(s *Server) { s.Remote = nil }},
		{"bad names to dial", func(s *Server) {
			s.Remote = word("vpn.example.com 1194\nup /bin/sh")
			s.Remotes = []string{"a:0", "[fe80::1%eth0]:1", "-x", "ok.example.com:99999"}
		}},
		{"two listeners", func(s *Server) { s.Listen = []string{"udp/1194", "tcp/443"} }},
		{"listeners alike", func(s *Server) { s.Listen = []string{"udp/1194", "tcp/443", "udp/192.0.2.1:1194", "udp6/1194"} }},
		{"one process", func(s *Server) { s.Listen, s.Processes = []string{"udp/1194", "tcp/443"}, word("on") }},
		{"one process and listeners", func(s *Server) {
			s.Listen, s.Processes, s.Topology = []string{"udp/1194", "tcp/443"}, word("one"), word("net30")
			s.Listeners = []Listener{{Name: "tcp/443", Dev: word("tun7")}}
			s.Remotes = []string{"192.0.2.7:8443"}
		}},
		{"one process, all well", func(s *Server) {
			s.Listen, s.Processes = []string{"udp/1194", "tcp/443"}, word("one")
			s.Network, s.ClientToClient = prefix("10.8.0.0/29"), resource.Ptr(true)
			s.Clients = []Client{{Name: "tpham", Routes: nets("10.9.0.0/24")}}
		}},
		{"networks behind a client of two listeners", func(s *Server) {
			s.Listen, s.Clients = []string{"udp/1194", "tcp/443"}, []Client{{Name: "tpham", Routes: nets("10.9.0.0/24")}}
		}},
		{"listeners apart", func(s *Server) { s.Listen = []string{"udp/192.0.2.1:1194", "udp/192.0.2.2:1194", "tcp/1194"} }},
		{"listeners in small networks", func(s *Server) {
			s.Listen, s.Network, s.Network6 = []string{"udp/1194", "tcp/443", "tcp/80"}, prefix("10.8.0.0/28"), prefix("fd00:8::/124")
		}},
		{"listeners in large networks", func(s *Server) {
			s.Listen, s.Network, s.Network6 = []string{"udp/1194", "tcp/443"}, prefix("10.8.0.0/14"), prefix("fd00:8::/56")
		}},
		{"networks of listeners", func(s *Server) {
			s.Listen = []string{"udp/1194", "tcp/443", "tcp/80"}
			s.Listeners = []Listener{
				{Name: "udp/1194", Network: prefix("10.9.0.0/25"), Network6: prefix("fd00::/64"), Dev: word("tap1")},
				{Name: "tcp/443", Network: prefix("10.8.0.128/25")},
				{Name: "tcp/443", Dev: word("tun0")},
				{Name: "tcp/81"},
				{Name: "tcp/80", Network: prefix("10.8.0.130/26")},
			}
		}},
		{"listeners that overlap", func(s *Server) {
			s.Listen = []string{"udp/1194", "tcp/443"}
			s.Listeners = []Listener{{Name: "tcp/443", Network: prefix("10.8.0.0/28"), Dev: word("tun0")}}
		}},
		{"listeners and what needs one", func(s *Server) {
			s.Listen, s.Topology, s.ClientToClient = []string{"udp/1194", "tcp/443"}, word("net30"), resource.Ptr(true)
			s.ExplicitExitNotify, s.Fragment, s.Options = resource.Ptr(true), resource.Ptr(1300), []string{"port-share 127.0.0.1 4443", "tls-crypt-v2-max-age 90"}
			s.Clients = []Client{{Name: "tpham", Routes: nets("10.9.0.0/24")}}
		}},
		{"addresses with listeners", func(s *Server) {
			s.Listen, s.Network6 = []string{"udp/1194", "tcp/443"}, prefix("fd00:8::/64")
			s.Listeners = []Listener{{Name: "tcp/443", Network: prefix("10.8.0.128/28")}}
			s.Pool = &Pool{Start: addr("10.8.0.64"), End: addr("10.8.0.140")}
			s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.129")}, {Name: "anna", Address: addr("10.8.0.50"), Address6: addr("fd00:8:0:0:8000::1")}}
		}},
		{"remotes with listeners", func(s *Server) {
			s.Listen, s.Remote, s.Remotes = []string{"udp/1194"}, word("tcp/vpn.example.com"), []string{"udp/vpn.example.com:99", "udp/", "tcp6/a"}
		}},
		{"ports with listeners", func(s *Server) {
			s.Listen, s.Remote, s.Remotes = []string{"udp/1194", "tcp/443"}, word("vpn.example.com:1195"), []string{"udp/vpn.example.com:1195", "2001:db8::1"}
		}},
		{"bad listeners", func(s *Server) { s.Listen = []string{"sctp/1"} }},
		{"families disagree", func(s *Server) { s.Listen = []string{"udp4/[2001:db8::1]:1194"} }},
		{"port 0", func(s *Server) { s.Listen = []string{"udp/0"} }},
		{"tap", func(s *Server) { s.Dev = word("tap0") }},
		{"long device", func(s *Server) { s.Dev = word("a-device-too-long") }},
		{"networks", func(s *Server) { s.Network = prefix("10.8.0.1/24"); s.Network6 = prefix("fd00::/48") }},
		{"no network", func(s *Server) { s.Network = nil }},
		{"IPv6 alone", func(s *Server) {
			*s = *grouped()
			s.Network, s.Topology, s.Pool, s.Push.RedirectGateway = nil, word("net30"), &Pool{Start: addr("10.8.0.9")}, resource.Ptr(true)
		}},
		{"listeners of IPv6 alone", func(s *Server) {
			s.Network, s.Network6, s.Listen, s.Push = nil, prefix("fd00:8::/64"), []string{"udp6/1194", "tcp6/443"}, nil
			s.Clients = []Client{{Name: "tpham", Address6: addr("fd00:8::9"), Routes: nets("10.9.0.0/24")}}
			s.Listeners = []Listener{{Name: "tcp6/443", Network: prefix("10.8.0.0/25")}}
		}},
		{"small network", func(s *Server) { s.Network = prefix("10.8.0.0/30") }},
		{"large network", func(s *Server) { s.Network = prefix("10.0.0.0/8"); s.Pool = &Pool{Start: addr("10.9.0.1")} }},
		{"IPv6 as IPv4", func(s *Server) { s.Network = prefix("fd00::/64") }},
		{"exit notice on TCP", func(s *Server) { s.ExplicitExitNotify = resource.Ptr(true) }},
		{"fragments on TCP", func(s *Server) { s.Fragment = resource.Ptr(1300) }},
		{"fragments on UDP", func(s *Server) { s.Listen = nil; s.Fragment = resource.Ptr(1300) }},
		{"sizes", func(s *Server) { s.MTU = resource.Ptr(100); s.MSSFix = resource.Ptr(1); s.Verb = resource.Ptr(12) }},
		{"pool outside", func(s *Server) { s.Pool = &Pool{Start: addr("10.9.0.1"), End: addr("10.8.0.255")} }},
		{"pool backwards", func(s *Server) { s.Pool = &Pool{Start: addr("10.8.0.20"), End: addr("10.8.0.10")} }},
		{"pool takes the server", func(s *Server) { s.Pool = &Pool{Start: addr("10.8.0.1")} }},
		{"pool of net30", func(s *Server) { s.Pool = &Pool{Start: addr("10.8.0.9")}; s.Topology = word("net30") }},
		{"impatient", func(s *Server) { s.Keepalive = &Keepalive{Ping: span("90s")}; s.RenegotiateAfter = span("1s") }},
		{"no ping", func(s *Server) { s.Keepalive = &Keepalive{Ping: span("0s")}; s.MaxClients = resource.Ptr(0) }},
		{"pushed", func(s *Server) {
			s.Push = &Push{
				Routes: nets("10.0.0.1/8", "2001:db8::/32", "0.0.0.0/0"), DNS: []netip.Addr{*addr("fe80::1%eth0")},
				Domain: word("a\"b"), Options: []string{"route 1.2.3.4,dhcp-option DNS 6.6.6.6", "a\nb", "", `"quoted" x`},
			}
		}},
		{"pushed routes", func(s *Server) {
			s.Push = &Push{
				Routes: nets("10.1.0.0/16", "10.8.0.0/25"), ExcludeRoutes: nets("10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0", "10.2.0.1/16"),
				Measured: []PushedRoute{
					{Network: "10.1.0.0/16", Metric: resource.Ptr(5)},
					{Network: "10.3.0.1/16", Metric: resource.Ptr(-1)},
					{Network: "10.4.0.0 255.255.0.0"},
					{Network: "2001:db8::/32", Metric: resource.Ptr(1)},
					{Network: "0.0.0.0/0", Metric: resource.Ptr(1)},
				},
			}
		}},
		{"leaks", func(s *Server) {
			s.Push = &Push{RedirectGateway: resource.Ptr(true), BlockIPv6: resource.Ptr(false), BlockOutsideDNS: resource.Ptr(true), SearchDomains: []string{"ok.example.com", "a b", `x"y`}}
		}},
		{"no leaks", func(s *Server) { s.Network6 = prefix("fd00:8::/64"); s.Push = &Push{BlockIPv6: resource.Ptr(true)} }},
		{"groups", func(s *Server) {
			*s = *grouped()
			s.Topology, s.DuplicateCN, s.ClientToClient, s.Management = word("p2p"), resource.Ptr(true), resource.Ptr(true), resource.Ptr(false)
			s.Groups[0].Network, s.Groups[0].Network6, s.Groups[0].Reach = prefix("10.8.2.0/24"), nil, nets("10.0.3.10/24")
			s.Groups[1].Network, s.Groups[1].Network6 = prefix("10.9.0.0/24"), prefix("fd00:8::8:0:0/127")
			s.Groups = append(s.Groups, Group{Name: "a b", Network: prefix("10.8.2.128/31"), Network6: prefix("fd00:8::/66")}, Group{Name: "a b", Network: prefix("fd00::/64")})
		}},
		{"groups without IPv6", func(s *Server) { *s = *grouped(); s.Network6 = nil }},
		{"groups and what they tell", func(s *Server) {
			*s = *grouped()
			s.Groups[0].Routes, s.Groups[0].Reach = nets("0.0.0.0/0"), nets("10.0.3.10/32", "172.31.0.0/16")
			s.Groups[0].Push = &Push{DNS: []netip.Addr{*addr("10.0.3.10")}}
		}},
		{"groups too small", func(s *Server) {
			*s = *grouped()
			s.Groups[1].Network = prefix("10.8.1.128/29")
			s.PKI.Clients["bob"], s.PKI.Clients["carol"] = s.PKI.Clients["anna"], s.PKI.Clients["anna"]
			s.Clients = append(s.Clients, Client{Name: "bob", Group: word("admins")}, Client{Name: "carol", Group: word("admins")})
			s.Clients[1].Address = nil
		}},
		{"groups and a pool", func(s *Server) { *s = *grouped(); s.Pool = &Pool{Start: addr("10.8.1.16")} }},
		{"groups and a pool of IPv6", func(s *Server) {
			*s = *grouped()
			s.Pool, s.MaxClients = &Pool{Start: addr("fd00:8::9"), End: addr("fd00:9::9")}, resource.Ptr(500)
		}},
		{"groups that take all", func(s *Server) {
			*s = *grouped()
			s.Listen, s.Network6, s.Clients, s.Network = nil, nil, nil, prefix("10.8.0.0/29")
			s.Groups = []Group{{Name: "some", Network: prefix("10.8.0.4/30")}, {Name: "others", Network: prefix("10.8.0.2/31")}}
		}},
		{"groups and IPv6 of others", func(s *Server) { *s = *grouped(); s.Groups[1].Network6 = prefix("fd00:8::1000/120") }},
		{"members", func(s *Server) {
			*s = *grouped()
			s.PKI.Clients["bob"] = s.PKI.Clients["anna"]
			s.Clients[0].Group, s.Clients[1].Address = word("strangers"), addr("10.8.1.160")
			s.Clients = append(s.Clients, Client{Name: "bob", Address: addr("10.8.3.9"), Address6: addr("fd00:8::8:0:9")})
		}},
		{"members elsewhere", func(s *Server) {
			*s = *grouped()
			s.Clients[0].Address, s.Clients[0].Address6 = addr("10.8.1.140"), addr("fd00:8::c000:0:0:9")
			s.Clients[1].Options = []string{` "ifconfig-push" 10.8.3.7 255.255.252.0`, "ifconfig-ipv6-push fd00:8::9/64"}
		}},
		{"networks behind members", func(s *Server) {
			*s = *grouped()
			s.Clients[0].Options = []string{"iroute 10.9.1.0 255.255.255.0", "setenv opt iroute-ipv6 fd00:9::/64"}
			s.Clients[1].Options = []string{"iroute 10.9.2.0 255.255.255.0"} // of a group that may reach everything
		}},
		{"unknown client", func(s *Server) { s.Clients = []Client{{Name: "nobody"}} }},
		{"revoked client", func(s *Server) { s.Clients = []Client{{Name: "guest"}} }},
		{"client twice", func(s *Server) { s.Clients = []Client{{Name: "tpham"}, {Name: "tpham"}} }},
		{"addresses", func(s *Server) {
			s.Pool = &Pool{Start: addr("10.8.0.128")}
			s.Clients = []Client{
				{Name: "tpham", Address: addr("10.8.0.1"), Address6: addr("fd00::9")},
				{Name: "anna", Address: addr("10.8.0.1")},
			}
		}},
		{"address outside", func(s *Server) { s.Clients = []Client{{Name: "tpham", Address: addr("10.9.0.1")}} }},
		{"address of all", func(s *Server) { s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.255")}} }},
		{"address in the pool", func(s *Server) { s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9")}} }},
		{"address of net30", func(s *Server) {
			s.Topology = word("net30")
			s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9")}}
		}},
		{"IPv6 addresses", func(s *Server) {
			s.Network6 = prefix("fd00:8::/64")
			s.Clients = []Client{{Name: "tpham", Address6: addr("fd00:8::1")}, {Name: "anna", Address6: addr("fd00:9::1")}}
		}},
		{"networks behind clients", func(s *Server) {
			s.Clients = []Client{
				{Name: "tpham", Routes: nets("10.8.0.0/25", "10.9.0.0/24", "fd00::/64")},
				{Name: "anna", Routes: nets("10.9.0.0/16", "0.0.0.0/0")},
			}
		}},
		{"client's options", func(s *Server) {
			s.Clients = []Client{{Name: "tpham", Options: []string{
				"iroute 10.9.0.0 255.255.0.0", "up /bin/sh", "config /etc/shadow",
				`push "route 10.0.0.0 255.0.0.0"`, "push route 10.0.0.0", `push "route 10.0.0.0, up x"`, `push "\"unclosed"`, `'up' x`, `push "#"`,
			}}}
		}},
		{"one certificate for many", func(s *Server) {
			s.DuplicateCN, s.CCDExclusive = resource.Ptr(true), resource.Ptr(true)
			s.Pool = &Pool{Start: addr("10.8.0.128"), Persist: resource.Ptr(true)}
			s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9")}}
		}},
		{"TLS of old", func(s *Server) {
			s.TLS = &TLS{MinVersion: word("1.0"), CertProfile: word("insecure"), Ciphers: []string{"A:B"}, Groups: []string{"x y"}}
		}},
		{"words", func(s *Server) {
			s.TLS = &TLS{MinVersion: word("SSLv3"), CertProfile: word("best")}
			s.TLSKey, s.Compression, s.Topology, s.DCO = word("yes"), word("lz4"), word("ring"), word("on")
		}},
		{"ciphers of old", func(s *Server) { s.DataCiphers = []string{"AES-256-GCM", "BF-CBC", "?DES-EDE3-CBC", "a b"} }},
		{"in the clear", func(s *Server) {
			s.DataCiphers, s.DataCiphersFallback, s.Digest = []string{"none"}, word("none"), word("none")
		}},
		{"no cipher", func(s *Server) { s.DataCiphers = []string{} }},
		{"two fallbacks", func(s *Server) { s.Cipher, s.DataCiphersFallback = word("AES-256-CBC"), word("AES-128-CBC") }},
		{"shields", func(s *Server) { s.TLSKey = word("tls-auth") }},
		{"known keys of another kind", func(s *Server) { s.TLSKey, s.TLSCryptV2Verify = word("tls-crypt"), resource.Ptr(true) }},
		{"programs twice", func(s *Server) {
			s.Options = []string{"tls-crypt-v2-verify /bin/true", "script-security 1", "client-connect /bin/true", "auth-user-pass-optional"}
			s.TLSCryptV2Verify, s.Auth = resource.Ptr(true), &auth.Auth{PAM: &auth.PAM{}}
		}},
		{"dh", func(s *Server) { s.DH = resource.Ptr(1024) }},
		{"process", func(s *Server) {
			s.User, s.Group = word("root"), word("no group")
			s.Log, s.Status, s.Profiles = word("openvpn.log"), word("/var/log/a\nb"), word("/var/../etc")
		}},
		{"options", func(s *Server) {
			s.Options = []string{
				"ncp-disable", "secret static.key", "port 443", "push \"route 1.2.3.4\"", "config /tmp/more", "up /bin/true", "verify-client-cert none",
				"--dev tap", "<ca>", "", "a\nb", "sndbuf 0\x00", "setenv opt port 443", "# a comment",
				`setenv A "open`, `setenv A 'open`, `setenv A b\`, `setenv A "x\""`, `setenv A 'x\'`, `setenv A it's`, `setenv A b # "open`,
				`setenv "opt" port 4444`, `"setenv" 'opt' "management" 0.0.0.0 7505`, `\ port 4444`, `"up" /bin/sh`, `set"env opt port 1`, "setenv opt # port 1", `setenv A \n`,
				`verify-client-cert "none" # require`, "memstats /run/office", "setenv" + strings.Repeat(" x", 16), `"<connection>"`, "'config' /tmp/more",
			}
		}},
		{"a long line", func(s *Server) { s.Options = []string{"setenv LONG " + strings.Repeat("x", 300)} }},
		{"long label", func(s *Server) { s.Remote = word(strings.Repeat("a.", 130) + "example.com") }},
	} {
		s := today()
		s.PKI = authority()
		c.spot(s)
		out.WriteString("== " + c.name + "\n" + vpntest.Mistakes(s.Validate("office")))
		for _, listen := range [][]string{{"bad"}, {"bad", "worse"}, {"bad", "udp/1194"}} { // one mistake is found beside another
			if s.Listen = listen; len(s.Validate("office")) == 0 {
				t.Errorf("%s: listening at %q is no mistake", c.name, listen)
			}
		}
	}
	out.WriteString("== names\n" + vpntest.Mistakes(today().Validate("a/b")) + vpntest.Mistakes(today().Validate("a-name-of-19-letters")))
	vpntest.Golden(t, "mistakes.txt", out.String())
}

func TestTheSeedIsAcceptedWithWarningsOnly(t *testing.T) {
	for _, m := range seed().Validate("office") {
		if !m.Warning {
			t.Errorf("%+v", m)
		}
	}
	if found := today().Validate("office"); len(found) > 0 {
		t.Errorf("the seed as of today is warned of: %s", vpntest.Mistakes(found))
	}
}

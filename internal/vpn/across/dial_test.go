package across

import (
	"net/netip"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial"
	"vpnd/internal/vpn/dial/profile"
	"vpnd/internal/vpn/gateway"
	"vpnd/internal/vpn/openvpn"
	"vpnd/internal/vpn/openvpn/auth"
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

// What a server of vpnd's hands out, a host of vpnd's dials in with, whatever the server
// is like; but for a code that only a person has.
func TestProfilesOfServersDialIn(t *testing.T) {
	network := netip.MustParsePrefix("10.8.0.0/22")
	pair := pki.Pair{CommonName: "one", Certificate: "/run/pki/one.crt", Key: "/run/pki/one.key"}
	for what, change := range map[string]func(*openvpn.Server){
		"as it is":    func(*openvpn.Server) {},
		"two ways in": func(s *openvpn.Server) { s.Listen = []string{"udp/1194", "tcp/443"} },
		"IPv6":        func(s *openvpn.Server) { s.Listen = []string{"udp6/1194"} },
		"everything": func(s *openvpn.Server) {
			s.Push = &openvpn.Push{RedirectGateway: p(true), DNS: []netip.Addr{netip.MustParseAddr("10.8.0.1")}}
		},
		"tls-crypt":         func(s *openvpn.Server) { s.TLSKey = p("tls-crypt") },
		"tls-auth":          func(s *openvpn.Server) { s.TLSKey = p("tls-auth") },
		"no shield":         func(s *openvpn.Server) { s.TLSKey = p("none") },
		"compression":       func(s *openvpn.Server) { s.Compression = p("lzo") },
		"sizes":             func(s *openvpn.Server) { s.MTU, s.MSSFix, s.Fragment = p(1400), p(1300), p(1300) },
		"clients of old":    func(s *openvpn.Server) { s.DataCiphersFallback, s.Topology = p("AES-256-CBC"), p("net30") },
		"a password":        func(s *openvpn.Server) { s.Auth = &auth.Auth{Command: []string{"/bin/true"}} },
		"several addresses": func(s *openvpn.Server) { s.Remotes = []string{"192.0.2.1:1195", "[2001:db8::1]:443"} },
	} {
		s := &openvpn.Server{Network: &network, Remote: p("vpn.example.com"), PKI: &pki.Authority{
			Name: "office", Directory: "/run/pki", Certificate: "/run/pki/ca.crt", CRL: "/run/pki/crl.pem", Trusted: []string{"/run/pki/ca.crt"}, Lists: []string{"/run/pki/crl.pem"},
			Servers: map[string]pki.Pair{"server": pair}, Clients: map[string]pki.Pair{"tpham": pair},
		}}
		change(s)
		all, err := s.Expand("office")
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		read := false
		for _, r := range all {
			made, ok := r.Want.(*pki.AssembledFile)
			if !ok || !strings.HasSuffix(r.ID.Name, ".ovpn") {
				continue
			}
			read = true
			text := ""
			for _, part := range made.Parts {
				text += resource.Or(part.Text, "what is in "+resource.Or(part.File, "")+"\n")
			}
			for _, told := range profile.Read(text).Told {
				if !told.Warning {
					t.Errorf("%s: line %d: %s\n%s", what, told.Line, told.Summary, text)
				}
			}
		}
		if !read {
			t.Errorf("%s: there is no profile", what)
		}
	}
}

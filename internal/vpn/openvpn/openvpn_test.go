package openvpn

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/file"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pki"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/auth"
	"vpnd/internal/vpn/vpntest"
)

// The room has nothing where servers and their unit keep things.
func TestMain(m *testing.M) { nettest.Main(m, "/etc/openvpn", "/var/lib") }

func word(s string) *string { return &s }

func prefix(s string) *netip.Prefix { return resource.Ptr(netip.MustParsePrefix(s)) }

func addr(s string) *netip.Addr { return resource.Ptr(netip.MustParseAddr(s)) }

func nets(all ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func span(s string) *resource.Duration {
	d, err := resource.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return &d
}

// vault is where the test keeps its PKI: a directory that the room has empty.
const vault = "/run/pki"

func authority() *pki.Authority {
	pair := func(directory, name string) pki.Pair {
		return pki.Pair{CommonName: name, Certificate: vault + "/" + directory + "/" + name + ".crt", Key: vault + "/" + directory + "/" + name + ".key"}
	}
	return &pki.Authority{
		Name: "office", Directory: vault, Certificate: vault + "/ca.crt", CRL: vault + "/crl.pem",
		Trusted: []string{vault + "/ca.crt"}, Lists: []string{vault + "/crl.pem"}, Ledger: vault + "/issued",
		Servers: map[string]pki.Pair{"server": pair("servers", "server")},
		Clients: map[string]pki.Pair{"tpham": pair("clients", "tpham"), "anna": pair("clients", "anna")},
		Revoked: []string{"guest"}, Refused: []string{"guest@example.com"},
	}
}

// today is the first seed host in HCL as product.md has it.
func today() *Server {
	return &Server{
		PKI: authority(), Cert: word("server"), Network: prefix("10.8.0.0/24"), Listen: []string{"tcp/1194"}, Remote: word("vpn.example.com"),
		Keepalive: &Keepalive{Ping: span("10s"), Restart: span("120s")},
		Push:      &Push{Routes: nets("10.0.0.0/16"), DNS: []netip.Addr{*addr("10.0.0.2")}, RedirectGateway: resource.Ptr(false)},
		User:      word("nobody"), Group: word("nogroup"), Log: word("/var/log/openvpn.log"),
	}
}

// rolled is a server whose CA took the place of two before.
func rolled() *Server {
	s := today()
	s.PKI.Certificate, s.PKI.CRL, s.PKI.Hash = vault+"/ca-3.crt", vault+"/crl-3.pem", "4a2be02e"
	s.PKI.Trusted = []string{vault + "/ca-3.crt", vault + "/ca-2.crt", vault + "/ca.crt"}
	s.PKI.Lists = []string{vault + "/crl-3.pem", vault + "/crl-2.pem", vault + "/crl.pem"}
	s.PKI.Links = []string{vault + "/link-3.crt", vault + "/link-2.crt"}
	return s
}

// seed is the first seed host as its server.conf had it.
func seed() *Server {
	s := today()
	s.Topology = word("net30")
	s.TLS = &TLS{MinVersion: word("1.2"), Ciphers: []string{"TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384"}}
	s.TLSKey = word("none")
	s.Cipher = word("AES-256-CBC")
	s.DH = resource.Ptr(2048)
	s.Compression = word("lzo")
	s.DuplicateCN = resource.Ptr(true)
	s.Pool = nil
	s.Push.RedirectGateway = resource.Ptr(true)
	s.Push.DNS = append(s.Push.DNS, *addr("10.0.0.3"))
	s.Status = word("/etc/openvpn/openvpn-status.log")
	s.Verb = resource.Ptr(4)
	return s
}

// all uses about every attribute there is.
func all() *Server {
	return &Server{
		PKI: authority(), Network: prefix("10.8.0.0/24"), Network6: prefix("fd00:8::/64"),
		Listen: []string{"udp6/1195"}, Remote: word("vpn.example.com:443"), Remotes: []string{"192.0.2.1", "[2001:db8::1]:1195"},
		Dev: word("vpn0"), DCO: word("false"), MaxClients: resource.Ptr(100), ClientToClient: resource.Ptr(true), CCDExclusive: resource.Ptr(true),
		Pool: &Pool{Start: addr("10.8.0.128"), End: addr("10.8.0.200")},
		Push: &Push{
			Routes: nets("10.0.0.0/16", "2001:db8:1::/48"), DNS: []netip.Addr{*addr("10.0.0.2"), *addr("2001:db8:1::2")},
			Domain: word("corp.example.com"), RedirectGateway: resource.Ptr(true), Options: []string{`setenv-safe GREETING "a \\ b"`},
		},
		Clients: []Client{{
			Name: "tpham", Address: addr("10.8.0.9"), Address6: addr("fd00:8::9"), Routes: nets("10.9.0.0/24", "fd00:9::/64"),
			Push: &Push{Routes: nets("10.7.0.0/24")}, Options: []string{"push-remove dhcp-option"}, Disabled: resource.Ptr(false),
		}},
		TLS:    &TLS{Ciphersuites: []string{"TLS_AES_256_GCM_SHA384"}, Groups: []string{"X25519", "secp256r1"}},
		TLSKey: word("tls-auth"), Compression: word("migrate"), RenegotiateAfter: span("2h"), DataCiphersFallback: word("AES-256-CBC"),
		MTU: resource.Ptr(1400), MSSFix: resource.Ptr(1360), ExplicitExitNotify: resource.Ptr(true),
		Log: word(`/var/log/a "quoted" \ name.log`), Options: []string{"sndbuf 0", `setenv GREETING "hello # ; world"`},
		Profiles: word("/srv/profiles"), Package: resource.Ptr(false), Firewall: resource.Ptr(true),
	}
}

// ways is a server with several ways in.
func ways() *Server {
	s := today()
	s.Listen = []string{"udp/1194", "tcp/443", "udp6/[2001:db8::1]:1194"}
	s.Network, s.Network6 = prefix("10.8.0.0/22"), prefix("fd00:8::/64")
	s.Remote, s.Remotes = word("vpn.example.com"), []string{"tcp/192.0.2.7:8443", "2001:db8::1"}
	s.Listeners = []Listener{{Name: "tcp/443", Dev: word("tun7")}, {Name: "udp6/[2001:db8::1]:1194", Network: prefix("10.8.3.0/24")}}
	s.Clients = []Client{{Name: "tpham", Address: addr("10.8.0.9"), Address6: addr("fd00:8::9"), Routes: nets("10.9.0.0/24")}}
	s.Push = &Push{
		Routes: nets("10.0.0.0/16"), Measured: []PushedRoute{{Network: "10.7.0.0/16", Metric: resource.Ptr(50)}, {Network: "2001:db8:7::/48", Metric: resource.Ptr(60)}},
		ExcludeRoutes: nets("10.0.5.0/24"), SearchDomains: []string{"corp.example.com", "example.com"}, BlockOutsideDNS: resource.Ptr(true), DNS: []netip.Addr{*addr("10.0.0.2")},
		RedirectGateway: resource.Ptr(true),
	}
	s.Clients = append(s.Clients, Client{Name: "anna", Push: &Push{RedirectGateway: resource.Ptr(false), BlockOutsideDNS: resource.Ptr(false)}})
	s.Pool, s.Status = &Pool{Start: addr("10.8.0.64")}, word("/run/office.status")
	return s
}

// shared is one with several ways in that one process has.
func shared() *Server {
	s := grouped()
	s.Listen, s.Processes = []string{"udp/1194", "tcp/443", "udp6/1195", "tcp/[2001:db8::1]:1194", "udp/192.0.2.1:1196"}, word("one")
	s.Remotes = []string{"tcp/192.0.2.7:8443"}
	s.Options = []string{"port-share 127.0.0.1 8443"}
	return s
}

// without is a server without a CA.
func without() *Server {
	return &Server{Peers: resource.Ptr(true), Network: prefix("10.8.0.0/24"), Remote: word("vpn.example.com"), TLSKey: word("tls-crypt"), Clients: []Client{{Name: "phone"}, {Name: "laptop"}}}
}

// guarded is a server that refuses who was revoked before TLS begins, and asks the
// others for a code.
func guarded() *Server {
	return &Server{
		PKI: authority(), Network: prefix("10.8.0.0/24"), Remote: word("vpn.example.com"),
		TLSCryptV2Verify: resource.Ptr(true), Auth: &auth.Auth{TOTP: &auth.TOTP{}, Token: &auth.Token{Lifetime: span("8h")}},
	}
}

// grouped is a server with groups, and two ways in.
func grouped() *Server {
	s := today()
	s.Listen, s.Network, s.Network6 = []string{"udp/1194", "tcp/443"}, prefix("10.8.0.0/22"), prefix("fd00:8::/64")
	s.Groups = []Group{
		{
			Name: "contractors", Network: prefix("10.8.3.0/24"), Network6: prefix("fd00:8::c000:0:0:0/66"), Routes: nets("10.7.0.0/16"),
			Reach: nets("10.0.3.10/32", "10.0.0.2/32", "2001:db8::1/128"), Push: &Push{Domain: word("outside.example.com"), RedirectGateway: resource.Ptr(true)},
		},
		{Name: "admins", Network: prefix("10.8.1.128/26"), Network6: prefix("fd00:8::8:0:0/96")},
	}
	s.Clients = []Client{
		{Name: "tpham", Group: word("contractors"), Push: &Push{Domain: word("tpham.example.com")}, Routes: nets("10.9.0.0/24")},
		{Name: "anna", Group: word("admins"), Address: addr("10.8.1.170")},
	}
	return s
}

func expand(t *testing.T, s *Server) []resource.Resource {
	t.Helper()
	resources, err := s.Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

func TestServerBecomesResources(t *testing.T) {
	for name, s := range map[string]*Server{"today": today(), "seed": seed(), "all": all(), "ways": ways(), "guarded": guarded(), "peers": without(), "grouped": grouped(), "rolled": rolled(), "shared": shared()} {
		vpntest.Golden(t, name+".warnings.txt", vpntest.Mistakes(s.Validate("office")))
		vpntest.Golden(t, name+".txt", vpntest.Print(expand(t, s)))
	}
}

// Where there is a CA above that of the server, or may be one below it, only what this PKI
// signed comes in.
func TestServerNamesItsCAsWhereThereAreOthers(t *testing.T) {
	for name, c := range map[string]struct {
		length int
		above  []pki.Level
		names  bool
	}{
		"alone": {0, nil, false}, "with some below": {1, nil, true},
		"below another": {0, []pki.Level{{Trusted: []string{vault + "/root.crt"}, Lists: []string{vault + "/root.pem"}}}, true},
	} {
		s := today()
		s.PKI.PathLength, s.PKI.Above = c.length, c.above
		made, reads := false, false
		for _, r := range expand(t, s) {
			made = made || r.ID.Name == "/etc/openvpn/server/office/issuers.conf"
			if f, ok := r.Want.(*file.File); ok && r.ID.Name == "/etc/openvpn/server/office.conf" {
				reads = strings.Contains(*f.Content, "config /etc/openvpn/server/office/issuers.conf\n")
			}
		}
		if made != c.names || reads != c.names {
			t.Errorf("%s: the list of its CAs is made: %v, and read: %v", name, made, reads)
		}
	}
}

func TestChainsAreTakenByTheKernel(t *testing.T) {
	nettest.Need(t)
	for _, listen := range []string{"udp/1194", "tcp4/192.0.2.1:443", "udp6/1194", "tcp/[2001:db8::1]:443"} {
		s := today()
		s.Listen = []string{listen}
		vpntest.Restore(t, expand(t, s))
	}
}

func TestDefaultsInTheDocumentationAreThoseUsed(t *testing.T) {
	left := &Server{PKI: authority(), Network: prefix("10.8.0.0/24"), Remote: word("vpn.example.com")}
	spelled := &Server{
		PKI: authority(), Network: prefix("10.8.0.0/24"), Remote: word("vpn.example.com"),
		Cert: word("server"), Listen: []string{"udp/1194"}, Dev: word("tun0"), Topology: word("subnet"), DCO: word("auto"),
		ClientToClient: resource.Ptr(false), DuplicateCN: resource.Ptr(false), CCDExclusive: resource.Ptr(false),
		Keepalive: &Keepalive{Ping: span("10s"), Restart: span("120s")}, Push: &Push{RedirectGateway: resource.Ptr(false)},
		TLS: &TLS{MinVersion: word("1.2"), CertProfile: word("preferred")}, TLSKey: word("tls-crypt-v2"),
		DataCiphers: []string{"AES-256-GCM", "AES-128-GCM", "?CHACHA20-POLY1305"}, Digest: word("SHA256"), Compression: word("none"),
		User: word("nobody"), Group: word("nogroup"), Verb: resource.Ptr(3), Processes: word("each"), Management: resource.Ptr(true), Package: resource.Ptr(true), Firewall: resource.Ptr(true),
	}
	if found := left.Validate("office"); len(found) > 0 {
		t.Errorf("the defaults are warned of: %s", vpntest.Mistakes(found))
	}
	if a, b := vpntest.Print(expand(t, left)), vpntest.Print(expand(t, spelled)); a != b {
		t.Errorf("left out:\n%s\nspelled out:\n%s", a, b)
	}
}

// A process that has one place to listen at is written as ever, and needs no new OpenVPN.
func TestOneProcessForOneListenerIsAsBefore(t *testing.T) {
	s := today()
	s.Processes = word("one")
	if a, b := vpntest.Print(expand(t, today())), vpntest.Print(expand(t, s)); a != b {
		t.Errorf("without:\n%s\nwith:\n%s", a, b)
	}
}

// All that one process takes is claimed, and others know the first.
func TestOneProcessClaimsEveryListener(t *testing.T) {
	s := shared()
	claims := ""
	for _, c := range s.Claims("office") {
		claims += c.Path + ": " + c.Sort + " " + c.Value + "\n"
	}
	if want := `listen: listener udp/1194
listen: listener tcp/443
listen: listener udp/1195
listen: listener tcp/[2001:db8::1]:1194
listen: listener udp/192.0.2.1:1196
dev: device tun0
network: network 10.8.0.0/22
network6: network fd00:8::/64
client.tpham.routes: network 10.9.0.0/24
`; claims != want {
		t.Errorf("claims\n%s", claims)
	}
	if e := s.Exports("office").(*Exports); len(e.Units) != 1 || len(e.Devs) != 1 || e.Protocol != "udp" || e.Port != 1194 {
		t.Errorf("exports %+v", e)
	}
}

func TestWhatOthersMayKnow(t *testing.T) {
	s := all()
	s.Listen = []string{"udp/192.0.2.1:1195"}
	want := Exports{
		Name: "office", Network: prefix("10.8.0.0/24"), Network6: prefix("fd00:8::/64"), Dev: "vpn0", Devs: []string{"vpn0"}, Units: []string{"openvpn-server@office.service"}, Protocol: "udp", Port: 1195,
		Unit: "openvpn-server@office.service", Config: "/etc/openvpn/server/office.conf", Profiles: "/srv/profiles",
		Management: "/run/openvpn-server/office/management.sock", Status: "/run/openvpn-server/status-office.log",
	}
	if got := s.Exports("office"); !resource.Equal(got, &want) {
		t.Errorf("exports %+v, want %+v", got, want)
	}
	claims := ""
	for _, c := range s.Claims("office") {
		claims += c.Path + ": " + c.Sort + " " + c.Value + "\n"
	}
	if want := `listen: listener udp/192.0.2.1:1195
dev: device vpn0
network: network 10.8.0.0/24
network6: network fd00:8::/64
client.tpham.routes: network 10.9.0.0/24
client.tpham.routes: network fd00:9::/64
`; claims != want {
		t.Errorf("claims\n%s", claims)
	}
}

// Who is connected goes by a common name, which may be another one than the label.
func TestAdmissionGoesByCommonNames(t *testing.T) {
	resources, err := today().Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		if want, ok := r.Want.(*kindopenvpn.Admission); ok {
			if len(want.Refused) != 1 || want.Refused[0] != "guest@example.com" {
				t.Errorf("refused are %v", want.Refused)
			}
			return
		}
	}
	t.Error("nobody looks who is connected")
}

// Who is disabled is shut out by every process, and all others of the PKI are let in.
func TestWhoIsDisabledIsShutOut(t *testing.T) {
	s := ways()
	s.Clients = append(s.Clients, Client{Name: "guest", Disabled: resource.Ptr(true)})
	s.PKI.Clients["guest"] = pki.Pair{CommonName: "guest"}
	processes := 0
	for _, r := range expand(t, s) {
		a, ok := r.Want.(*kindopenvpn.Admission)
		if !ok {
			continue
		}
		processes++
		if !slices.Contains(a.Refused, "guest") || slices.Contains(a.Members, "guest") || !slices.Contains(a.Members, "tpham") {
			t.Errorf("%s refuses %q and admits %q", r.ID, a.Refused, a.Members)
		}
	}
	if processes != 3 {
		t.Errorf("%d processes", processes)
	}
}

func TestWhoNeedsSeveralSockets(t *testing.T) {
	alone := shared()
	alone.Listen, alone.Remotes = alone.Listen[:1], nil
	each := shared()
	each.Processes = word("each")
	for name, c := range map[string]struct {
		*Server
		needs bool
	}{"one process for all": {shared(), true}, "one listener": {alone, false}, "a process each": {each, false}, "silent": {ways(), false}} {
		s, err := c.settings("office")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range s.instances {
			needs := slices.ContainsFunc(i.requirements(), func(r resource.Requirement) bool { return r.Path == "processes" })
			if needs != c.needs {
				t.Errorf("%s: an OpenVPN with several sockets is asked for: %v", name, needs)
			}
		}
	}
}

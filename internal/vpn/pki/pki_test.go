package pki

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

func days(n int) *resource.Duration { return resource.Ptr(resource.Duration(n) * resource.Day) }

// seed is the PKI of the first seed host.
func seed() *PKI {
	return &PKI{
		Subject: &pki.Subject{
			CommonName: "Acme Corp VPN CA", Organization: "Acme Corp", OrganizationalUnit: "IT",
			Locality: "New York City", Province: "Manhattan", Email: "ca@example.com",
		},
		Key: resource.Ptr("ecdsa-p256"), CAValidity: days(3650), CertValidity: days(90), CRLValidity: days(180),
		Servers: []Server{{Name: "server", DNSNames: []string{"vpn.example.com"}}},
		Clients: []Client{
			{Name: "tpham", CommonName: resource.Ptr("t-pham"), Validity: days(30), Revoked: resource.Ptr(false)},
			{Name: "guest", Revoked: resource.Ptr(true)},
		},
	}
}

func TestExpand(t *testing.T) {
	imported := seed()
	imported.CACertificate, imported.CAKey = resource.Ptr("/etc/easy-rsa/pki/ca.crt"), resource.Ptr("/etc/easy-rsa/pki/private/ca.key")
	imported.CRL, imported.Directory, imported.Subject = resource.Ptr("/etc/easy-rsa/pki/crl.pem"), resource.Ptr("/srv/pki"), nil
	expands(t, map[string]*PKI{"seed.txt": seed(), "imported.txt": imported})
}

// expands holds blocks called office to golden files.
func expands(t *testing.T, blocks map[string]*PKI) {
	t.Helper()
	for name, p := range blocks {
		if found := p.Validate("office"); len(found) > 0 {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
		resources, err := p.Expand("office")
		if err != nil {
			t.Fatal(err)
		}
		vpntest.Golden(t, name, vpntest.Print(resources))
	}
}

// What a resource waits for or follows must be among them, but for the directory
// of vpnd itself.
func TestExpandWaitsForWhatIsThere(t *testing.T) {
	resources, err := seed().Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	before := map[resource.ID]bool{{Kind: "directory", Name: "/var/lib/vpnd"}: true}
	for _, r := range resources {
		for _, id := range r.After {
			if !before[id] {
				t.Errorf("%s comes after %s, which is not before it", r.ID, id)
			}
		}
		for _, trigger := range r.Triggers {
			if !before[trigger.On] {
				t.Errorf("%s follows %s, which is not before it", r.ID, trigger.On)
			}
		}
		if before[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		before[r.ID] = true
	}
}

func TestExports(t *testing.T) {
	const ca, crl = "/var/lib/vpnd/pki/office/ca.crt", "/var/lib/vpnd/pki/office/crl.pem"
	servers := map[string]pki.Pair{"server": {
		CommonName: "server", Certificate: "/var/lib/vpnd/pki/office/certs/server.crt", Key: "/var/lib/vpnd/pki/office/keys/server.key", CA: ca, CRL: crl,
	}}
	want := pki.Authority{
		Name: "office", Directory: "/var/lib/vpnd/pki/office", Hash: "c204726c",
		Certificate: ca, CRL: crl, Servers: servers, Server: servers,
		Trusted: []string{ca}, Lists: []string{crl}, Links: []string{}, Ledger: "/var/lib/vpnd/pki/office/issued",
		Clients: map[string]pki.Pair{"tpham": {
			CommonName: "t-pham", Certificate: "/var/lib/vpnd/pki/office/certs/tpham.crt", Key: "/var/lib/vpnd/pki/office/keys/tpham.key", CA: ca, CRL: crl,
		}},
		Revoked: []string{"guest"}, Refused: []string{"guest"}, Void: []string{},
		Subject: "ST = Manhattan, L = New York City, O = Acme Corp, OU = IT, CN = Acme Corp VPN CA, emailAddress = ca@example.com",
		Key:     "/var/lib/vpnd/pki/office/ca.key", Domains: []string{}, Above: []pki.Level{},
	}
	if diff := cmp.Diff(want, seed().Exports("office")); diff != "" {
		t.Error(diff)
	}
}

// A CA that was there before is told whom the old one knew, by common name.
func TestImportedCAKnowsPeopleByTheirCommonNames(t *testing.T) {
	p := seed()
	p.CACertificate, p.CAKey, p.Issued = resource.Ptr("/ca.crt"), resource.Ptr("/ca.key"), resource.Ptr("/index.txt")
	p.Clients[1].CommonName = resource.Ptr("Günther Guest")
	p.Revocations = []Revocation{
		{Serial: resource.Ptr("0A:1b:00")},
		{Serial: resource.Ptr("F"), CommonName: resource.Ptr("thief")},
		{Serial: resource.Ptr("10"), CommonName: resource.Ptr("t-pham")},
	}
	if found := p.Validate("office"); len(found) > 0 {
		t.Error(vpntest.Mistakes(found))
	}
	resources, err := p.Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		switch want := r.Want.(type) {
		case *pki.CRL:
			is := []any{want.Members, want.Refused, want.Revoke, *want.Issued, *want.External}
			shall := []any{[]string{"server", "t-pham"}, []string{"Günther Guest"}, map[string]string{"0a1b00": "", "0f": "thief", "10": "t-pham"}, "/index.txt", true}
			if diff := cmp.Diff(shall, is); diff != "" {
				t.Error(diff)
			}
		case *pki.Certificate:
			if want.External == nil || !*want.External {
				t.Errorf("%s does not know that its CA was there before", r.ID)
			}
		}
	}
	a := p.Exports("office").(pki.Authority)
	if diff := cmp.Diff([]string{"Günther Guest", "thief"}, a.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	p := &PKI{
		Key: resource.Ptr("rsa-1024"), Directory: resource.Ptr("pki/"), CAKey: resource.Ptr("/ca\n.key"),
		CAValidity: days(365), CertValidity: days(825), CRLValidity: days(1), RenewBefore: days(30),
		Servers: []Server{{Name: "Server", DNSNames: []string{"vpn example"}}},
		Clients: []Client{
			{Name: "server", CommonName: resource.Ptr("acme")},
			{Name: "b", Validity: days(20)},
			{Name: "c", CommonName: resource.Ptr("B")},
			{Name: "default"},
			{Name: "x/../y"},
			{Name: "ok", CommonName: resource.Ptr("a\npush \"x\"")},
			{Name: "zero", Validity: days(0)},
		},
	}
	vpntest.Golden(t, "mistakes.txt", vpntest.Mistakes(p.Validate("../office")))
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*PKI)
		want   string // the path and a part of the summary; empty where all is well
	}{
		{func(*PKI) {}, ""},
		{func(p *PKI) { p.Subject.CommonName = "TPHAM"; p.Clients[0].CommonName = nil }, `client.tpham: the CA has the common name "tpham" already`},
		{func(p *PKI) { p.Domains = []string{"Example.com"} }, ""},
		{func(p *PKI) { p.Domains = []string{"example.org"} }, `error: server.server.dns_names: the CA may not sign for "vpn.example.com": its domains are example.org; add its domain`},
		{func(p *PKI) { p.Domains = []string{"example.com"}; p.Clients[0].CommonName = resource.Ptr("t.pham") }, `error: client.tpham.common_name: the CA may not sign for "t.pham"`},
		{func(p *PKI) { p.Domains = []string{} }, `error: permitted_domains: "" is no domain`},
		{func(p *PKI) { p.CAGeneration = resource.Ptr(0) }, `error: ca_generation: 0 is no number of a CA; from 1 to 100`},
		{func(p *PKI) { p.CAKeyPEM = resource.NewSecret("x") }, `error: ca_key_pem: without the credential nothing would tell`},
		{func(p *PKI) { p.CAKey = resource.Ptr("/ca.key") }, `error: ca_key: a CA that exists already has a certificate`},
		{func(p *PKI) { p.Key = resource.Ptr("ed25519") }, "warning: key: an OpenVPN that was built with mbed TLS"},
		{func(p *PKI) { p.Key = resource.Ptr("rsa-1024") }, "error: key: RSA of 1024 bits can be broken, and OpenSSL 3 refuses it; one of ecdsa-p256"},
		{func(p *PKI) { p.Subject.Country = "usa" }, `error: subject.country: "usa" is no country code; two capital letters`},
		{func(p *PKI) { p.Subject.Organization = "a\nb" }, `error: subject.organization: "a\nb" does not fit into a certificate`},
		{func(p *PKI) { p.CRLValidity = days(7) }, ""},
		{func(p *PKI) { p.RenewBefore = days(29) }, ""},
		{func(p *PKI) { p.RenewBefore = days(30) }, "error: client.tpham.validity: a certificate that is good for 30d can't be renewed 30d before its end"},
		{func(p *PKI) { p.Issued = resource.Ptr("/index.txt") }, "error: issued: a CA that vpnd makes issued nothing before; leave it out"},
		{func(p *PKI) { p.Revocations = []Revocation{{Serial: resource.Ptr("guest")}} }, `error: revoke.0.serial: "guest" is no serial number; hexadecimal, as openssl`},
		{func(p *PKI) { p.Revocations = []Revocation{{Serial: resource.Ptr("-1")}} }, `error: revoke.0.serial: "-1" is no serial number`},
		{func(p *PKI) { p.Revocations = []Revocation{{Serial: resource.Ptr("")}} }, `error: revoke.0.serial: "" is no serial number`},
		{func(p *PKI) { p.Clients[1].CommonName = resource.Ptr("Günther Guest") }, `error: client.guest.common_name: "Günther Guest" can't be a common name`},
		{func(p *PKI) { p.Subject = nil }, "error: subject: the CA has no name; add subject {"},
	} {
		p := seed()
		c.change(p)
		got := vpntest.Mistakes(p.Validate("office"))
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Count(got, "\n") > 1 {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// People are called john.doe, servers vpn.example.com.
func TestNamesOfHolders(t *testing.T) {
	for name, good := range map[string]bool{
		"john.doe": true, "vpn.example.com": true, "a@b.example": true, "_a-b": true,
		"": false, ".": false, "..": false, ".hidden": false, "@a": false, "a b": false, "a/b": false, "zoë": false,
	} {
		p := &PKI{Subject: &pki.Subject{CommonName: "CA"}, Clients: []Client{{Name: name}}}
		if found := p.Validate("office"); good != (len(found) == 0) {
			t.Errorf("%q: %s", name, vpntest.Mistakes(found))
		}
	}
}

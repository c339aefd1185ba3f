package pki

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

// top is a PKI that another one may stand below.
func top() *PKI {
	return &PKI{Subject: &pki.Subject{CommonName: "Acme Root CA"}, PathLength: resource.Ptr(1), Domains: []string{"example.com"}}
}

// under has a PKI below another one.
func under(parent *PKI) *PKI {
	a := parent.Exports("root").(pki.Authority)
	return &PKI{
		Parent: &a, Subject: &pki.Subject{CommonName: "Acme Office CA"},
		Servers: []Server{{Name: "vpn.example.com"}}, Clients: []Client{{Name: "alice"}},
	}
}

// The certificate of a CA is signed by the one above it, by its key where that is here
// and by request where it is not.
func TestExpandBelow(t *testing.T) {
	outside := &PKI{CACertificate: resource.Ptr("/etc/acme-root.crt")}
	second := under(outside)
	second.CAGeneration = resource.Ptr(2)
	expands(t, map[string]*PKI{"below.txt": under(top()), "below-outside.txt": under(outside), "below-outside-second.txt": second})
}

// The key of each level may be away by itself, and what a CA signed is in the ledger of
// that CA.
func TestWhoSignsBelow(t *testing.T) {
	away := top()
	away.CAKeyAway, away.CAGeneration = resource.Ptr(true), resource.Ptr(2)
	office := under(away)
	for name, c := range map[string]struct {
		parent          *PKI
		own             bool // its own key may be away
		key             string
		away, ownAway   bool
		external, asked bool
	}{
		"here":               {parent: top(), key: "/var/lib/vpnd/pki/root/ca.key"},
		"the root's is away": {parent: away, key: "/var/lib/vpnd/pki/root/ca-2.key", away: true},
		"its own is away":    {parent: top(), own: true, key: "/var/lib/vpnd/pki/root/ca.key", ownAway: true},
		"imported":           {parent: &PKI{CACertificate: resource.Ptr("/etc/root.crt"), CAKey: resource.Ptr("/etc/root.key")}, key: "/etc/root.key", away: true, external: true},
		"elsewhere":          {parent: &PKI{CACertificate: resource.Ptr("/etc/root.crt")}, away: true, external: true, asked: true},
	} {
		p := under(c.parent)
		if c.own {
			p.CAKeyAway = resource.Ptr(true)
		}
		resources, err := p.Expand("office")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resources {
			want, ok := r.Want.(*pki.Certificate)
			if !ok || r.ID.Name != "/var/lib/vpnd/pki/office/ca.crt" {
				continue
			}
			got := []any{resource.Or(want.IssuerKey, ""), resource.Or(want.Away, false), resource.Or(want.KeyAway, false), resource.Or(want.External, false), resource.Or(want.Topmost, false), want.Request != nil, *want.Ledger}
			if diff := cmp.Diff([]any{c.key, c.away, c.ownAway, c.external, c.external, c.asked, "/var/lib/vpnd/pki/root/issued"}, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
	resources, err := office.Expand("office")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range resources {
		if want, ok := r.Want.(*pki.Certificate); ok && r.ID.Name == "/var/lib/vpnd/pki/office/ca.crt" {
			if diff := cmp.Diff([]string{"/var/lib/vpnd/pki/root/ca.crt"}, want.Former); diff != "" {
				t.Errorf("what the root signed before another one took its place: %s", diff)
			}
		}
	}
}

// One above that was there before has to be a root, unless its block names who is above it.
func TestWhoseChainEnds(t *testing.T) {
	above := (&PKI{CACertificate: resource.Ptr("/etc/top.crt")}).Exports("top").(pki.Authority)
	for parent, want := range map[*PKI]bool{{CACertificate: resource.Ptr("/etc/ca.crt")}: true, {CACertificate: resource.Ptr("/etc/ca.crt"), Parent: &above}: false} {
		all, err := under(parent).Expand("office")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			if c, ok := r.Want.(*pki.Certificate); ok && r.ID.Name == office+"ca.crt" && resource.Or(c.Topmost, false) != want {
				t.Errorf("with a parent of its own: %t, and it has to be a root: %t", !want, !want)
			}
		}
	}
}

// A CA tells those below of all that are above them, the root last.
func TestExportsAbove(t *testing.T) {
	middle := under(&PKI{Subject: top().Subject, PathLength: resource.Ptr(2)})
	middle.PathLength, middle.CAGeneration = resource.Ptr(1), resource.Ptr(2)
	a := middle.Exports("middle").(pki.Authority)
	lowest := &PKI{Parent: &a, Subject: &pki.Subject{CommonName: "Acme Lab CA"}}
	got := lowest.Exports("lab").(pki.Authority)
	const dir = "/var/lib/vpnd/pki/"
	want := []pki.Level{
		{
			Name: "middle", Subject: "CN = Acme Office CA", Hash: "5241be5e", Ledger: dir + "middle/issued",
			Trusted: []string{dir + "middle/ca-2.crt", dir + "middle/ca.crt"}, Lists: []string{dir + "middle/crl-2.pem", dir + "middle/crl.pem"}, Void: []string{},
		},
		{Name: "root", Subject: "CN = Acme Root CA", Hash: "430f8f96", Ledger: dir + "root/issued", Trusted: []string{dir + "root/ca.crt"}, Lists: []string{dir + "root/crl.pem"}, Void: []string{}},
	}
	if diff := cmp.Diff(want, got.Above); diff != "" {
		t.Error(diff)
	}
	if len(a.Links) > 0 {
		t.Errorf("what the one above signs needs no links: %v", a.Links)
	}
	chain := vpntest.Print([]resource.Resource{{ID: resource.ID{Kind: "x", Name: "x"}, Want: &pki.AssembledFile{Parts: got.ChainAbove()}}})
	for _, file := range []string{"lab/ca.crt", "middle/ca-2.crt", "middle/ca.crt"} {
		if !strings.Contains(chain, dir+file) {
			t.Errorf("the chain lacks %s:\n%s", file, chain)
		}
	}
	if strings.Contains(chain, "root/ca.crt") {
		t.Errorf("the root is in the chain, which whoever checks it has:\n%s", chain)
	}
	if len(top().Exports("root").(pki.Authority).ChainAbove()) > 0 {
		t.Error("a root has a chain")
	}
}

// What readers would refuse is refused, with its place and a way out.
func TestMistakesOfLevels(t *testing.T) {
	for name, c := range map[string]struct {
		change func(root, office *PKI)
		where  string
		says   string
	}{
		"no path length":           {func(root, _ *PKI) { root.PathLength = nil }, "parent", "lets no CA stand below it"},
		"too short a path":         {func(_, office *PKI) { office.PathLength = resource.Ptr(1) }, "parent", "path length 1"},
		"the name of the root":     {func(_, office *PKI) { office.Subject = top().Subject }, "subject", "pki.root above it has the same name"},
		"another domain":           {func(_, office *PKI) { office.Domains, office.Servers = []string{"example.net"}, nil }, "permitted_domains", `may not sign for "example.net"`},
		"a host of another domain": {func(_, office *PKI) { office.Servers[0].DNSNames = []string{"vpn.example.net"} }, "server.vpn.example.com.dns_names", `may not sign for "vpn.example.net": its domains are example.com`},
		"no path":                  {func(_, office *PKI) { office.PathLength = resource.Ptr(-1) }, "path_length", "-1 is no path length"},
		"a key of nobody": {func(_, office *PKI) {
			office.CACertificate, office.Subject, office.ParentKeyPEM = resource.Ptr("/etc/ca.crt"), nil, resource.NewSecret("k")
		}, "parent_key_pem", "no CA above this one signs it here"},
		"of a CA that exists": {func(_, office *PKI) {
			office.CACertificate, office.Subject, office.PathLength = resource.Ptr("/etc/ca.crt"), nil, resource.Ptr(1)
		}, "path_length", "has the path length that it has"},
	} {
		root := top()
		office := under(root)
		c.change(root, office)
		a := root.Exports("root").(pki.Authority)
		office.Parent = &a
		found := office.Validate("office")
		if len(found) != 1 || found[0].Path != c.where || !strings.Contains(found[0].Summary, c.says) || found[0].Hint == "" {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
	}
}

package credentials

import (
	"slices"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// While one CA takes the place of another, charon has both and their lists, each in a file
// of its own; a CA that is given by itself stands alone.
func TestBothCAsAreTrusted(t *testing.T) {
	c := &Credentials{Name: "site", Pair: &Pair{
		Certificate: "/pki/gw.crt", Key: "/pki/gw.key", CA: resource.Ptr("/pki/ca-2.crt"), CRL: resource.Ptr("/pki/crl-2.pem"),
		Former: []string{"/pki/ca.crt"}, FormerLists: []string{"/pki/crl.pem"},
	}}
	end := c.Remote(nil)
	if want := []string{"/etc/swanctl/x509ca/vpnd-site.pem", "/etc/swanctl/x509ca/vpnd-site-2.pem"}; !slices.Equal(end.CACerts, want) {
		t.Errorf("%q", end.CACerts)
	}
	if want := []string{"/etc/swanctl/x509crl/vpnd-site.pem", "/etc/swanctl/x509crl/vpnd-site-2.pem"}; !slices.Equal(end.CRLs, want) {
		t.Errorf("%q", end.CRLs)
	}
	made := make(map[string]string)
	for _, r := range c.Copies() {
		made[r.ID.Name] = *r.Want.(*pki.AssembledFile).Parts[0].File
	}
	for _, file := range append(end.CACerts, end.CRLs...) {
		if made[file] == "" {
			t.Errorf("nobody makes %s", file)
		}
	}
	if made[end.CACerts[1]] != "/pki/ca.crt" || made[end.CRLs[1]] != "/pki/crl.pem" {
		t.Errorf("%v", made)
	}
	c.CA = resource.Ptr("/etc/other-ca.crt")
	if end := c.Remote(nil); len(end.CACerts) != 1 || len(end.CRLs) != 0 {
		t.Errorf("%q %q", end.CACerts, end.CRLs)
	}
}

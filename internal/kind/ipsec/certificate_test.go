package ipsec

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// authority is a CA of the tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
}

func newAuthority(t *testing.T, path string) authority {
	t.Helper()
	a := authority{t: t}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Sites CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	write(t, path, "CERTIFICATE", der)
	return a
}

// issues writes a certificate for a key.
func (a authority) issues(path, name string, serial int64, key *ecdsa.PrivateKey) {
	a.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, path, "CERTIFICATE", der)
}

// revokes writes a list.
func (a authority) revokes(path string, number int64, serials ...int64) {
	a.t.Helper()
	var gone []x509.RevocationListEntry
	for _, serial := range serials {
		gone = append(gone, x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{RevokedCertificateEntries: gone, Number: big.NewInt(number), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	write(a.t, path, "X509 CRL", der)
}

func newKey(t *testing.T, path string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "PRIVATE KEY", der)
	return key
}

func said(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}

// certified is a connection of two networks with certificates.
func certified(certFile, keyFile, caFile string) Connection {
	return tunnel(func(c *Connection) {
		c.PSK = nil
		c.Local = &End{Auth: resource.Ptr("pubkey"), ID: resource.Ptr("gw.example.com"), Certificates: []string{certFile}, Key: resource.Ptr(keyFile)}
		c.Remote = &End{Auth: resource.Ptr("pubkey"), ID: resource.Ptr("peer.example.com"), CACerts: []string{caFile}}
	})
}

// Certificates, keys and lists are loaded with the connection, and again where they
// were renewed.
func TestWhatIsRenewedIsLoadedAgain(t *testing.T) {
	v, kill := host(t)
	const caFile, certFile, keyFile, listFile = ca + "/sites.pem", certs + "/gw.pem", private + "/gw.pem", revoked + "/sites.pem"
	a := newAuthority(t, caFile)
	key := newKey(t, keyFile)
	a.issues(certFile, "gw.example.com", 0x1001, key)
	a.revokes(listFile, 11)

	want := certified(certFile, keyFile, caFile)
	want.Remote.CRLs, want.Remote.Revocation = []string{listFile}, resource.Ptr("strict")
	if all := want.Validate("dc"); len(all) > 0 {
		t.Fatal(all)
	}
	look := func() *Connection {
		t.Helper()
		got, err := v.Observe(t.Context(), map[string]*Connection{"dc": &want})
		if err != nil {
			t.Fatal(err)
		}
		return got["dc"]
	}
	apply := func() {
		t.Helper()
		normal, err := v.Normalize(t.Context(), map[string]*Connection{"dc": &want})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: "dc", Got: look(), Want: *normal["dc"]}}); err != nil {
			t.Fatal(err)
		}
		if diffs := resource.Compare(look(), normal["dc"]); len(diffs) > 0 {
			t.Fatalf("%+v, not loaded %q %s", diffs, look().Unloaded, said(t, "swanctl", "--list-conns", "--raw"))
		}
	}
	apply()
	if listed := said(t, "swanctl", "--list-certs"); !strings.Contains(listed, "serial:    0b") || !strings.Contains(listed, "Sites CA") {
		t.Errorf("the list or the CA is not loaded:\n%s", listed)
	}
	for file, renew := range map[string]func(){
		certFile: func() { a.issues(certFile, "gw.example.com", 0x1002, key) },
		listFile: func() { a.revokes(listFile, 12) },
	} {
		renew()
		if got := look(); *got.Loaded || !slices.Equal(got.Unloaded, []string{file}) {
			t.Errorf("%s was renewed, and loaded is %v, but for %q", file, *got.Loaded, got.Unloaded)
		}
		apply()
	}
	if listed := said(t, "swanctl", "--list-certs", "--type", "x509_crl"); !strings.Contains(listed, "serial:    0c") {
		t.Errorf("the new list is not loaded:\n%s", listed)
	}
	// Who is revoked has SAs that are up, and would keep them.
	for _, c := range []struct {
		revoked []int64
		renews  bool
	}{{[]int64{0x2001}, true}, {[]int64{0x2001}, false}, {nil, false}, {[]int64{0x2001, 0x2002}, true}} {
		a.revokes(listFile, 13, c.revoked...)
		normal, err := v.Normalize(t.Context(), map[string]*Connection{"dc": &want})
		if err != nil {
			t.Fatal(err)
		}
		if got := look(); *got.Loaded || renews("dc", got, normal["dc"]) != c.renews {
			t.Errorf("%x are revoked, and SAs are made anew is not %v: not loaded is %q", c.revoked, c.renews, got.Unloaded)
		}
		apply()
	}
	kill()
	if got := look(); !*got.Loaded || got.Tunnels()[0].Why != "charon is not running" {
		t.Errorf("charon is gone, and it is told %+v", got.Tunnels())
	}
	start(t)
	if got := look(); !*got.Loaded {
		t.Errorf("swanctl loaded all when charon started, and it is told that %q is not", got.Unloaded)
	}
}

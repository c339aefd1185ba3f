package policy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// OpenSSL looks a CA up by what it makes of its name, so that is asked.
func TestHashIsThatOfOpenSSL(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Subject{
		{CommonName: "CA"},
		{CommonName: "Acme Corp VPN CA", Organization: "Acme Corp", OrganizationalUnit: "IT", Country: "US", Province: "Manhattan", Locality: "New York City", Email: "CA@Example.com"},
		{CommonName: "VPN  CA of  two", Organization: "  Übergrößen & Söhne\u00a0GmbH ", Locality: "ÅRHUS", Province: "a_b*c"},
	} {
		name, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: name, NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		openssl := exec.CommandContext(t.Context(), "openssl", "x509", "-noout", "-subject_hash")
		openssl.Stdin = strings.NewReader(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
		want, err := openssl.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Hash(); err != nil || got+"\n" != string(want) {
			t.Errorf("%s is %s (%v), for OpenSSL %s", s, got, err, want)
		}
	}
}

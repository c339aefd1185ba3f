package status

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// A journal names certificates and lists as people do, and shows no block of PEM,
// whole or damaged.
func TestNoPEMInAJournal(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Date(2036, 1, 2, 3, 4, 5, 0, time.UTC)
	alice := &x509.Certificate{SerialNumber: big.NewInt(0x1a2b), Subject: pkix.Name{CommonName: "alice"}, NotAfter: ends, KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	der, err := x509.CreateCertificate(rand.Reader, alice, alice, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	der, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(7), NextUpdate: ends}, alice, key)
	if err != nil {
		t.Fatal(err)
	}
	list := string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
	for value, want := range map[string]string{
		certificate:       "(certificate of CN=alice, serial 1a2b, until 2036-01-02T03:04:05Z)",
		list:              "(CRL 7 of CN=alice, 0 revoked, until 2036-01-02T03:04:05Z)",
		certificate[:200]: "(damaged PEM of a certificate, 200 bytes)",
		"-----BEGIN DH PARAMETERS-----\nAA==\n-----END DH PARAMETERS-----\n": "(dh parameters in PEM, 63 bytes)",
		"text": "text",
		"":     "",
	} {
		if got := Shortened([]resource.Diff{{Attribute: "pem", Before: value, After: "x"}})[0]; got.Before != want || got.After != "x" {
			t.Errorf("%q instead of %q", got.Before, want)
		}
	}
	if got := Shortened([]resource.Diff{{Before: certificate + list}})[0].Before; strings.Contains(got, "BEGIN") {
		t.Error(got)
	}
}

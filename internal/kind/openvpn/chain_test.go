package openvpn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// revokedBelow is a CA below a root that is revoked by a serial number, a list of that
// root, a list of another one, or not at all; its certificate may not say by which key.
func revokedBelow(t *testing.T, how string) Issuer {
	t.Helper()
	serial, begun, ends := big.NewInt(42), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	authority := func(name string) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: begun, NotAfter: ends, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
		der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
		if err == nil {
			ca, err = x509.ParseCertificate(der)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ca, key
	}
	dir := t.TempDir()
	put := func(name, kind string, der []byte, err error) string {
		at := filepath.Join(dir, name)
		if err == nil {
			err = os.WriteFile(at, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	root, key := authority("Root CA")
	inter, below := authority("Office CA")
	inter.SerialNumber = serial
	above := *root
	if how == "list, and no word of the key" {
		above.SubjectKeyId = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, inter, &above, below.Public(), key)
	at := put("ca.crt", "CERTIFICATE", der, err)
	if how == "list of another CA" {
		root, key = authority("Root CA")
	}
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: begun, NextUpdate: ends}
	if strings.HasPrefix(how, "list") {
		list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: serial, RevocationTime: begun}}
	}
	der, err = x509.CreateRevocationList(rand.Reader, list, root, key)
	i := Issuer{Certificate: &at, Lists: []string{filepath.Join(dir, "none"), put("crl.pem", "X509 CRL", der, err)}, Void: []string{"7"}}
	if how == "void" {
		i.Void = append(i.Void, "2a")
	}
	return i
}

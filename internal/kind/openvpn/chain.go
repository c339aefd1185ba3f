package openvpn

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"slices"

	"vpnd/internal/atomic"
)

// Issuer is a CA between a root and whoever is connected: once its certificate is revoked,
// nobody's is good that it signed, or that one below it did.
type Issuer struct {
	Certificate *string  `vpnd:"certificate,required" doc:"path of its certificate"`
	Lists       []string `vpnd:"lists" doc:"paths of the revocation lists of the CA above it"`
	Void        []string `vpnd:"void" doc:"serial numbers in hexadecimal that the CA above it has revoked, whatever its lists say yet"`
}

// largest is how large the file of a certificate or a list may be, in bytes.
const largest = 16 << 20

// revoked says whether the CA above has revoked the certificate. What is not there says
// nothing: OpenVPN asks the lists that it has at the next handshake.
func (i Issuer) revoked() (bool, error) {
	if i.Certificate == nil {
		return false, nil
	}
	der, err := block(*i.Certificate, "CERTIFICATE")
	if err != nil || der == nil {
		return false, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return false, nil // whoever makes it tells of that
	}
	if slices.ContainsFunc(i.Void, func(serial string) bool {
		n, ok := new(big.Int).SetString(serial, 16)
		return ok && n.Cmp(cert.SerialNumber) == 0
	}) {
		return true, nil
	}
	for _, path := range i.Lists {
		if der, err = block(path, "X509 CRL"); err != nil {
			return false, err
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil || !sameSigner(list, cert) {
			continue
		}
		for _, e := range list.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// sameSigner says whether a list is of the CA that signed a certificate. By which key they
// are signed need not stand in them.
func sameSigner(list *x509.RevocationList, cert *x509.Certificate) bool {
	told := len(list.AuthorityKeyId) > 0 && len(cert.AuthorityKeyId) > 0
	return bytes.Equal(list.RawIssuer, cert.RawIssuer) && (!told || bytes.Equal(list.AuthorityKeyId, cert.AuthorityKeyId))
}

// block returns the first block of PEM in a file; nil where there is none.
func block(path, kind string) ([]byte, error) {
	data, err := atomic.ReadFile("/", path, largest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if b, _ := pem.Decode(data); b != nil && b.Type == kind {
		return b.Bytes, nil
	}
	return nil, nil
}

// cut says whether nobody may be connected, since a CA is revoked that vouches for all.
func (a *Admission) cut() (bool, error) {
	for _, i := range a.Issuers {
		if out, err := i.revoked(); out || err != nil {
			return out, err
		}
	}
	return false, nil
}

package pki

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// backdate is how much earlier than now certificates and lists begin, since
// clocks differ.
const backdate = 5 * time.Minute

// What a certificate may be used for.
const (
	usageCA      = "ca"
	usageServer  = "server"
	usageClient  = "client"
	usageSigning = "signing"
)

// pemCertificate and pemCRL are the labels of RFC 7468.
const (
	pemCertificate = "CERTIFICATE"
	pemCRL         = "X509 CRL"
)

// decodePEM returns the first block of that type; what else is in the file,
// as the text that easy-rsa puts before a certificate, is passed over.
func decodePEM(data []byte, label string) ([]byte, error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, fmt.Errorf("it holds no %s in PEM", label)
		}
		if block.Type == label {
			return block.Bytes, nil
		}
		data = rest
	}
}

func parseCertificate(data []byte) (*x509.Certificate, error) {
	der, err := decodePEM(data, pemCertificate)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serialOf writes a serial number as the ledger does: hexadecimal, two digits
// a byte.
func serialOf(n *big.Int) string {
	if n.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(n.Bytes())
}

// ParseSerial reads a serial number in hexadecimal, with or without colons, and
// returns it as the ledger writes it.
func ParseSerial(text string) (string, bool) {
	n, ok := new(big.Int).SetString(strings.ReplaceAll(text, ":", ""), 16)
	if !ok || n.BitLen() > maxSerialBits || strings.ContainsAny(text, "+-_") {
		return "", false
	}
	return serialOf(n), true
}

// maxSerialBits are the 20 octets of RFC 5280 section 4.1.2.2.
const maxSerialBits = 160

// newSerial returns a random positive number of 128 bits.
func newSerial(rand io.Reader) (*big.Int, error) {
	for {
		var raw [16]byte
		if _, err := io.ReadFull(rand, raw[:]); err != nil {
			return nil, fmt.Errorf("drawing a serial number: %w", err)
		}
		if n := new(big.Int).SetBytes(raw[:]); n.Sign() > 0 {
			return n, nil
		}
	}
}

// keyID is the subject key identifier of RFC 7093, method 1.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(info.Key.RightAlign())
	return sum[:20], nil
}

// template returns the certificate that the wish asks for, unsigned.
func template(want Certificate, public crypto.PublicKey, now time.Time) (*x509.Certificate, error) {
	subject, err := want.Subject.marshal()
	if err != nil {
		return nil, err
	}
	id, err := keyID(public)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		RawSubject:            subject,
		SubjectKeyId:          id,
		DNSNames:              want.DNSNames,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(time.Duration(resource.Or(want.Validity, DefaultValidity))),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
	for _, a := range want.IPAddresses {
		t.IPAddresses = append(t.IPAddresses, net.IP(a.Unmap().AsSlice()))
	}
	switch resource.Or(want.Usage, usageServer) {
	case usageCA:
		t.IsCA, t.MaxPathLenZero = true, true
		t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	case usageServer:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if _, ok := public.(*rsa.PublicKey); ok {
			t.KeyUsage |= x509.KeyUsageKeyEncipherment
		}
	case usageClient:
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	return t, nil
}

// usageOf is the inverse: what a certificate may be used for.
func usageOf(cert *x509.Certificate) string {
	server := slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	client := slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	switch {
	case cert.IsCA:
		return usageCA
	case server && client:
		return "server and client"
	case server:
		return usageServer
	case client:
		return usageClient
	case len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0:
		return usageSigning
	default:
		return "other"
	}
}

func addressesOf(cert *x509.Certificate) []netip.Addr {
	all := []netip.Addr{}
	for _, ip := range cert.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, a.Unmap())
		}
	}
	return sortedAddresses(all)
}

func sortedAddresses(all []netip.Addr) []netip.Addr {
	all = slices.Clone(all)
	for i := range all {
		all[i] = all[i].Unmap()
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// sortedNames puts host names in lower case and in order.
func sortedNames(all []string) []string {
	sorted := make([]string, len(all))
	for i, name := range all {
		sorted[i] = strings.ToLower(name)
	}
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// errForeign is a certificate that its issuer, as that is now, did not sign.
var errForeign = errors.New("another issuer signed it")

// signedBy checks who signed a certificate. A certificate that is no CA's may
// have signed nothing but itself.
func signedBy(cert, issuer *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		return errForeign
	}
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
}

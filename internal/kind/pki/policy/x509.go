// Package policy is what goes into keys and certificates: algorithms, names, serial
// numbers, identifiers and what each may be used for. It knows no files.
package policy

import (
	"bytes"
	"crypto"
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
	"net/netip"
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Backdate is how much earlier than now certificates and lists begin, since
// clocks differ.
const Backdate = 5 * time.Minute

// What a certificate may be used for.
const (
	UsageCA      = "ca"
	UsageServer  = "server"
	UsageClient  = "client"
	UsageSigning = "signing"
)

// PEMCertificate and PEMCRL are the labels of RFC 7468.
const (
	PEMCertificate = "CERTIFICATE"
	PEMCRL         = "X509 CRL"
)

// DecodePEM returns the first block of that type; what else is in the file,
// as the text that easy-rsa puts before a certificate, is passed over.
func DecodePEM(data []byte, label string) ([]byte, error) {
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

// ParseCertificate reads the first certificate of a PEM file.
func ParseCertificate(data []byte) (*x509.Certificate, error) {
	der, err := DecodePEM(data, PEMCertificate)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// SerialOf writes a serial number as the ledger does: hexadecimal, two digits
// a byte.
func SerialOf(n *big.Int) string {
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
	return SerialOf(n), true
}

// maxSerialBits are the 20 octets of RFC 5280 section 4.1.2.2.
const maxSerialBits = 160

// NewSerial returns a random positive number of 128 bits.
func NewSerial(rand io.Reader) (*big.Int, error) {
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

// KeyID is the subject key identifier of RFC 7093, method 1.
func KeyID(public crypto.PublicKey) ([]byte, error) {
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

// UsageOf is the inverse: what a certificate may be used for.
func UsageOf(cert *x509.Certificate) string {
	server := slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	client := slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	switch {
	case cert.IsCA:
		return UsageCA
	case server && client:
		return "server and client"
	case server:
		return UsageServer
	case client:
		return UsageClient
	case len(cert.ExtKeyUsage)+len(cert.UnknownExtKeyUsage) == 0:
		return UsageSigning
	default:
		return "other"
	}
}

// AddressesOf returns the subject alternative names that are addresses, in order.
func AddressesOf(cert *x509.Certificate) []netip.Addr {
	all := []netip.Addr{}
	for _, ip := range cert.IPAddresses {
		if a, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, a.Unmap())
		}
	}
	return SortedAddresses(all)
}

// SortedAddresses puts addresses in order, each once.
func SortedAddresses(all []netip.Addr) []netip.Addr {
	all = slices.Clone(all)
	for i := range all {
		all[i] = all[i].Unmap()
	}
	resource.Sort(all, netip.Addr.Compare)
	return slices.Compact(all)
}

// SortedNames puts host names in lower case and in order.
func SortedNames(all []string) []string {
	sorted := make([]string, len(all))
	for i, name := range all {
		sorted[i] = strings.ToLower(name)
	}
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// ErrForeign is a certificate that its issuer, as that is now, did not sign.
var ErrForeign = errors.New("another issuer signed it")

// SignedBy checks who signed a certificate. A certificate that is no CA's may
// have signed nothing but itself.
func SignedBy(cert, issuer *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, issuer.RawSubject) {
		return ErrForeign
	}
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
}

// Unlimited is the path length of a CA that has none.
const Unlimited = -1

// PathLength is how many CAs may stand below a CA; of what is none it is 0.
func PathLength(cert *x509.Certificate) int {
	if !cert.IsCA || cert.MaxPathLen == 0 && cert.MaxPathLenZero {
		return 0
	}
	if cert.MaxPathLen <= 0 {
		return Unlimited
	}
	return cert.MaxPathLen
}

package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
)

// PEMRequest is the label of RFC 7468 for a request of PKCS #10.
const PEMRequest = "CERTIFICATE REQUEST"

// pemOldRequest is what older programs write instead.
const pemOldRequest = "NEW CERTIFICATE REQUEST"

// ParseRequest reads a request for a certificate, in PEM or DER, and checks that who
// made it has the key.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	der, err := DecodePEM(data, PEMRequest)
	if err != nil {
		der, err = DecodePEM(data, pemOldRequest)
	}
	if err != nil {
		der = data
	}
	r, bad := x509.ParseCertificateRequest(der)
	if bad != nil {
		if err == nil {
			err = bad
		}
		return nil, fmt.Errorf("it holds no request for a certificate: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its signature is not that of its key: %w", err)
	}
	return r, nil
}

// A Bid is what a request asks for.
type Bid struct {
	Subject  Subject
	DNSNames []string
	Usage    string

	PathLength int      // of a CA: how many may stand below it
	Domains    []string // of a CA: the only ones of whose host names it may sign certificates
}

// OIDs of extensions, RFC 5280 section 4.2.1, and of extended key usages.
var (
	oidKeyUsage    = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidNames       = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidServerAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
)

// Request makes a request in PEM, with the extensions that the CA has to put into
// the certificate.
func Request(b Bid, key crypto.Signer, rand io.Reader) ([]byte, error) {
	subject, err := b.Subject.Marshal()
	if err != nil {
		return nil, err
	}
	t := &x509.CertificateRequest{RawSubject: subject, DNSNames: b.DNSNames}
	if t.ExtraExtensions, err = extensions(b); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand, t, key)
	if err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: PEMRequest, Bytes: der}), nil
}

// extensions are those that the CA has to put into the certificate.
func extensions(b Bid) ([]pkix.Extension, error) {
	var all []pkix.Extension
	var errs []error
	add := func(id asn1.ObjectIdentifier, critical bool, value any) {
		der, err := asn1.Marshal(value)
		all, errs = append(all, pkix.Extension{Id: id, Critical: critical, Value: der}), append(errs, err)
	}
	if b.Usage == UsageCA {
		add(oidConstraints, true, constraints{true, b.PathLength})
		// keyCertSign and cRLSign, bits 5 and 6 of RFC 5280.
		add(oidKeyUsage, true, asn1.BitString{Bytes: []byte{0x06}, BitLength: 7})
		if len(b.Domains) > 0 {
			add(oidNames, true, permitted(b.Domains))
		}
		return all, errors.Join(errs...)
	}
	// A bit string of one bit, digitalSignature, the first of RFC 5280.
	add(oidKeyUsage, true, asn1.BitString{Bytes: []byte{0x80}, BitLength: 1})
	if purpose := purposeOf(b.Usage); purpose != nil {
		add(oidExtKeyUsage, false, []asn1.ObjectIdentifier{purpose})
	}
	return all, errors.Join(errs...)
}

// names are NameConstraints, RFC 5280 section 4.2.1.10, of host names.
type names struct {
	Permitted []subtree `asn1:"tag:0"`
}

type subtree struct {
	Domain string `asn1:"tag:2,ia5"`
}

func permitted(domains []string) names {
	var n names
	for _, d := range SortedNames(domains) {
		n.Permitted = append(n.Permitted, subtree{d})
	}
	return n
}

// constraints are BasicConstraints, RFC 5280 section 4.2.1.9.
type constraints struct {
	CA         bool
	PathLength int
}

func purposeOf(usage string) asn1.ObjectIdentifier {
	switch usage {
	case UsageServer:
		return oidServerAuth
	case UsageClient:
		return oidClientAuth
	}
	return nil
}

// Asks says whether a request asks for that, with that key.
func Asks(r *x509.CertificateRequest, b Bid, public crypto.PublicKey) bool {
	same := SamePublic(public, r.PublicKey) && subjectOf(r.Subject) == b.Subject &&
		slices.Equal(SortedNames(r.DNSNames), SortedNames(b.DNSNames))
	if !same || b.Usage != UsageCA && purposeOf(b.Usage) == nil {
		return same
	}
	want, err := extensions(b)
	if err != nil {
		return false
	}
	has := func(one pkix.Extension) bool {
		return slices.ContainsFunc(r.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(one.Id) && slices.Equal(e.Value, one.Value) })
	}
	if b.Usage != UsageCA {
		return has(want[len(want)-1])
	}
	narrows := slices.ContainsFunc(r.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNames) })
	return !slices.ContainsFunc(want, func(one pkix.Extension) bool { return !has(one) }) && narrows == (len(b.Domains) > 0)
}

// leastRSA is how long a key of RSA has to be, in bits; OpenSSL 3 refuses less.
const leastRSA = 2048

// Strong refuses a key that somebody else made and that readers would refuse, or that
// can be broken.
func Strong(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < leastRSA {
			return fmt.Errorf("RSA of %d bits can be broken, and OpenSSL 3 refuses it; make a key of at least %d", k.N.BitLen(), leastRSA)
		}
		if big.NewInt(int64(k.E)).Cmp(big.NewInt(3)) <= 0 {
			return fmt.Errorf("the public exponent %d of its key is too small; make a key with 65537", k.E)
		}
		return nil
	case *ecdsa.PublicKey, ed25519.PublicKey:
		if slices.Contains(Algorithms, AlgorithmOf(public)) {
			return nil
		}
	}
	return fmt.Errorf("a key of the algorithm %s is read by few programs; make one of ecdsa-p256, ed25519 or RSA", AlgorithmOf(public))
}

// EncodeRequest writes a request in PEM.
func EncodeRequest(r *x509.CertificateRequest) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: PEMRequest, Bytes: r.Raw})
}

package pki

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/overlap"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// DefaultValidity is how long a certificate is good for unless its wish says
// otherwise. It is what easy-rsa gives.
const DefaultValidity = 825 * resource.Day

// MinValidity and MaxValidity bound how long a certificate, a CA or a list may
// be good for. Less is used up by differing clocks.
const (
	MinValidity = 4 * resource.Duration(policy.Backdate)
	MaxValidity = 36500 * resource.Day
)

// certificates are the verbs of certificates.
type certificates struct{ derived.Verbs[Certificate] }

func newCertificates(h derived.Host) *certificates {
	return &certificates{derived.Verbs[Certificate]{Host: h, Nature: derived.Nature[Certificate]{
		Access: func(c *Certificate) derived.Access {
			return derived.Access{Mode: &c.Mode, Owner: &c.Owner, Group: &c.Group}
		},
		Kept:   func(c *Certificate) *string { return c.PEM },
		Read:   readCertificate,
		Build:  buildCertificate,
		Settle: settleCertificate,
		Waive:  func(c *Certificate) { c.Fresh, c.Current, c.Recorded = nil, nil, nil },
		MadeFrom: func(c *Certificate) []string {
			if len(c.Former) > 0 { // a new CA voids nothing that those before it signed
				return derived.Given(c.Key, c.Request)
			}
			if c.IssuerPEM != nil {
				return derived.Given(c.Key, c.Request)
			}
			return derived.Given(c.Key, c.Request, c.IssuerKey)
		},
		SourcesOf: func(_ string, c *Certificate) []string {
			return append(derived.Given(c.Key, c.Request, c.Issuer, derived.Inside(c.Ledger), derived.Inside(c.Overlap)), c.Former...)
		},
		Ages: true,
	}}}
}

func settleCertificate(s *derived.Scene, name string, c *Certificate) error {
	c.Fresh, c.Current, c.Recorded = resource.Ptr(true), resource.Ptr(true), resource.Ptr(true)
	if c.DNSNames != nil {
		c.DNSNames = policy.SortedNames(c.DNSNames)
	}
	if c.IPAddresses != nil {
		c.IPAddresses = policy.SortedAddresses(c.IPAddresses)
	}
	if c.Domains != nil {
		c.Domains = policy.SortedNames(c.Domains)
	}
	if yes(c.External) {
		return issuable(s, name, *c)
	}
	return named(s, name, *c)
}

// invalidatesCA is the way out where a CA that stands can't become the wished one.
const invalidatesCA = "; remove it to begin a new CA, which cuts off everyone who has a certificate of the old one"

// named refuses another name for a CA that stands.
func named(s *derived.Scene, name string, want Certificate) error {
	if resource.Or(want.Usage, policy.UsageServer) != policy.UsageCA || want.Subject == nil {
		return nil
	}
	ca, err := standing(s.Host, name)
	if err != nil || ca == nil {
		return err
	}
	if is := policy.SubjectOf(ca); is != *want.Subject {
		return fmt.Errorf("the CA that stands there is named %q, and under another name all that it signed would be void%s", is, invalidatesCA)
	}
	return nil
}

// issuable refuses a certificate that has to be made and that its issuer, which
// nobody makes, can't sign. That its key is away is no reason: it is waited for.
func issuable(s *derived.Scene, name string, want Certificate) error {
	if data, _, err := s.Read(name); err == nil {
		if cert, err := policy.ParseCertificate(data); err == nil && good(s, cert, want) {
			return nil
		}
	}
	if want.outside() {
		_, err := issuerAt(s, *want.Issuer)
		return err
	}
	if keyAway(s.Host, *want.Issuer, *want.IssuerKey, want.IssuerPEM) != "" {
		return nil
	}
	_, _, err := authority(s, *want.Issuer, *want.IssuerKey, want.IssuerPEM)
	return err
}

// readCertificate tells what a file holds. One that holds no certificate is an
// observation too, so that taking it over keeps its bytes.
func readCertificate(s *derived.Scene, name string, data []byte, want Certificate) (*Certificate, error) {
	got := &Certificate{
		Key: want.Key, Request: want.Request, Issuer: want.Issuer, IssuerKey: want.IssuerKey, Ledger: want.Ledger,
		Former: want.Former, Void: want.Void, Overlap: want.Overlap,
		Validity: want.Validity, RenewBefore: want.RenewBefore, External: want.External, Away: want.Away,
		PEM: resource.Ptr(string(data)),
	}
	cert, err := policy.ParseCertificate(data)
	if err != nil {
		got.Usage, got.Subject = resource.Ptr("unreadable"), new(policy.Subject)
		got.DNSNames, got.Domains, got.IPAddresses = []string{}, []string{}, []netip.Addr{}
		got.Fresh, got.Current, got.Recorded = resource.Ptr(false), resource.Ptr(false), resource.Ptr(false)
		got.NotAfter, got.Serial = resource.Ptr(""), resource.Ptr("")
		return got, nil
	}
	suits, err := suits(s, cert, want)
	if err != nil {
		return nil, err
	}
	known, err := recorded(s, cert, want)
	if err != nil {
		return nil, err
	}
	if suits && want.outside() && brought(s, cert, want) != nil {
		suits = false
	}
	got.Remains = remains(s, name, want)
	got.Usage, got.Subject = resource.Ptr(policy.UsageOf(cert)), resource.Ptr(policy.SubjectOf(cert))
	got.DNSNames, got.IPAddresses = policy.SortedNames(cert.DNSNames), policy.AddressesOf(cert)
	got.Domains = policy.SortedNames(cert.PermittedDNSDomains)
	if want.outside() && accepted(cert, want) {
		got.Usage, got.Subject = resource.Ptr(resource.Or(want.Usage, policy.UsageServer)), want.Subject
		got.DNSNames = policy.SortedNames(want.DNSNames)
	}
	got.Fresh, got.Current, got.Recorded = resource.Ptr(fresh(s, cert, want)), resource.Ptr(suits), resource.Ptr(known)
	got.Clock = earlier(s, cert.NotBefore, want.Issuer)
	got.FreshUntil = resource.Ptr(freshUntil(s, cert, want))
	got.NotAfter = resource.Ptr(cert.NotAfter.UTC().Format(time.RFC3339))
	got.Serial = resource.Ptr(policy.SerialOf(cert.SerialNumber))
	return got, nil
}

// suits says whether a certificate belongs to its key, comes from its issuer
// and is not revoked.
func suits(s *derived.Scene, cert *x509.Certificate, want Certificate) (bool, error) {
	if want.Key == nil && want.Request == nil {
		return false, nil
	}
	key, err := ownerOf(s, want)
	if want.Issuer == nil && yes(want.Away) && errors.Is(err, fs.ErrNotExist) {
		return policy.SignedBy(cert, cert) == nil, nil // the certificate is all that there is to tell by
	}
	if err != nil || !key.is(cert) {
		return false, derived.Missing(err)
	}
	if want.Issuer == nil {
		return signed(s, cert, cert), nil
	}
	if ok, err := signedByAny(s, cert, append([]string{*want.Issuer}, want.Former...)); err != nil || !ok {
		return false, derived.Missing(err)
	}
	if slices.Contains(want.Void, policy.SerialOf(cert.SerialNumber)) {
		return false, nil
	}
	if want.Ledger == nil {
		return true, nil
	}
	l, err := ledgerAt(s, *want.Ledger)
	return err == nil && !l.revoked(policy.SerialOf(cert.SerialNumber)), err
}

// signedByAny says whether one of the CAs at those paths signed a certificate.
func signedByAny(s *derived.Scene, cert *x509.Certificate, issuers []string) (bool, error) {
	var errs []error
	for _, path := range issuers {
		issuer, err := certificateAt(s, path)
		if err == nil && signed(s, cert, issuer) {
			return true, nil
		}
		errs = append(errs, err)
	}
	return false, errs[0]
}

// remains says for what a CA remains whose place another one took.
func remains(s *derived.Scene, name string, want Certificate) *string {
	if want.Overlap == nil || want.Issuer != nil {
		return nil
	}
	rest := overlap.Of(s, name, *want.Overlap)
	if rest.Over() || !rest.Known {
		return nil
	}
	text := fmt.Sprintf("for the %d certificates that it signed and that are good, the last until %s: who has one comes in as before, each new one is of the CA that took its place, and it ends by itself when none is left", rest.Good, rest.Last.Local().Format(time.DateOnly))
	if rest.Good == 1 {
		text = fmt.Sprintf("for the one certificate that it signed and that is good, until %s: who has it comes in as before, and it ends by itself then", rest.Last.Local().Format(time.DateOnly))
	}
	return &text
}

// recorded says whether the ledger, where there is one, knows the certificate.
func recorded(s *derived.Scene, cert *x509.Certificate, want Certificate) (bool, error) {
	if want.Issuer == nil || want.Ledger == nil {
		return true, nil
	}
	l, err := ledgerAt(s, *want.Ledger)
	return err == nil && l.holds(policy.SerialOf(cert.SerialNumber)), err
}

// fresh says whether a certificate is not yet to be renewed.
func fresh(s *derived.Scene, cert *x509.Certificate, want Certificate) bool {
	if want.Overlap != nil {
		return true // another one took its place
	}
	return begun(s, cert.NotBefore) && s.Now.Before(freshUntil(s, cert, want))
}

// freshUntil returns when a certificate is to be renewed. One that lasts as long
// as its issuer can't be had for longer, so not before its end.
func freshUntil(s *derived.Scene, cert *x509.Certificate, want Certificate) time.Time {
	if want.Issuer != nil {
		if issuer, err := certificateAt(s, *want.Issuer); err == nil && !cert.NotAfter.Before(issuer.NotAfter) {
			return cert.NotAfter.UTC()
		}
	}
	window := cert.NotAfter.Sub(cert.NotBefore) / 3
	if want.RenewBefore != nil {
		window = time.Duration(*want.RenewBefore)
	}
	return cert.NotAfter.Add(-window).UTC()
}

// buildCertificate issues a certificate; one that only the ledger lacks is
// entered there and stays.
func buildCertificate(s *derived.Scene, _ string, data []byte, want Certificate) (derived.Product, error) {
	stands, err := policy.ParseCertificate(data)
	if want.outside() {
		return buildOutside(s, stands, want)
	}
	if err == nil && want.Ledger != nil && good(s, stands, want) {
		return derived.Product{First: []atomic.File{entryFile(*want.Ledger, stands)}, Data: data}, nil
	}
	cert, err := issue(s, want)
	if err != nil {
		return derived.Product{}, err
	}
	p := derived.Product{Data: encodeCertificate(cert)}
	if want.Issuer != nil && want.Ledger != nil {
		// First, so that a kill can't leave a certificate that the CA doesn't
		// know of and so could never revoke.
		p.First = []atomic.File{entryFile(*want.Ledger, cert)}
	}
	return p, nil
}

func encodeCertificate(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: policy.PEMCertificate, Bytes: cert.Raw})
}

// good says whether the certificate is all that the wish asks for, apart from
// its place in the ledger.
func good(s *derived.Scene, cert *x509.Certificate, want Certificate) bool {
	suits, err := suits(s, cert, want)
	if err != nil || !suits || !fresh(s, cert, want) {
		return false
	}
	if want.outside() {
		return accepted(cert, want)
	}
	return policy.UsageOf(cert) == resource.Or(want.Usage, policy.UsageServer) && policy.SubjectOf(cert) == *want.Subject &&
		(want.DNSNames == nil || resource.Equal(&Certificate{DNSNames: policy.SortedNames(want.DNSNames)}, &Certificate{DNSNames: policy.SortedNames(cert.DNSNames)})) &&
		(want.Domains == nil || slices.Equal(policy.SortedNames(want.Domains), policy.SortedNames(cert.PermittedDNSDomains))) &&
		(want.IPAddresses == nil || resource.Equal(&Certificate{IPAddresses: policy.SortedAddresses(want.IPAddresses)}, &Certificate{IPAddresses: policy.AddressesOf(cert)}))
}

// issue signs a new certificate.
func issue(s *derived.Scene, want Certificate) (*x509.Certificate, error) {
	held, err := ownerOf(s, want)
	if err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(held.public)
	if err != nil {
		return nil, fmt.Errorf("reading its key: %w", err)
	}
	t, err := template(want, public, s.Now)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = policy.NewSerial(s.Rand); err != nil {
		return nil, err
	}
	parent, signer, err := signing(s, t, want)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(s.Rand, t, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	if want.Issuer != nil { // else it is not known by the bytes of its issuer yet
		s.Memo.Of(whoSigned, func() (string, bool) { return "", true }, der, parent.Raw) // CreateCertificate has checked it
	}
	return x509.ParseCertificate(der)
}

// signing returns who signs a new certificate, which ends no later than that.
func signing(s *derived.Scene, t *x509.Certificate, want Certificate) (*x509.Certificate, crypto.Signer, error) {
	switch {
	case want.Issuer == nil && want.Key == nil:
		return nil, nil, errors.New("it signs itself, and its key is not here; give issuer and issuer_key")
	case want.Issuer == nil:
		key, err := keyAt(s, *want.Key)
		return t, key, err
	}
	parent, signer, err := authority(s, *want.Issuer, *want.IssuerKey, want.IssuerPEM)
	if err != nil {
		return nil, nil, err
	}
	if t.NotAfter.After(parent.NotAfter) {
		t.NotAfter = parent.NotAfter
	}
	t.AuthorityKeyId = parent.SubjectKeyId // which crypto/x509 leaves out where both have one name
	return parent, signer, nil
}

// ownerOf tells of the key of a certificate: of one that is here, or of one that
// somebody else has, as the request says.
func ownerOf(s *derived.Scene, want Certificate) (heldKey, error) {
	if want.Key != nil {
		held, err := heldAt(s, *want.Key)
		if err != nil {
			err = fmt.Errorf("reading its key %s: %w", *want.Key, err)
		}
		return held, err
	}
	if want.Request == nil {
		return heldKey{}, errors.New("it has neither key nor request")
	}
	data, err := s.Follow(*want.Request)
	if err != nil {
		return heldKey{}, fmt.Errorf("reading the request for it: %w", err)
	}
	r, err := policy.ParseRequest(data)
	if err != nil {
		return heldKey{}, fmt.Errorf("reading the request %s: %w", *want.Request, err)
	}
	return heldKey{algorithm: policy.AlgorithmOf(r.PublicKey), public: r.RawSubjectPublicKeyInfo}, policy.Strong(r.PublicKey)
}

// issuerAt returns a CA that signs certificates, here or elsewhere.
func issuerAt(s *derived.Scene, path string) (*x509.Certificate, error) {
	ca, err := certificateAt(s, path)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of the CA %s: %w; bring it back from a backup", path, unwrapped(err))
	}
	if early(s, ca.NotBefore) != nil {
		return nil, fmt.Errorf("the clock of this host says %s, before the CA %s began on %s, and what is signed now would be void; set the clock, as timedatectl set-time does", s.Now.Format(time.DateTime), path, ca.NotBefore.UTC().Format(time.DateTime))
	}
	if s.Now.After(ca.NotAfter) {
		return nil, fmt.Errorf("the CA %s ran out on %s; renew it first", path, ca.NotAfter.UTC().Format(time.DateOnly))
	}
	if !ca.IsCA || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, fmt.Errorf("%s is not the certificate of a CA; name one that is", path)
	}
	return ca, nil
}

// authority returns a CA that can sign now.
func authority(s *derived.Scene, path, keyPath string, loan *resource.Secret) (*x509.Certificate, crypto.Signer, error) {
	ca, err := issuerAt(s, path)
	if err != nil {
		return nil, nil, err
	}
	key, err := lent(s, keyPath, loan)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of the CA %s: %w; bring it back for as long as something is to be signed", keyPath, unwrapped(err))
	}
	if !policy.SamePublic(key.Public(), ca.PublicKey) {
		return nil, nil, fmt.Errorf("the key %s does not belong to the CA %s; bring back the one that does", keyPath, path)
	}
	return ca, key, nil
}

// lent returns the key of a CA that was given for this apply, or the one at a path.
func lent(s *derived.Scene, path string, loan *resource.Secret) (crypto.Signer, error) {
	if loan == nil {
		return keyAt(s, path)
	}
	return policy.ParseSigner([]byte(loan.Reveal()))
}

// Check refuses to replace the certificate of a CA by one of another key, which
// would void all that it signed.
func (v *certificates) Check(_ context.Context, name string, want Certificate) error {
	if want.PEM != nil || want.Usage == nil || *want.Usage != policy.UsageCA {
		return nil
	}
	ca, err := standing(v.Host, name)
	if err != nil || ca == nil {
		return err
	}
	data, err := v.Follow(*want.Key)
	if errors.Is(err, fs.ErrNotExist) && yes(want.Away) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the key of the CA that stands there: %w%s", err, invalidatesCA)
	}
	key, err := policy.ParseSigner(data)
	if err != nil {
		return fmt.Errorf("reading the key %s of the CA that stands there: %w%s", *want.Key, err, invalidatesCA)
	}
	if !policy.SamePublic(key.Public(), ca.PublicKey) {
		return fmt.Errorf("the CA that stands there does not belong to the key %s%s", *want.Key, invalidatesCA)
	}
	return nil
}

// Bearer returns whose certificate it is.
func (c *Certificate) Bearer() resource.Bearing {
	return resource.Bearing{
		Name:   resource.Or(c.Subject, policy.Subject{}).CommonName,
		Person: resource.Or(c.Usage, "") == policy.UsageClient,
		Key:    resource.Or(c.Key, ""),
	}
}

// unwrapped leaves out the path of an error that names it already.
func unwrapped(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

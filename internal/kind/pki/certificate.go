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
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// DefaultValidity is how long a certificate is good for unless its wish says
// otherwise. It is what easy-rsa gives.
const DefaultValidity = 825 * resource.Day

// MinValidity and MaxValidity bound how long a certificate, a CA or a list may
// be good for. Less is used up by differing clocks.
const (
	MinValidity = 4 * resource.Duration(backdate)
	MaxValidity = 36500 * resource.Day
)

// certificates are the verbs of certificates.
type certificates struct{ verbs[Certificate] }

func newCertificates(h Host) *certificates {
	return &certificates{verbs[Certificate]{Host: h, nature: nature[Certificate]{
		access:    func(c *Certificate) access { return access{&c.Mode, &c.Owner, &c.Group} },
		kept:      func(c *Certificate) *string { return c.PEM },
		read:      readCertificate,
		build:     buildCertificate,
		settle:    settleCertificate,
		waive:     func(c *Certificate) { c.Fresh, c.Current, c.Recorded = nil, nil, nil },
		madeFrom:  func(c *Certificate) []string { return given(c.Key, c.IssuerKey) },
		sourcesOf: func(_ string, c *Certificate) []string { return given(c.Key, c.Issuer, inside(c.Ledger)) },
		ages:      true,
	}}}
}

func settleCertificate(s *scene, name string, c *Certificate) error {
	c.Fresh, c.Current, c.Recorded = resource.Ptr(true), resource.Ptr(true), resource.Ptr(true)
	if c.DNSNames != nil {
		c.DNSNames = sortedNames(c.DNSNames)
	}
	if c.IPAddresses != nil {
		c.IPAddresses = sortedAddresses(c.IPAddresses)
	}
	if yes(c.External) {
		return s.issuable(name, *c)
	}
	return s.named(name, *c)
}

// invalidatesCA is the way out where a CA that stands can't become the wished one.
const invalidatesCA = "; remove it to begin a new CA, which cuts off everyone who has a certificate of the old one"

// named refuses another name for a CA that stands.
func (s *scene) named(name string, want Certificate) error {
	if resource.Or(want.Usage, usageServer) != usageCA || want.Subject == nil {
		return nil
	}
	ca, err := s.standing(name)
	if err != nil || ca == nil {
		return err
	}
	if is := subjectOf(ca); is != *want.Subject {
		return fmt.Errorf("the CA that stands there is named %q, and under another name all that it signed would be void%s", is, invalidatesCA)
	}
	return nil
}

// issuable refuses a certificate that has to be made and that its issuer, which
// nobody makes, can't sign.
func (s *scene) issuable(name string, want Certificate) error {
	if data, _, err := s.read(name); err == nil {
		if cert, err := parseCertificate(data); err == nil && s.good(cert, want) {
			return nil
		}
	}
	_, _, err := s.authority(*want.Issuer, *want.IssuerKey)
	return err
}

// readCertificate tells what a file holds. One that holds no certificate is an
// observation too, so that taking it over keeps its bytes.
func readCertificate(s *scene, _ string, data []byte, want Certificate) (*Certificate, error) {
	got := &Certificate{
		Key: want.Key, Issuer: want.Issuer, IssuerKey: want.IssuerKey, Ledger: want.Ledger,
		Validity: want.Validity, RenewBefore: want.RenewBefore, External: want.External,
		PEM: resource.Ptr(string(data)),
	}
	cert, err := parseCertificate(data)
	if err != nil {
		got.Usage, got.Subject = resource.Ptr("unreadable"), new(Subject)
		got.DNSNames, got.IPAddresses = []string{}, []netip.Addr{}
		got.Fresh, got.Current, got.Recorded = resource.Ptr(false), resource.Ptr(false), resource.Ptr(false)
		got.NotAfter, got.Serial = resource.Ptr(""), resource.Ptr("")
		return got, nil
	}
	suits, err := s.suits(cert, want)
	if err != nil {
		return nil, err
	}
	known, err := s.recorded(cert, want)
	if err != nil {
		return nil, err
	}
	got.Usage, got.Subject = resource.Ptr(usageOf(cert)), resource.Ptr(subjectOf(cert))
	got.DNSNames, got.IPAddresses = sortedNames(cert.DNSNames), addressesOf(cert)
	got.Fresh, got.Current, got.Recorded = resource.Ptr(s.fresh(cert, want)), resource.Ptr(suits), resource.Ptr(known)
	got.Clock = s.earlier(cert.NotBefore, want.Issuer)
	got.FreshUntil = resource.Ptr(s.freshUntil(cert, want))
	got.NotAfter = resource.Ptr(cert.NotAfter.UTC().Format(time.RFC3339))
	got.Serial = resource.Ptr(serialOf(cert.SerialNumber))
	return got, nil
}

// suits says whether a certificate belongs to its key, comes from its issuer
// and is not revoked.
func (s *scene) suits(cert *x509.Certificate, want Certificate) (bool, error) {
	if want.Key == nil {
		return false, nil
	}
	key, err := s.key(*want.Key)
	if err != nil || !samePublic(key.Public(), cert.PublicKey) {
		return false, missing(err)
	}
	if want.Issuer == nil {
		return signedBy(cert, cert) == nil, nil
	}
	issuer, err := s.issuer(*want.Issuer)
	if err != nil || signedBy(cert, issuer) != nil {
		return false, missing(err)
	}
	if want.Ledger == nil {
		return true, nil
	}
	l, err := s.ledger(*want.Ledger)
	return err == nil && !l.revoked(serialOf(cert.SerialNumber)), err
}

// missing passes on what hinders a look; that a file is not there, or holds
// something else, is an answer and no hindrance.
func missing(err error) error {
	var hindrance *fs.PathError
	if errors.As(err, &hindrance) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// recorded says whether the ledger, where there is one, knows the certificate.
func (s *scene) recorded(cert *x509.Certificate, want Certificate) (bool, error) {
	if want.Issuer == nil || want.Ledger == nil {
		return true, nil
	}
	l, err := s.ledger(*want.Ledger)
	return err == nil && l.holds(serialOf(cert.SerialNumber)), err
}

// fresh says whether a certificate is not yet to be renewed.
func (s *scene) fresh(cert *x509.Certificate, want Certificate) bool {
	return s.begun(cert.NotBefore) && s.now.Before(s.freshUntil(cert, want))
}

// freshUntil returns when a certificate is to be renewed. One that lasts as long
// as its issuer can't be had for longer, so not before its end.
func (s *scene) freshUntil(cert *x509.Certificate, want Certificate) time.Time {
	if want.Issuer != nil {
		if issuer, err := s.issuer(*want.Issuer); err == nil && !cert.NotAfter.Before(issuer.NotAfter) {
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
func buildCertificate(s *scene, _ string, data []byte, want Certificate) (product, error) {
	if cert, err := parseCertificate(data); err == nil && want.Ledger != nil && s.good(cert, want) {
		return product{first: []atomic.File{entryFile(*want.Ledger, cert)}, data: data}, nil
	}
	cert, err := s.issue(want)
	if err != nil {
		return product{}, err
	}
	p := product{data: encodeCertificate(cert)}
	if want.Issuer != nil && want.Ledger != nil {
		// First, so that a kill can't leave a certificate that the CA doesn't
		// know of and so could never revoke.
		p.first = []atomic.File{entryFile(*want.Ledger, cert)}
	}
	return p, nil
}

func encodeCertificate(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: cert.Raw})
}

// good says whether the certificate is all that the wish asks for, apart from
// its place in the ledger.
func (s *scene) good(cert *x509.Certificate, want Certificate) bool {
	suits, err := s.suits(cert, want)
	if err != nil || !suits || !s.fresh(cert, want) {
		return false
	}
	return usageOf(cert) == resource.Or(want.Usage, usageServer) && subjectOf(cert) == *want.Subject &&
		(want.DNSNames == nil || resource.Equal(&Certificate{DNSNames: sortedNames(want.DNSNames)}, &Certificate{DNSNames: sortedNames(cert.DNSNames)})) &&
		(want.IPAddresses == nil || resource.Equal(&Certificate{IPAddresses: sortedAddresses(want.IPAddresses)}, &Certificate{IPAddresses: addressesOf(cert)}))
}

// issue signs a new certificate.
func (s *scene) issue(want Certificate) (*x509.Certificate, error) {
	key, err := s.key(*want.Key)
	if err != nil {
		return nil, fmt.Errorf("reading its key %s: %w", *want.Key, err)
	}
	t, err := template(want, key.Public(), s.now)
	if err != nil {
		return nil, err
	}
	if t.SerialNumber, err = newSerial(s.Rand); err != nil {
		return nil, err
	}
	parent, signer := t, key
	if want.Issuer != nil {
		if parent, signer, err = s.authority(*want.Issuer, *want.IssuerKey); err != nil {
			return nil, err
		}
		if t.NotAfter.After(parent.NotAfter) {
			t.NotAfter = parent.NotAfter
		}
	}
	der, err := x509.CreateCertificate(s.Rand, t, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	return x509.ParseCertificate(der)
}

// authority returns a CA that can sign now.
func (s *scene) authority(path, keyPath string) (*x509.Certificate, crypto.Signer, error) {
	ca, err := s.issuer(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate of the CA %s: %w; bring it back from a backup", path, unwrapped(err))
	}
	if s.early(ca.NotBefore) != nil {
		return nil, nil, fmt.Errorf("the clock of this host says %s, before the CA %s began on %s, and what is signed now would be void; set the clock, as timedatectl set-time does", s.now.Format(time.DateTime), path, ca.NotBefore.UTC().Format(time.DateTime))
	}
	if s.now.After(ca.NotAfter) {
		return nil, nil, fmt.Errorf("the CA %s ran out on %s; renew it first", path, ca.NotAfter.UTC().Format(time.DateOnly))
	}
	if !ca.IsCA || ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		return nil, nil, fmt.Errorf("%s is not the certificate of a CA; name one that is", path)
	}
	key, err := s.key(keyPath)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of the CA %s: %w; bring it back for as long as something is to be signed", keyPath, unwrapped(err))
	}
	if !samePublic(key.Public(), ca.PublicKey) {
		return nil, nil, fmt.Errorf("the key %s does not belong to the CA %s; bring back the one that does", keyPath, path)
	}
	return ca, key, nil
}

// unwrapped leaves out the path of an error that names it already.
func unwrapped(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// Check refuses to replace the certificate of a CA by one of another key, which
// would void all that it signed.
func (v *certificates) Check(_ context.Context, name string, want Certificate) error {
	if want.PEM != nil || want.Usage == nil || *want.Usage != usageCA {
		return nil
	}
	ca, err := v.standing(name)
	if err != nil || ca == nil {
		return err
	}
	data, err := v.follow(*want.Key)
	if err != nil {
		return fmt.Errorf("reading the key of the CA that stands there: %w%s", err, invalidatesCA)
	}
	key, err := parseSigner(data)
	if err != nil {
		return fmt.Errorf("reading the key %s of the CA that stands there: %w%s", *want.Key, err, invalidatesCA)
	}
	if !samePublic(key.Public(), ca.PublicKey) {
		return fmt.Errorf("the CA that stands there does not belong to the key %s%s", *want.Key, invalidatesCA)
	}
	return nil
}

// Bearer returns whose certificate it is.
func (c *Certificate) Bearer() resource.Bearing {
	return resource.Bearing{
		Name:   resource.Or(c.Subject, Subject{}).CommonName,
		Person: resource.Or(c.Usage, "") == usageClient,
		Key:    resource.Or(c.Key, ""),
	}
}

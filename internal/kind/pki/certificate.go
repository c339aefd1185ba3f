package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"time"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/likeness"
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
		Voids: func(got, want *Certificate) string {
			if got == nil && yes(want.Another) || got != nil && yes(got.Another) {
				return assembled.CABefore
			}
			return ""
		},
		Memory: rememberedCertificate(),
	}}}
}

func settleCertificate(s *derived.Scene, name string, c *Certificate) error {
	c.Fresh, c.Current, c.Recorded = resource.Ptr(true), resource.Ptr(true), resource.Ptr(true)
	if yes(c.External) && c.Issuer != nil && c.Ledger != nil {
		c.Another = overlap.Lost(s, name, *c.Issuer, *c.Ledger)
	}
	if c.DNSNames != nil {
		c.DNSNames = policy.SortedNames(c.DNSNames)
	}
	if c.IPAddresses != nil {
		c.IPAddresses = policy.SortedAddresses(c.IPAddresses)
	}
	if c.Domains != nil {
		c.Domains = policy.SortedNames(c.Domains)
	}
	if err := errors.Join(named(s, name, *c), mayStand(s, *c)); err != nil || !yes(c.External) {
		return err
	}
	return issuable(s, name, *c)
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
	if err := below(s, name, ca, want); err != nil || want.outside() { // which may put more into the name
		return err
	}
	if is := policy.SubjectOf(ca); is != *want.Subject {
		return fmt.Errorf("the CA that stands there is named %q, and under another name all that it signed would be void%s", is, invalidatesCA)
	}
	return nil
}

// below refuses to go on with a CA that the one above it has revoked.
func below(s *derived.Scene, name string, ca *x509.Certificate, want Certificate) error {
	if want.Issuer == nil || want.Ledger == nil || want.PEM != nil {
		return nil
	}
	l, err := ledgerAt(s, *want.Ledger)
	if err != nil || !l.revoked(policy.SerialOf(ca.SerialNumber)) {
		return derived.Missing(err)
	}
	return fmt.Errorf("the CA above it, %s, has revoked the certificate that stands there, and with it all that this CA signed; take %s and its key %s away to begin a new CA, which gives everyone a new certificate, or drop its block", *want.Issuer, name, resource.Or(want.Key, ""))
}

// mayStand refuses a CA below one that may have none, or that has the same name: readers
// could not tell the two, nor their lists. A chain that ends at no root they do not take.
func mayStand(s *derived.Scene, want Certificate) error {
	if resource.Or(want.Usage, policy.UsageServer) != policy.UsageCA || want.Issuer == nil || want.Overlap != nil {
		return nil
	}
	above, err := certificateAt(s, *want.Issuer)
	if err != nil {
		return nil // it is made first, or told of by who needs it
	}
	if most := policy.PathLength(above); most != policy.Unlimited && most <= resource.Or(want.PathLength, 0) {
		return fmt.Errorf("the CA %s has the path length %d, so that readers refuse a CA below it; renew it with path_length = %d, or have whoever made it do that", *want.Issuer, most, resource.Or(want.PathLength, 0)+1)
	}
	if policy.SubjectOf(above) == *want.Subject {
		return fmt.Errorf("the CA %s above it has the same name, %q; choose another subject", *want.Issuer, *want.Subject)
	}
	if yes(want.Topmost) && !bytes.Equal(above.RawIssuer, above.RawSubject) {
		return fmt.Errorf("the CA %s above it is no root but stands below another one, %q, and readers want a chain to end at a root; write a pki block with ca_certificate for that one, and name it as parent in the block of this", *want.Issuer, above.Issuer)
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
	if keyAway(s.Host, *want.Issuer, *want.IssuerKey, want.IssuerPEM, want.lender()) != "" {
		return nil
	}
	_, _, err := authority(s, *want.Issuer, *want.IssuerKey, want.IssuerPEM)
	return err
}

// readCertificate tells what a file holds. One that holds no certificate is an
// observation too, so that taking it over keeps its bytes.
func readCertificate(s *derived.Scene, name string, data []byte, want Certificate) (*Certificate, error) {
	cert, err := policy.ParseCertificate(data)
	if err != nil {
		got := bare(want)
		got.Usage, got.Subject = resource.Ptr("unreadable"), new(policy.Subject)
		got.DNSNames, got.Domains, got.IPAddresses, got.PathLength = []string{}, []string{}, []netip.Addr{}, new(int)
		got.Fresh, got.Current, got.Recorded = resource.Ptr(false), resource.Ptr(false), resource.Ptr(false)
		got.NotAfter, got.Serial = resource.Ptr(""), resource.Ptr("")
		got.PEM = resource.Ptr(string(data))
		return got, nil
	}
	got, err := tellCertificate(s, name, likeness.Of(cert), want)
	if err == nil {
		got.PEM = resource.Ptr(string(data))
	}
	return got, err
}

// bare is an observation of which no more is known than what was wished.
func bare(want Certificate) *Certificate {
	return &Certificate{
		Key: want.Key, Request: want.Request, Issuer: want.Issuer, IssuerKey: want.IssuerKey, Ledger: want.Ledger,
		Former: want.Former, Void: want.Void, Overlap: want.Overlap,
		Validity: want.Validity, RenewBefore: want.RenewBefore, External: want.External, Away: want.Away, KeyAway: want.KeyAway, Topmost: want.Topmost, Succeeds: want.Succeeds,
	}
}

// tellCertificate tells of a certificate all but its bytes.
func tellCertificate(s *derived.Scene, name string, cert *likeness.Likeness, want Certificate) (*Certificate, error) {
	suits, err := suits(s, cert, want)
	if err != nil {
		return nil, err
	}
	known, err := recorded(s, cert, want)
	if err != nil {
		return nil, err
	}
	if suits && want.outside() && brought(s, cert.Itself, want) != nil {
		suits = false
	}
	got := bare(want)
	got.Remains = remains(s, name, want)
	got.Usage, got.Subject = &cert.Usage, &cert.Subject
	got.DNSNames, got.IPAddresses, got.Domains, got.PathLength = cert.DNSNames, cert.Addresses, cert.Domains, &cert.PathLength
	if want.outside() && accepted(cert.Itself, want) {
		got.Usage, got.Subject = resource.Ptr(resource.Or(want.Usage, policy.UsageServer)), want.Subject
		got.DNSNames = policy.SortedNames(want.DNSNames)
		if want.PathLength != nil {
			got.PathLength = want.PathLength
		}
	}
	got.Fresh, got.Current, got.Recorded = resource.Ptr(fresh(s, cert, want)), resource.Ptr(suits), resource.Ptr(known)
	if !suits && yes(want.External) && want.Issuer != nil && want.Ledger != nil {
		got.Another = resource.Ptr(overlap.Exchanged(s, *want.Issuer, *want.Ledger))
	}
	got.Clock = earlier(s, cert.NotBefore, want.Issuer)
	got.FreshUntil = resource.Ptr(freshUntil(s, cert, want))
	got.NotAfter = resource.Ptr(cert.NotAfter.UTC().Format(time.RFC3339))
	got.Serial = &cert.Serial
	return got, nil
}

// rememberedCertificate is how a certificate is told that has not changed since it was
// read: one that a CA signed that is here. Whatever else stands there is read each time.
func rememberedCertificate() *derived.Memory[Certificate] {
	return &derived.Memory[Certificate]{
		Question: likeness.Question,
		Essence: func(s *derived.Scene, data []byte, want Certificate) (string, bool) {
			cert, err := policy.ParseCertificate(data)
			if err != nil || !want.remembered() {
				return "", false
			}
			is := likeness.Of(cert)
			issuer := signerOf(s, is, want)
			if issuer == nil {
				return "", false
			}
			is.Signer = likeness.Mark(issuer)
			return is.Text(), true
		},
		Tell: func(s *derived.Scene, name, essence string, want Certificate) (*Certificate, error) {
			cert, ok := likeness.Read(essence)
			if !ok || !want.remembered() || signerOf(s, cert, want) == nil {
				return nil, nil
			}
			return tellCertificate(s, name, cert, want)
		},
		Sure: func(want *Certificate) bool {
			return want.remembered() && want.Overlap == nil && !yes(want.External) && !yes(want.KeyAway) &&
				resource.Or(want.Usage, policy.UsageServer) != policy.UsageCA
		},
		Lasts: func(got *Certificate, now time.Time) bool {
			return got.Clock == nil && yes(got.Fresh) && got.FreshUntil != nil && now.Before(*got.FreshUntil)
		},
		Bytes: func(got *Certificate, data []byte) { got.PEM = resource.Ptr(string(data)) },
		Drop: func(s *derived.Scene, data []byte, want Certificate) {
			if cert, err := policy.ParseCertificate(data); err == nil {
				if issuer := signerOf(s, likeness.Of(cert), want); issuer != nil {
					s.Memo.Forget(whoSigned, cert.Raw, issuer.Raw)
				}
			}
		},
	}
}

// remembered says whether the wish is about a certificate that can be remembered.
func (c *Certificate) remembered() bool { return c.Issuer != nil && !c.outside() }

// signerOf returns the CA of a wish that signed a certificate, nil where none did.
func signerOf(s *derived.Scene, cert *likeness.Likeness, want Certificate) *x509.Certificate {
	issuer, _ := signerAmong(s, cert, append([]string{*want.Issuer}, want.Former...))
	return issuer
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
	if errors.Is(err, fs.ErrNotExist) && (yes(want.Away) && want.Issuer == nil || yes(want.KeyAway)) {
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

		Generation: resource.Or(c.Generation, 0),
		Former:     c.Overlap != nil && c.Generation != nil && c.Link == nil,
		Link:       resource.Or(c.Link, false),
	}
}

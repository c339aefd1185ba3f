package pki

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// What a CA signs that is elsewhere, or whose key comes for an apply only, is brought
// by a person. Certificates of an outside CA stand in the ledger as soon as they were
// checked, and so does its list; from there they are put in place.

// outside says whether the certificate is signed by a CA whose key never comes here.
func (c *Certificate) outside() bool { return c.Issuer != nil && c.IssuerKey == nil }

// outside says whether the list is signed by a CA whose key never comes here.
func (c *CRL) outside() bool { return c.Issuer != nil && c.IssuerKey == nil }

// signedKeys is what is read once in a scene: what a ledger holds, by key.
type signedKeys string

func keyDigest(cert *x509.Certificate) [sha256.Size]byte {
	return sha256.Sum256(cert.RawSubjectPublicKeyInfo)
}

// brought returns the certificate of a ledger that is to stand in the place of
// another, nil for none: it is all that the wish asks for, and the last of these.
func brought(s *derived.Scene, stands *x509.Certificate, want Certificate) *x509.Certificate {
	held, err := ownerOf(s, want)
	if err != nil || want.Ledger == nil {
		return nil
	}
	all := derived.Once(s, signedKeys(*want.Ledger), func() map[[sha256.Size]byte][]*x509.Certificate {
		return byKey(s.Host, *want.Ledger)
	})
	var best *x509.Certificate
	for _, cert := range all[sha256.Sum256(held.public)] {
		if good(s, cert, want) && (best == nil || later(cert, best)) {
			best = cert
		}
	}
	if best != nil && stands != nil && good(s, stands, want) && !later(best, stands) {
		return nil
	}
	return best
}

// later says which of two certificates was made after the other.
func later(a, b *x509.Certificate) bool {
	return cmp.Or(a.NotBefore.Compare(b.NotBefore), a.NotAfter.Compare(b.NotAfter)) > 0
}

// byKey reads a ledger. What can't be read there is told by the list, which needs it.
func byKey(h derived.Host, dir string) map[[sha256.Size]byte][]*x509.Certificate {
	all := make(map[[sha256.Size]byte][]*x509.Certificate)
	entries, err := Issued(h, dir)
	if err != nil {
		return all
	}
	resource.Sort(entries, func(a, b Entry) int { return cmp.Compare(a.Serial, b.Serial) })
	for _, e := range entries {
		if !e.Revoked {
			all[keyDigest(e.Certificate)] = append(all[keyDigest(e.Certificate)], e.Certificate)
		}
	}
	return all
}

// listName is the file of a ledger that holds the last list of an outside CA.
const listName = "crl.pem"

// broughtList returns the list of an outside CA that is to stand in the place of
// another, nil for none.
func broughtList(s *derived.Scene, stands *x509.RevocationList, want CRL) (*x509.RevocationList, []byte) {
	ca, err := certificateAt(s, *want.Issuer)
	if err != nil {
		return nil, nil
	}
	data, err := atomic.ReadFile(s.Root, path.Join(*want.Ledger, listName), derived.MaxFile)
	if err != nil {
		return nil, nil
	}
	list, err := parseCRL(data)
	if err != nil || !signedList(list, ca) || !s.Now.Before(list.NextUpdate) || stands != nil && !laterList(list, stands) {
		return nil, nil
	}
	return list, data
}

// laterList says which of two lists of a CA was made after the other: numbers grow
// from list to list, and a list without one has but its time.
func laterList(a, b *x509.RevocationList) bool {
	if a.Number != nil && b.Number != nil {
		return a.Number.Cmp(b.Number) > 0
	}
	return a.ThisUpdate.After(b.ThisUpdate)
}

// Ways to bring what is missing.
const (
	bringSignature = "a signature of its CA: vpnd pki export --csr writes what to sign, and vpnd pki sign --import FILE takes what comes back"
	bringList      = "a list of its CA: vpnd pki sign --import FILE takes it"
)

// The attributes of a pki block that lend the key of a CA for one apply: its own, and that
// of the CA above.
const (
	lendsKey   = "ca_key_pem"
	lendsAbove = "parent_key_pem"
)

// lender is the attribute that lends the key of who signs. That of a CA that vpnd made is
// lent to those below it alone; it has no attribute of its own, and neither has that of a
// CA that signs for the one that takes its place.
func (c *Certificate) lender() string {
	if c.Signs() && c.Issuer != nil && c.Ledger != nil {
		return lendsAbove
	}
	return lends(c.External)
}

func lends(external *bool) string {
	if yes(external) {
		return lendsKey
	}
	return ""
}

// keyAway says for which key of a CA something has to wait; empty where it is there, or
// is only now made.
func keyAway(h derived.Host, issuer, key string, loan *resource.Secret, lender string) string {
	if loan != nil {
		return ""
	}
	if _, err := h.Follow(key); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if ca, err := standing(h, issuer); err != nil || ca == nil {
		return ""
	}
	or := ""
	if lender != "" {
		or = ", or run vpnd apply with the credential of " + lender
	}
	return fmt.Sprintf("the key of its CA, %s: put it there%s; it may go again afterwards", key, or)
}

// Awaits says what a certificate waits for, and of a CA that is to take the place of
// another one what becomes of that meanwhile.
func (v *certificates) Awaits(_ context.Context, name string, got, want *Certificate) string {
	lacks := v.lacks(name, got, want)
	if lacks != "" && want.Aside() {
		lacks += fmt.Sprintf("; until then %s signs, and all else goes on", *want.Succeeds)
	}
	return lacks
}

// Aside says whether nobody needs the key, the request or the certificate: they are those
// of a CA that does not sign yet.
func (k *PrivateKey) Aside() bool         { return k.Succeeds != nil }
func (r *CertificateRequest) Aside() bool { return r.Succeeds != nil }
func (c *Certificate) Aside() bool        { return c.Succeeds != nil }

// Aside says whether only those need the list who read it: of a CA elsewhere it comes
// when that has made one, and nothing that asks anything of that CA has to wait for it.
func (c *CRL) Aside() bool { return c.outside() }

// lacks says what a certificate waits for: what its CA signs elsewhere, or the key of
// the CA.
func (v *certificates) lacks(name string, got, want *Certificate) string {
	if want.PEM != nil || got != nil && onlyMeta(got, want) {
		return ""
	}
	if yes(want.KeyAway) {
		if waits := keyAway(v.Host, name, *want.Key, nil, lends(want.External)); waits != "" {
			return waits
		}
	}
	switch away := yes(want.External) || yes(want.Away); {
	case want.Issuer == nil && away:
		return keyAway(v.Host, name, *want.Key, nil, lends(want.External))
	case want.Issuer == nil:
		return ""
	case !want.outside() && away:
		return keyAway(v.Host, *want.Issuer, *want.IssuerKey, want.IssuerPEM, want.lender())
	case !want.outside():
		return ""
	}
	s, err := v.Scene()
	if err != nil {
		return ""
	}
	var stands *x509.Certificate
	if data, _, err := v.Standing(name); err == nil && data != nil {
		stands, _ = policy.ParseCertificate(data)
	}
	if brought(s, stands, *want) != nil || stands != nil && good(s, stands, *want) {
		return ""
	}
	return bringSignature
}

// Awaits says what a list waits for.
func (v *crls) Awaits(_ context.Context, name string, got, want *CRL) string {
	if want.PEM != nil || want.Issuer == nil || got != nil && onlyMeta(got, want) {
		return ""
	}
	if !want.outside() {
		if yes(want.External) || yes(want.Away) {
			return keyAway(v.Host, *want.Issuer, *want.IssuerKey, want.IssuerPEM, lends(want.External))
		}
		return ""
	}
	s, err := v.Scene()
	if err != nil {
		return ""
	}
	if list, _ := broughtList(s, v.stands(s, name, *want), *want); list != nil {
		return ""
	}
	return bringList
}

// stands returns the list that stands, nil where none does that the CA signed.
func (v *crls) stands(s *derived.Scene, name string, want CRL) *x509.RevocationList {
	data, _, err := v.Standing(name)
	if err != nil || data == nil {
		return nil
	}
	ca, err := certificateAt(s, *want.Issuer)
	if err != nil {
		return nil
	}
	list, err := parseCRL(data)
	if err != nil || !signedList(list, ca) {
		return nil
	}
	return list
}

// onlyMeta says whether no more than who may use a file is to change.
func onlyMeta[T any](got, want *T) bool {
	return !slices.ContainsFunc(resource.Compare(got, want), func(d resource.Diff) bool { return !d.Meta || d.Computed })
}

// accepted says whether readers take a certificate of a CA elsewhere for what was
// asked for. What such a CA puts into the name besides, and more host names, are its
// own affair; but a person's may never pass for a server's.
func accepted(cert *x509.Certificate, want Certificate) bool { return unacceptable(cert, want) == nil }

// unacceptable says why readers would not take a certificate for what was asked for.
func unacceptable(cert *x509.Certificate, want Certificate) error {
	usage := resource.Or(want.Usage, policy.UsageServer)
	if usage == policy.UsageCA {
		return noAuthority(cert, want)
	}
	is := policy.UsageOf(cert)
	switch {
	case cert.IsCA, cert.KeyUsage&x509.KeyUsageCertSign != 0:
		return errors.New("it is the certificate of a CA")
	case is != usage && (usage != policy.UsageServer || is != "server and client"):
		return fmt.Errorf("its extended key usage is that of %s, and it is asked for as that of a %s", is, usage)
	case cert.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("it lacks the key usage digitalSignature, without which OpenVPN's peers refuse it")
	case want.Subject != nil && cert.Subject.CommonName != want.Subject.CommonName:
		return fmt.Errorf("its common name is %q, and it was asked for as %q", cert.Subject.CommonName, want.Subject.CommonName)
	}
	has := policy.SortedNames(cert.DNSNames)
	for _, name := range policy.SortedNames(want.DNSNames) {
		if !slices.Contains(has, name) {
			return fmt.Errorf("it lacks the host name %s, which was asked for", name)
		}
	}
	return nil
}

// noAuthority says why readers would not take a certificate for that of the CA that was
// asked for.
func noAuthority(cert *x509.Certificate, want Certificate) error {
	most := policy.PathLength(cert)
	switch {
	case !cert.IsCA || !cert.BasicConstraintsValid:
		return errors.New("it is no certificate of a CA: basicConstraints lacks CA:TRUE")
	case cert.KeyUsage&x509.KeyUsageCertSign == 0, cert.KeyUsage&x509.KeyUsageCRLSign == 0:
		return errors.New("its key usage lacks keyCertSign or cRLSign, and it is to sign certificates and lists")
	case len(cert.SubjectKeyId) == 0:
		return errors.New("it has no subject key identifier, by which readers find it")
	case most != policy.Unlimited && most < resource.Or(want.PathLength, 0):
		return fmt.Errorf("its path length is %d, and %d was asked for", most, *want.PathLength)
	case want.Subject != nil && cert.Subject.CommonName != want.Subject.CommonName:
		return fmt.Errorf("its common name is %q, and it was asked for as %q", cert.Subject.CommonName, want.Subject.CommonName)
	case want.Domains != nil && !slices.Equal(policy.SortedNames(want.Domains), policy.SortedNames(cert.PermittedDNSDomains)):
		return fmt.Errorf("its name constraints permit the domains %s, and %s were asked for", listed(cert.PermittedDNSDomains), listed(want.Domains))
	}
	return nil
}

func listed(names []string) string {
	return cmp.Or(strings.Join(policy.SortedNames(names), ", "), "of everybody")
}

// buildOutside puts a certificate in place that was brought, or enters one in the
// ledger that stands and is good.
func buildOutside(s *derived.Scene, stands *x509.Certificate, want Certificate) (derived.Product, error) {
	cert := brought(s, stands, want)
	if cert == nil && stands != nil && good(s, stands, want) {
		cert = stands
	}
	if cert == nil {
		return derived.Product{}, errors.New("it waits for " + bringSignature)
	}
	p := derived.Product{Data: encodeCertificate(cert)}
	if want.Ledger != nil {
		p.First = []atomic.File{entryFile(*want.Ledger, cert)}
	}
	return p, nil
}

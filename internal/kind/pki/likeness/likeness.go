// Package likeness is what a look has to know of a certificate, in a form that can be
// remembered: of ten thousand that have not changed none is read again.
package likeness

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"net/netip"
	"strconv"
	"time"

	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
)

// A Likeness is what a certificate says of itself.
type Likeness struct {
	Serial    string
	Usage     string
	Subject   policy.Subject
	DNSNames  []string // these three in order, as package policy puts them
	Domains   []string
	Addresses []netip.Addr
	NotBefore time.Time
	NotAfter  time.Time
	Public    []byte // SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7

	PathLength int    // of a CA, see [policy.PathLength]
	Issuer     string // common name of the CA that it says has signed it; empty where it did itself

	Signer string            // which CA is known to have signed it, see [Mark]; empty for none
	Itself *x509.Certificate // nil of one that is only remembered
}

// Of returns the likeness of a certificate of which nobody has found out who signed it.
func Of(cert *x509.Certificate) *Likeness {
	return &Likeness{
		Serial: policy.SerialOf(cert.SerialNumber), Usage: policy.UsageOf(cert), Subject: policy.SubjectOf(cert),
		DNSNames: policy.SortedNames(cert.DNSNames), Domains: policy.SortedNames(cert.PermittedDNSDomains), Addresses: policy.AddressesOf(cert),
		NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, Public: cert.RawSubjectPublicKeyInfo, PathLength: policy.PathLength(cert), Issuer: issuerOf(cert), Itself: cert,
	}
}

func issuerOf(cert *x509.Certificate) string {
	if bytes.Equal(cert.RawIssuer, cert.RawSubject) {
		return ""
	}
	return cert.Issuer.CommonName
}

// Mark is by which the certificate of a CA is known again.
func Mark(ca *x509.Certificate) string {
	sum := sha256.Sum256(ca.Raw)
	return string(sum[:])
}

// Text writes a likeness down.
func (l *Likeness) Text() string {
	addresses := make([]string, len(l.Addresses))
	for i, a := range l.Addresses {
		addresses[i] = a.String()
	}
	s := l.Subject
	return memo.Join(
		l.Serial, l.Usage, s.CommonName, s.Organization, s.OrganizationalUnit, s.Country, s.Province, s.Locality, s.Email,
		memo.Join(l.DNSNames...), memo.Join(l.Domains...), memo.Join(addresses...),
		l.NotBefore.UTC().Format(time.RFC3339), l.NotAfter.UTC().Format(time.RFC3339), string(l.Public), l.Signer, strconv.Itoa(l.PathLength), l.Issuer,
	)
}

// Read reads what Text wrote; it is false of anything else.
func Read(text string) (*Likeness, bool) {
	p, ok := memo.Split(text)
	if !ok || len(p) != 18 {
		return nil, false
	}
	l := &Likeness{Serial: p[0], Usage: p[1], Public: []byte(p[14]), Signer: p[15], Issuer: p[17]}
	l.Subject = policy.Subject{CommonName: p[2], Organization: p[3], OrganizationalUnit: p[4], Country: p[5], Province: p[6], Locality: p[7], Email: p[8]}
	var names, domains, addresses bool
	l.DNSNames, names = memo.Split(p[9])
	l.Domains, domains = memo.Split(p[10])
	l.Addresses, addresses = readAddresses(p[11])
	var from, to, length error
	l.PathLength, length = strconv.Atoi(p[16])
	l.NotBefore, from = time.Parse(time.RFC3339, p[12])
	l.NotAfter, to = time.Parse(time.RFC3339, p[13])
	return l, names && domains && addresses && from == nil && to == nil && length == nil
}

func readAddresses(text string) ([]netip.Addr, bool) {
	texts, ok := memo.Split(text)
	all := make([]netip.Addr, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = netip.ParseAddr(text); err != nil {
			return nil, false
		}
	}
	return all, ok
}

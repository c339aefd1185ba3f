package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"vpnd/internal/resource"
)

// defaultCRLValidity is what easy-rsa gives.
const defaultCRLValidity = 180 * resource.Day

// crls are the verbs of revocation lists.
type crls struct {
	verbs[CRL]
	cache sync.Mutex
	known map[string]entry // by path; an entry of a ledger never changes
}

func newCRLs(h Host) *crls {
	v := &crls{known: make(map[string]entry)}
	v.Host, v.nature = h, nature[CRL]{
		access:    func(c *CRL) access { return access{&c.Mode, &c.Owner, &c.Group} },
		kept:      func(c *CRL) *string { return c.PEM },
		read:      v.readCRL,
		build:     v.buildCRL,
		settle:    v.settleCRL,
		waive:     func(c *CRL) { c.Fresh, c.Current, c.Revoked = nil, nil, nil },
		madeFrom:  func(c *CRL) []string { return given(c.IssuerKey) },
		sourcesOf: func(_ string, c *CRL) []string { return given(c.Issuer, inside(c.Ledger)) },
		ages:      true,
	}
	return v
}

// entry is what a revocation list has to know of a certificate.
type entry struct {
	serial string
	name   string
	until  time.Time
	issuer []byte // distinguished name
	keyID  []byte // of the issuer's key
}

// entries returns what the ledger holds and has not run out.
func (v *crls) entries(s *scene, dir string) ([]entry, *ledger, error) {
	l, err := s.ledger(dir)
	if err != nil {
		return nil, nil, err
	}
	v.cache.Lock()
	defer v.cache.Unlock()
	var all []entry
	for serial := range l.entries {
		e, ok := v.known[dir+"/"+serial]
		if !ok {
			cert, err := v.Host.entry(dir, serial)
			if err != nil {
				return nil, nil, err
			}
			e = entry{serial: serial, name: cert.Subject.CommonName, until: cert.NotAfter, issuer: cert.RawIssuer, keyID: cert.AuthorityKeyId}
			v.known[dir+"/"+serial] = e
		}
		if s.now.Before(e.until) {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.serial, b.serial) })
	return all, l, nil
}

// by says whether this CA signed the certificate. The ledger is the CA's own,
// so that the names agree is proof enough.
func (e entry) by(ca *x509.Certificate) bool {
	return bytes.Equal(e.issuer, ca.RawSubject) && (len(e.keyID) == 0 || bytes.Equal(e.keyID, ca.SubjectKeyId))
}

// members is a set of common names; nil where the wish leaves them out.
type members map[string]bool

func membersOf(want CRL) members {
	if want.Members == nil {
		return nil
	}
	m := make(members, len(want.Members))
	for _, name := range want.Members {
		m[name] = true
	}
	return m
}

// outside says whether there are members and this is none of them.
func (m members) outside(name string) bool { return m != nil && !m[name] }

// outsiders returns, sorted, the names that are no members, have certificates
// that could still be used, and void is true of every one of these.
func outsiders(all []entry, m members, void func(entry) bool) []string {
	gone := make(map[string]bool)
	for _, e := range all {
		if m.outside(e.name) {
			so, seen := gone[e.name]
			gone[e.name] = (so || !seen) && void(e)
		}
	}
	names := []string{}
	for name, so := range gone {
		if so {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// settleCRL foretells whom the list will bar. That needs no more than the
// ledger as it is now: whoever gets a certificate by the same apply is a
// member.
func (v *crls) settleCRL(s *scene, _ string, want *CRL) error {
	all, _, err := v.entries(s, *want.Ledger)
	if err != nil {
		return err
	}
	want.Fresh, want.Current = resource.Ptr(true), resource.Ptr(true)
	want.Revoked = outsiders(all, membersOf(*want), func(entry) bool { return true })
	return nil
}

// list is a revocation list as it stands, against what it shall be.
type list struct {
	old    *x509.RevocationList // nil where none stands that the CA signed
	listed map[string]note      // by serial number
	ca     *x509.Certificate    // nil where there is none
	all    []entry              // what has not run out
	ledger *ledger
	members
}

func (v *crls) compare(s *scene, data []byte, want CRL) (*list, error) {
	if want.Issuer == nil || want.Ledger == nil {
		return &list{}, nil
	}
	st := &list{listed: make(map[string]note), members: membersOf(want)}
	var err error
	if st.all, st.ledger, err = v.entries(s, *want.Ledger); err != nil {
		return nil, err
	}
	if st.ca, err = s.issuer(*want.Issuer); err != nil {
		st.ca = nil
		return st, missing(err)
	}
	old, err := parseCRL(data)
	if err != nil || !bytes.Equal(old.RawIssuer, st.ca.RawSubject) || old.CheckSignatureFrom(st.ca) != nil {
		return st, nil
	}
	st.old = old
	for _, e := range old.RevokedCertificateEntries {
		st.listed[serialOf(e.SerialNumber)] = note{at: e.RevocationTime, reason: Reason(e.ReasonCode)}
	}
	return st, nil
}

// due says whether the list must name this certificate.
func (st *list) due(e entry) bool {
	return st.ca != nil && e.by(st.ca) && (st.ledger.revoked(e.serial) || st.outside(e.name))
}

// noted says whether it must whoever is a member.
func (st *list) noted(e entry) bool { return st.due(e) && st.ledger.revoked(e.serial) }

// void says whether a server that knows this CA and list refuses the
// certificate.
func (st *list) void(e entry) bool {
	_, listed := st.listed[e.serial]
	return listed || st.ca == nil || !e.by(st.ca)
}

// current says whether all is listed that must be, apart from those whose name
// is no member's: that is for the attribute revoked to say. What has run out
// meanwhile may stay until the list is renewed, RFC 5280 section 3.3.
func (st *list) current() bool {
	return st.old != nil && !slices.ContainsFunc(st.all, func(e entry) bool { return st.noted(e) && !st.void(e) })
}

func parseCRL(data []byte) (*x509.RevocationList, error) {
	der, err := decodePEM(data, pemCRL)
	if err != nil {
		return nil, err
	}
	return x509.ParseRevocationList(der)
}

func (v *crls) readCRL(s *scene, _ string, data []byte, want CRL) (*CRL, error) {
	st, err := v.compare(s, data, want)
	if err != nil {
		return nil, err
	}
	fresh := false
	var until *time.Time
	if is, err := parseCRL(data); err == nil {
		half := is.ThisUpdate.Add(is.NextUpdate.Sub(is.ThisUpdate) / 2).UTC()
		fresh, until = !s.now.Before(is.ThisUpdate) && s.now.Before(half), &half
	}
	return &CRL{
		Issuer: want.Issuer, IssuerKey: want.IssuerKey, Ledger: want.Ledger, Members: want.Members, Validity: want.Validity,
		Revoked: outsiders(st.all, st.members, st.void),
		Fresh:   &fresh, FreshUntil: until,
		Current: resource.Ptr(st.current()),
		PEM:     resource.Ptr(string(data)),
	}, nil
}

// buildCRL signs a new list. What it revokes is noted in the ledger first, so
// that it stays revoked when its name comes back, and when the list is lost.
func (v *crls) buildCRL(s *scene, _ string, data []byte, want CRL) (product, error) {
	st, err := v.compare(s, data, want)
	if err != nil {
		return product{}, err
	}
	ca, key, err := s.authority(*want.Issuer, *want.IssuerKey)
	if err != nil {
		return product{}, err
	}
	var p product
	bar := v.surviving(s, st, *want.Ledger)
	for _, e := range st.all {
		if !st.due(e) {
			continue
		}
		if _, ok := bar[e.serial]; !ok {
			bar[e.serial] = note{at: s.now, reason: Ceased}
			if st.ledger.revoked(e.serial) {
				bar[e.serial] = v.Host.note(*want.Ledger, e.serial, s.now)
			}
		}
		if !st.ledger.revoked(e.serial) {
			p.first = append(p.first, noteFile(*want.Ledger, e.serial, bar[e.serial]))
		}
	}
	t := &x509.RevocationList{
		Number:                    number(st.old, s.now),
		ThisUpdate:                s.now.Add(-backdate),
		NextUpdate:                s.now.Add(time.Duration(*or(want.Validity, defaultCRLValidity))),
		RevokedCertificateEntries: rows(bar),
	}
	der, err := x509.CreateRevocationList(s.Rand, t, ca, key)
	if err != nil {
		return product{}, fmt.Errorf("signing the list: %w", err)
	}
	p.data = pem.EncodeToMemory(&pem.Block{Type: pemCRL, Bytes: der})
	return p, nil
}

// surviving returns what the old list bars and is not known to have run out.
func (v *crls) surviving(s *scene, st *list, dir string) map[string]note {
	bar := make(map[string]note)
	v.cache.Lock()
	defer v.cache.Unlock()
	for serial, n := range st.listed {
		if e, ok := v.known[dir+"/"+serial]; !ok || s.now.Before(e.until) {
			bar[serial] = n
		}
	}
	return bar
}

// number grows from list to list, RFC 5280 section 5.2.3. The time in seconds
// is above that of any list made before, also where the last one is lost.
func number(old *x509.RevocationList, now time.Time) *big.Int {
	n := big.NewInt(now.Unix())
	if old != nil && old.Number != nil && old.Number.Cmp(n) >= 0 {
		n.Add(old.Number, big.NewInt(1))
	}
	return n
}

func rows(bar map[string]note) []x509.RevocationListEntry {
	var all []x509.RevocationListEntry
	for serial, n := range bar {
		number, ok := new(big.Int).SetString(serial, 16)
		if !ok {
			continue
		}
		all = append(all, x509.RevocationListEntry{SerialNumber: number, RevocationTime: n.at.UTC(), ReasonCode: int(n.reason)})
	}
	slices.SortFunc(all, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return all
}

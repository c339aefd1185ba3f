package pki

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/overlap"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// defaultCRLValidity is what easy-rsa gives.
const defaultCRLValidity = 180 * resource.Day

// crls are the verbs of revocation lists.
type crls struct {
	derived.Verbs[CRL]
	cache sync.Mutex
	known map[string]map[string]entry // by ledger and serial number; an entry never changes
	rests map[string]rest             // by directory, those that had not changed for a while

	issuer, keyID []byte // of the entry that was read last
}

func newCRLs(h derived.Host) *crls {
	v := &crls{known: make(map[string]map[string]entry), rests: make(map[string]rest)}
	v.Host, v.Nature = h, derived.Nature[CRL]{
		Access: func(c *CRL) derived.Access { return derived.Access{Mode: &c.Mode, Owner: &c.Owner, Group: &c.Group} },
		Kept:   keptCRL,
		Read:   v.readCRL,
		Build:  v.buildCRL,
		Settle: v.settleCRL,
		Waive:  func(c *CRL) { c.Fresh, c.Current, c.Revoked = nil, nil, nil },
		MadeFrom: func(c *CRL) []string {
			if c.IssuerPEM != nil {
				return nil
			}
			return derived.Given(c.IssuerKey)
		},
		SourcesOf: func(_ string, c *CRL) []string {
			return derived.Given(c.Issuer, derived.Inside(c.Ledger), c.Issued, derived.Inside(c.Issued))
		},
		Voids: invalidatesCRL,
		Ages:  true,
	}
	return v
}

// Recall gives a wish back whom the list barred when it was last made, and the
// number of the one to come.
func (v *crls) Recall(want, was CRL) CRL {
	want.Barred, want.Signed, want.Number, want.Authority = was.Barred, was.Signed, was.Number, was.Authority
	if n := numberOf(was); n != nil {
		want.Number = resource.Ptr(n.Add(n, big.NewInt(1)).String())
	} else { // of a version that kept no such record
		want.Number = resource.Ptr("")
	}
	return want
}

// invalidatesCRL says what is void where the list is lost with all that told of it.
func invalidatesCRL(got, want *CRL) string {
	if got == nil && yes(want.Another) || got != nil && yes(got.Another) {
		return assembled.CABefore
	}
	if want.Number == nil || *want.Number != "" {
		return ""
	}
	return "every revocation before"
}

// settleCRL foretells whom the list will bar. That needs no more than what is
// known now: whoever gets a certificate by the same apply is a member.
func (v *crls) settleCRL(s *derived.Scene, name string, want *CRL) error {
	if want.PEM != nil {
		v.Waive(want)
		return nil
	}
	data, _, err := v.Standing(name)
	if err != nil {
		return err
	}
	st, err := v.survey(s, data, *want)
	if err != nil {
		return err
	}
	if err := st.sure(name); err != nil {
		return err
	}
	want.Fresh, want.Current = resource.Ptr(true), resource.Ptr(true)
	want.Revoked = st.outsiders(func(entry) bool { return true })
	want.CutsOff = st.exchanged()
	if yes(want.External) && want.Ledger != nil {
		want.Another = overlap.Lost(s, name, *want.Issuer, *want.Ledger)
	}
	if want.outside() {
		return st.settleOutside(s, want)
	}
	stands := st.complete() && freshList(s, st.old)
	st.remember(want, stands)
	if !yes(want.External) {
		return nil
	}
	if err := st.resolve(*want); err != nil || stands || keyAway(s.Host, *want.Issuer, *want.IssuerKey, want.IssuerPEM, lendsKey) != "" {
		return err
	}
	_, _, err = listAuthority(s, *want)
	return err
}

// settleOutside foretells whom the list of a CA elsewhere will bar: nobody can say
// more of it than what was brought.
func (st *survey) settleOutside(s *derived.Scene, want *CRL) error {
	if _, err := issuerAt(s, *want.Issuer); err != nil {
		return err
	}
	next, _ := broughtList(s, st.old, *want)
	if next != nil {
		st.listed = listedBy(next)
		if !freshList(s, next) {
			want.Fresh = nil // better than the one before, and yet old: the next plan waits for another
		}
	}
	want.Revoked = st.outsiders(st.void)
	st.remember(want, true)
	return nil
}

// listedBy returns what a list bars, by serial number.
func listedBy(list *x509.RevocationList) map[string]note {
	listed := make(map[string]note)
	for _, e := range list.RevokedCertificateEntries {
		listed[policy.SerialOf(e.SerialNumber)] = note{at: e.RevocationTime, reason: Reason(e.ReasonCode)}
	}
	return listed
}

// keptCRL returns the bytes of a list of which nobody says who made it: it stood
// there before vpnd came. Any other never goes back to what it was, see
// [crls.back].
func keptCRL(c *CRL) *string {
	if c.Issuer != nil && c.Ledger != nil {
		return nil
	}
	return c.PEM
}

// back says whether a list comes back by its bytes: where these bar all that must
// be barred by now and no list came after it, and where it is of another CA. All
// who were revoked since would be let in again by any other.
func (st *survey) back(bytes *string) bool {
	if bytes == nil {
		return false
	}
	list, err := parseCRL([]byte(*bytes))
	if err != nil || st.ca == nil || !signedList(list, st.ca) {
		return true
	}
	listed := make(map[string]bool)
	for _, e := range list.RevokedCertificateEntries {
		listed[policy.SerialOf(e.SerialNumber)] = true
	}
	for serial := range st.bar() {
		if !listed[serial] {
			return false
		}
	}
	return list.Number != nil && list.Number.Cmp(st.highest) >= 0
}

func yes(b *bool) bool { return b != nil && *b }

func parseCRL(data []byte) (*x509.RevocationList, error) {
	der, err := policy.DecodePEM(data, policy.PEMCRL)
	if err != nil {
		return nil, err
	}
	return x509.ParseRevocationList(der)
}

// halfLife is when a list is to be renewed.
func halfLife(l *x509.RevocationList) time.Time {
	return l.ThisUpdate.Add(l.NextUpdate.Sub(l.ThisUpdate) / 2).UTC()
}

func freshList(s *derived.Scene, l *x509.RevocationList) bool {
	return l != nil && s.Now.Before(halfLife(l)) && begun(s, l.ThisUpdate)
}

func (v *crls) readCRL(s *derived.Scene, _ string, data []byte, want CRL) (*CRL, error) {
	st, err := v.survey(s, data, want)
	if err != nil {
		return nil, err
	}
	got := want
	got.Lacks, got.CutsOff, got.IssuerPEM, got.Another = nil, cmp.Or(want.CutsOff, st.cutsOff()), nil, nil
	got.Barred, got.Signed, got.Number, got.Authority = nil, nil, nil, nil
	got.Revoked = st.outsiders(st.void)
	got.Fresh, got.Current = resource.Ptr(false), resource.Ptr(st.current())
	got.PEM = resource.Ptr(string(data))
	if want.PEM != nil && !st.back(want.PEM) && st.complete() {
		got.PEM = want.PEM // as near to what it was as may be
	}
	if want.outside() && want.Ledger != nil {
		next, _ := broughtList(s, st.old, want)
		got.Current, got.Lacks = resource.Ptr(st.old != nil && next == nil), st.lacks()
	}
	if !*got.Current && yes(want.External) && want.Ledger != nil {
		got.Another = resource.Ptr(overlap.Exchanged(s, *want.Issuer, *want.Ledger))
	}
	is, err := parseCRL(data)
	if err == nil {
		got.Fresh, got.FreshUntil = resource.Ptr(freshList(s, is)), resource.Ptr(halfLife(is))
		got.Clock = earlier(s, is.ThisUpdate, want.Issuer)
	}
	if yes(want.Overlap) && want.Ledger != nil && err == nil && overlap.Of(s, *want.Issuer, *want.Ledger).Spent() {
		got.Fresh, got.Current = resource.Ptr(true), resource.Ptr(true) // nobody is left whom it could bar
	}
	return &got, nil
}

// buildCRL signs a new list. What it revokes is noted in the ledger first, so
// that it stays revoked when its name comes back, and when the list is lost.
func (v *crls) buildCRL(s *derived.Scene, name string, data []byte, want CRL) (derived.Product, error) {
	st, err := v.survey(s, data, want)
	if err != nil {
		return derived.Product{}, err
	}
	if st.back(want.PEM) {
		return derived.Product{Data: []byte(*want.PEM)}, nil
	}
	if want.outside() {
		return st.buildOutside(s, want)
	}
	if err := st.sure(name); err != nil {
		return derived.Product{}, err
	}
	ca, key, err := listAuthority(s, want)
	if err != nil {
		return derived.Product{}, err
	}
	n := st.next()
	p := derived.Product{First: st.notes(*want.Ledger)}
	if len(st.ledger.entries)+len(p.First) > 0 { // in an empty one nothing would take it away again
		p.First = append(p.First, numberFile(*want.Ledger, n))
	}
	t := &x509.RevocationList{
		Number:                    n,
		ThisUpdate:                issuedAt(s, st.old),
		NextUpdate:                s.Now.Add(time.Duration(resource.Or(want.Validity, defaultCRLValidity))),
		RevokedCertificateEntries: rows(st.bar()),
	}
	der, err := x509.CreateRevocationList(s.Rand, t, ca, key)
	if err != nil {
		return derived.Product{}, fmt.Errorf("signing the list: %w", err)
	}
	p.Data = pem.EncodeToMemory(&pem.Block{Type: policy.PEMCRL, Bytes: der})
	return p, nil
}

// issuedAt is when a list was issued, by itself: later than the one before, and not in
// the future. OpenVPN 2.6 that reads several lists from one file keeps some of those that
// it read before, and of two by one CA it goes by the later one, or else by either.
func issuedAt(s *derived.Scene, old *x509.RevocationList) time.Time {
	at := s.Now.Add(-policy.Backdate)
	if old != nil && !old.ThisUpdate.Before(at.Truncate(time.Second)) {
		if next := old.ThisUpdate.Add(time.Second); !next.After(s.Now) {
			return next
		}
	}
	return at
}

// buildOutside puts a list of a CA elsewhere in place. Whom it bars is noted in the
// ledger first, so that what stands of theirs is not taken for good.
func (st *survey) buildOutside(s *derived.Scene, want CRL) (derived.Product, error) {
	next, data := broughtList(s, st.old, want)
	if next == nil {
		return derived.Product{}, errors.New("it waits for " + bringList)
	}
	p := derived.Product{Data: data}
	for serial, n := range listedBy(next) {
		if st.ledger.holds(serial) && !st.ledger.revoked(serial) {
			p.First = append(p.First, noteFile(*want.Ledger, serial, n))
		}
	}
	return p, nil
}

// lacks says whom the list of a CA elsewhere does not bar, though they may not come in;
// nil for nobody.
func (st *survey) lacks() *string {
	void := make(map[string]bool)
	for _, name := range st.outsiders(st.void) {
		void[name] = true
	}
	var open []string
	for _, name := range st.outsiders(func(entry) bool { return true }) {
		if !void[name] {
			open = append(open, name)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return resource.Ptr(fmt.Sprintf("%s, who may not come in any more and whose certificates its CA has not revoked: have it do that, and bring the list with vpnd pki sign --import FILE", strings.Join(open, ", ")))
}

// listAuthority returns a CA that can sign lists now.
func listAuthority(s *derived.Scene, want CRL) (*x509.Certificate, crypto.Signer, error) {
	ca, key, err := authority(s, *want.Issuer, *want.IssuerKey, want.IssuerPEM)
	if err == nil && ca.KeyUsage != 0 && ca.KeyUsage&x509.KeyUsageCRLSign == 0 {
		err = fmt.Errorf("the CA %s may not sign revocation lists, since its certificate lacks the key usage cRLSign, and every reader would refuse one; have it made anew with the same name and key and with keyUsage = keyCertSign, cRLSign", *want.Issuer)
	}
	return ca, key, err
}

func rows(bar map[string]barred) []x509.RevocationListEntry {
	all := make([]x509.RevocationListEntry, 0, len(bar))
	for serial, b := range bar {
		number, ok := new(big.Int).SetString(serial, 16)
		if !ok {
			continue
		}
		all = append(all, x509.RevocationListEntry{SerialNumber: number, RevocationTime: b.at.UTC(), ReasonCode: int(b.reason)})
	}
	slices.SortFunc(all, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return all
}

// Preflight wants the certificate of the CA too.
func (v *crls) Preflight(ctx context.Context, name string, want CRL, plan resource.Prospect) error {
	err := v.Verbs.Preflight(ctx, name, want, plan)
	if err == nil && v.Kept(&want) == nil {
		err = v.Needs(derived.Given(want.Issuer), plan)
	}
	return err
}

package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// entry is what a revocation list has to know of a certificate.
type entry struct {
	serial string
	name   string
	until  time.Time
	issuer []byte // distinguished name; empty where it is known who signed
	keyID  []byte // of the issuer's key
	gone   *note  // its old CA revoked it; nil where it did not
	own    bool   // it stands in the ledger, or stood there
}

func entryOf(cert *x509.Certificate) entry {
	return entry{serial: serialOf(cert.SerialNumber), name: cert.Subject.CommonName, until: cert.NotAfter, issuer: cert.RawIssuer, keyID: cert.AuthorityKeyId}
}

// by says whether this CA signed the certificate. The ledger is the CA's own,
// so that the names agree is proof enough.
func (e entry) by(ca *x509.Certificate) bool {
	return len(e.issuer) == 0 || bytes.Equal(e.issuer, ca.RawSubject) && (len(e.keyID) == 0 || bytes.Equal(e.keyID, ca.SubjectKeyId))
}

// entries returns what the ledger holds.
func (v *crls) entries(s *scene, dir string) ([]entry, *ledger, error) {
	l, err := s.ledger(dir)
	if err != nil {
		return nil, nil, err
	}
	v.cache.Lock()
	defer v.cache.Unlock()
	var all []entry
	for _, serial := range slices.Sorted(maps.Keys(l.entries)) {
		e, ok := v.known[dir+"/"+serial]
		if !ok {
			cert, err := v.Host.entry(dir, serial)
			if err != nil {
				return nil, nil, err
			}
			e = entryOf(cert)
			e.own = true
			v.known[dir+"/"+serial] = e
		}
		all = append(all, e)
	}
	return all, l, nil
}

// barred is a certificate that is revoked, whoever holds it.
type barred struct {
	note
	name string // common name, where it is known
}

// survey is all that is known of whom a list has to bar, and of the list that
// stands.
type survey struct {
	want    CRL
	now     time.Time
	old     *x509.RevocationList // nil where none stands that the CA signed
	ca      *x509.Certificate    // nil where there is none
	all     []entry              // what the CA signed and has not run out
	ended   map[string]bool      // serial numbers of what has run out
	names   map[string]bool      // of all that the CA signed, run out or not
	ledger  *ledger
	out     map[string]bool // common names of which every certificate is revoked
	listed  map[string]note // by the list that stands
	must    map[string]barred
	highest *big.Int // number of a list

	promised *big.Int // number for a new list; nil where none is on record

	unread []error // copies of lists that can't be read
}

// survey gathers whom a list has to bar from all that may still know it.
func (v *crls) survey(s *scene, data []byte, want CRL) (*survey, error) {
	st := &survey{want: want, now: s.now, ended: make(map[string]bool), names: make(map[string]bool), listed: make(map[string]note), must: make(map[string]barred), highest: new(big.Int)}
	if want.Issuer == nil || want.Ledger == nil {
		return st, nil
	}
	all, l, err := v.entries(s, *want.Ledger)
	if err != nil {
		return nil, err
	}
	st.ledger = l
	if want.Issued != nil {
		before, err := s.issuedBefore(*want.Issued)
		if err != nil {
			return nil, err
		}
		all = append(all, before...)
	}
	if st.ca, err = s.issuer(*want.Issuer); err != nil {
		st.ca = nil
		if err := missing(err); err != nil {
			return nil, err
		}
	}
	st.sort(append(all, st.signedBefore()...))
	st.expel()
	st.readLists(s, data)
	st.readNotes(v.Host)
	st.readRecord()
	return st, nil
}

// signedBefore returns what is on record of the ledger and no more in it: one that
// was lost, and came back with the certificates that stand.
func (st *survey) signedBefore() []entry {
	if !st.onRecord() {
		return nil
	}
	var lost []entry
	for serial, text := range st.want.Signed {
		at, name, _ := strings.Cut(text, " ")
		until, err := time.Parse(time.RFC3339, at)
		if err == nil && !st.ledger.holds(serial) {
			lost = append(lost, entry{serial: serial, name: name, until: until, own: true})
		}
	}
	return lost
}

// onRecord says whether the records are about this CA.
func (st *survey) onRecord() bool {
	return st.want.Authority == nil || st.ca == nil || *st.want.Authority == authorityID(st.ca)
}

// sort parts what the CA signed by whether it has run out.
func (st *survey) sort(all []entry) {
	for _, e := range all {
		if st.ca != nil && !e.by(st.ca) {
			continue
		}
		st.names[e.name] = true
		if st.now.Before(e.until) {
			st.all = append(st.all, e)
		} else {
			st.ended[e.serial] = true
		}
	}
}

// expel finds out who may not come in: whom the wish refuses, and whoever once
// had a certificate of ours and is no member any more.
func (st *survey) expel() {
	st.out = make(map[string]bool)
	for _, name := range st.want.Refused {
		st.out[name] = true
	}
	if st.want.Members == nil {
		return
	}
	members := make(map[string]bool, len(st.want.Members))
	for _, name := range st.want.Members {
		members[name] = true
	}
	for _, e := range st.all {
		if e.own && !members[e.name] {
			st.out[e.name] = true
		}
	}
}

// readLists takes over whom lists bar that the CA signed: the one that stands,
// the copies of earlier ones, and the one that an undo brings back.
func (st *survey) readLists(s *scene, data []byte) {
	if st.ca == nil {
		return
	}
	if old, err := parseCRL(data); err == nil && signedList(old, st.ca) {
		st.old = old
		st.take(old)
		for _, e := range old.RevokedCertificateEntries {
			st.listed[serialOf(e.SerialNumber)] = note{at: e.RevocationTime, reason: Reason(e.ReasonCode)}
		}
	}
	lists := slices.Clone(s.copies().read)
	if st.want.PEM != nil {
		if list, err := parseCRL([]byte(*st.want.PEM)); err == nil {
			lists = append(lists, list)
		}
	}
	st.unread = s.copies().unread
	for _, list := range lists {
		if signedList(list, st.ca) {
			st.take(list)
		}
	}
}

func (st *survey) take(list *x509.RevocationList) {
	for _, e := range list.RevokedCertificateEntries {
		st.barIt(serialOf(e.SerialNumber), "", note{at: e.RevocationTime, reason: Reason(e.ReasonCode)})
	}
	st.heard(list.Number)
}

func (st *survey) heard(n *big.Int) {
	if n != nil && n.Cmp(st.highest) > 0 {
		st.highest = n
	}
}

// barIt bars a certificate, unless it has run out. The first to tell of it knows
// best when and why.
func (st *survey) barIt(serial, name string, n note) {
	b, known := st.must[serial]
	switch {
	case st.ended[serial]:
		return
	case !known:
		b.note = n
	}
	if b.name == "" {
		b.name = name
	}
	if b.at.IsZero() {
		b.at = st.now
	}
	st.must[serial] = b
}

// readNotes takes over what the ledger and the old CA say is revoked. A note whose
// certificate is lost bars its serial number all the same.
func (st *survey) readNotes(h Host) {
	for _, e := range st.all {
		switch {
		case st.ca == nil:
		case e.own && st.ledger.revoked(e.serial):
			st.barIt(e.serial, e.name, h.note(st.ledger.dir, e.serial, st.now))
		case e.gone != nil:
			st.barIt(e.serial, e.name, *e.gone)
		}
	}
	for serial := range st.ledger.notes {
		if !st.ledger.holds(serial) && st.ca != nil {
			st.barIt(serial, "", h.note(st.ledger.dir, serial, st.now))
		}
	}
	st.heard(st.ledger.number)
}

// readRecord takes over what the records and the wish itself say.
func (st *survey) readRecord() {
	if st.onRecord() {
		for serial, name := range st.want.Barred {
			st.barIt(serial, name, note{reason: Ceased})
		}
		st.promised = numberOf(st.want)
	}
	for serial, name := range st.want.Revoke {
		st.barIt(serial, name, note{reason: Ceased})
	}
}

// authorityID names a CA by its key.
func authorityID(ca *x509.Certificate) string {
	id, err := keyID(ca.PublicKey)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(id)
}

// bar is whom a new list bars.
func (st *survey) bar() map[string]barred {
	bar := maps.Clone(st.must)
	for _, e := range st.all {
		if b, known := bar[e.serial]; known && b.name == "" {
			b.name = e.name
			bar[e.serial] = b
		} else if !known && st.out[e.name] && st.ca != nil {
			bar[e.serial] = barred{note{at: st.now, reason: Ceased}, e.name}
		}
	}
	return bar
}

// remember puts into the wish what must not be forgotten. Where nobody knows
// whom a lost list barred, or which CA it is, it stays as it is on record. stands
// says that no new list is needed.
func (st *survey) remember(want *CRL, stands bool) {
	if st.ca == nil {
		return
	}
	if st.silent() && (want.Number == nil && st.older() || want.Number != nil && *want.Number == "") {
		want.Number = resource.Ptr("")
		return
	}
	want.Barred = make(map[string]string)
	for serial, b := range st.bar() {
		want.Barred[serial] = b.name
	}
	want.Signed = make(map[string]string)
	for _, e := range st.all {
		if _, out := want.Barred[e.serial]; e.own && !out {
			want.Signed[e.serial] = e.until.UTC().Format(time.RFC3339) + " " + e.name
		}
	}
	n := st.highest
	if !stands {
		n = st.next()
	}
	want.Number, want.Authority = resource.Ptr(n.String()), resource.Ptr(authorityID(st.ca))
}

// sure refuses to make a list where nothing tells any more whom the one before it
// barred, and there may be a copy that could not be looked at.
func (st *survey) sure(name string) error {
	if st.old != nil || st.promised != nil || len(st.unread) == 0 {
		return nil
	}
	return fmt.Errorf("the list %s is lost, and what may be a copy of it is not known: %w; make that readable, or put the list back, or, where that is no copy, move it away: whoever was revoked might be let in again by a new list", name, errors.Join(st.unread...))
}

// silent says whether nothing on the host tells of any list. That the ledger has
// entries does not: those of certificates that stand come back to a lost one.
func (st *survey) silent() bool {
	return st.highest.Sign() == 0 && len(st.ledger.notes) == 0
}

// firstList is how soon after a CA of vpnd's own its first list comes.
const firstList = time.Hour

// older says whether the CA must have had a list, so that this is not its first.
// Of one that was there before vpnd came that is for issued to tell.
func (st *survey) older() bool {
	return !yes(st.want.External) && st.now.Sub(st.ca.NotBefore) > firstList+backdate
}

// resolve refuses a wish that names somebody of whom no certificate is known: it
// would bar nobody.
func (st *survey) resolve(want CRL) error {
	known := maps.Clone(st.names)
	for _, b := range st.must {
		known[b.name] = true
	}
	var unknown []string
	for _, name := range want.Refused {
		if !known[name] {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	where := "issued is not given"
	if want.Issued != nil {
		where = "neither does " + *want.Issued
	}
	return fmt.Errorf("%s can't be revoked: the ledger %s knows no certificate of that name, and %s; name the index.txt or a folder of certificates of the old CA in issued, or revoke { serial = \"…\", common_name = %s }", strings.Join(unknown, ", "), *want.Ledger, where, unknown[0])
}

// outsiders returns, sorted, who may not come in, has certificates that could
// still be used, and of whom void is true of every one of these.
func (st *survey) outsiders(void func(entry) bool) []string {
	gone := make(map[string]bool)
	for _, e := range st.all {
		if st.out[e.name] {
			so, seen := gone[e.name]
			gone[e.name] = (so || !seen) && void(e)
		}
	}
	maps.DeleteFunc(gone, func(_ string, so bool) bool { return !so })
	return append([]string{}, slices.Sorted(maps.Keys(gone))...)
}

// void says whether a server that knows this CA and list refuses the
// certificate.
func (st *survey) void(e entry) bool {
	_, listed := st.listed[e.serial]
	return listed || st.ca == nil
}

// current says whether all is listed that must be, apart from those who may not
// come in: that is for the attribute revoked to say. What has run out meanwhile
// may stay until the list is renewed, RFC 5280 section 3.3.
func (st *survey) current() bool {
	if st.old == nil {
		return false
	}
	told := make(map[string]bool)
	for _, e := range st.all {
		told[e.serial] = st.out[e.name]
	}
	for serial := range st.must {
		if _, listed := st.listed[serial]; !listed && !told[serial] {
			return false
		}
	}
	return true
}

// complete says whether the list that stands bars everybody that it shall.
func (st *survey) complete() bool {
	all := st.outsiders(func(entry) bool { return true })
	return st.current() && slices.Equal(st.outsiders(st.void), all)
}

// notes are to stand in the ledger before a list that bars what is in it.
func (st *survey) notes(dir string) []atomic.File {
	bar := st.bar()
	var files []atomic.File
	for _, e := range st.all {
		if b, out := bar[e.serial]; out && st.ledger.holds(e.serial) && !st.ledger.revoked(e.serial) && st.out[e.name] {
			files = append(files, noteFile(dir, e.serial, b.note))
		}
	}
	return files
}

// next is the number of a new list. Numbers grow from list to list, RFC 5280
// section 5.2.3. Where the last one is not on record, the time in nanoseconds is
// above that of any list made before.
func (st *survey) next() *big.Int {
	if st.promised != nil && st.promised.Cmp(st.highest) > 0 {
		return st.promised
	}
	n := big.NewInt(st.now.UnixNano())
	if st.highest.Cmp(n) >= 0 {
		n.Add(st.highest, big.NewInt(1))
	}
	return n
}

// numberOf returns the number that a wish has for a new list, nil for none.
func numberOf(want CRL) *big.Int {
	if want.Number == nil {
		return nil
	}
	n, ok := new(big.Int).SetString(*want.Number, 10)
	if !ok {
		return nil
	}
	return n
}

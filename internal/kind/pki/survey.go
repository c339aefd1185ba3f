package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"maps"
	"math/big"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/hands"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
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
	signs  bool   // it is that of a CA, which is no member: only its serial number revokes it
}

func entryOf(cert *x509.Certificate) entry {
	return entry{serial: policy.SerialOf(cert.SerialNumber), name: cert.Subject.CommonName, until: cert.NotAfter, issuer: cert.RawIssuer, keyID: cert.AuthorityKeyId, signs: cert.IsCA}
}

// by says whether this CA signed the certificate. The ledger is the CA's own,
// so that the names agree is proof enough.
func (e entry) by(ca *x509.Certificate) bool {
	return len(e.issuer) == 0 || bytes.Equal(e.issuer, ca.RawSubject) && (len(e.keyID) == 0 || bytes.Equal(e.keyID, ca.SubjectKeyId))
}

// rest is what a ledger held when it had not changed for a while.
type rest struct {
	as      atomic.Info
	entries []entry
	ledger  ledger
}

// entries returns what the ledger holds. As long as its directory stays the same, the
// names in it do; what they say that can change is read each time.
func (v *crls) entries(s *derived.Scene, dir string) ([]entry, *ledger, error) {
	v.cache.Lock()
	defer v.cache.Unlock()
	as, unseen := s.Look(dir)
	if was, known := v.rests[dir]; known && unseen == nil && was.as == as {
		l := was.ledger
		l.number = number(s.Host, dir)
		return was.entries, &l, nil
	}
	delete(v.rests, dir)
	all, l, err := v.listed(s, dir)
	if err == nil && unseen == nil && as.StillHolds(s.Now) {
		v.rests[dir] = rest{as, slices.Clip(all), *l}
	}
	return all, l, err
}

func (v *crls) listed(s *derived.Scene, dir string) ([]entry, *ledger, error) {
	l, err := ledgerAt(s, dir)
	if err != nil {
		return nil, nil, err
	}
	defer v.Memo.Keep()
	serials := slices.Sorted(maps.Keys(l.entries))
	known := v.known[dir]
	if known == nil {
		known = make(map[string]entry, len(serials))
		v.known[dir] = known
	}
	all := make([]entry, len(serials))
	var unknown []int
	for i, serial := range serials {
		e, is := known[serial]
		if all[i] = e; !is {
			unknown = append(unknown, i)
		}
	}
	errs := make([]error, len(unknown))
	hands.Each(context.Background(), len(unknown), func(i int) {
		all[unknown[i]], errs[i] = entryAt(s, dir, serials[unknown[i]])
	})
	for i, at := range unknown {
		if errs[i] != nil {
			return nil, nil, errs[i]
		}
		all[at] = v.alike(all[at])
		known[serials[at]] = all[at]
	}
	return all, l, nil
}

// alike returns an entry that shares with the last one what is the same.
func (v *crls) alike(e entry) entry {
	if bytes.Equal(e.issuer, v.issuer) {
		e.issuer = v.issuer
	}
	if bytes.Equal(e.keyID, v.keyID) {
		e.keyID = v.keyID
	}
	v.issuer, v.keyID = e.issuer, e.keyID
	return e
}

// whatEntry is the question to the memo what is in a file of the ledger.
const whatEntry = "which entry, and whether of a CA"

// entryAt returns one entry of the ledger. A file that has not changed since, or of the
// same content, holds the same.
func entryAt(s *derived.Scene, dir, serial string) (e entry, err error) {
	name := path.Join(dir, serial+".pem")
	info, unseen := s.Look(name)
	if unseen == nil {
		if told, still := s.Memo.Still(whatEntry, name, info); still {
			if e, whole := readEntryTold(told); whole {
				return e, nil
			}
		}
	}
	data, _, err := s.Read(name)
	if err != nil {
		return e, err
	}
	told, ok := s.Memo.Of(whatEntry, func() (string, bool) {
		cert, wrong := inLedger(name, data)
		if err = wrong; err != nil {
			return "", false
		}
		return entryOf(cert).tell(), true
	}, data)
	if !ok {
		return e, err
	}
	e, whole := readEntryTold(told)
	if !whole { // what is remembered is of no use, and the file itself tells it
		cert, err := inLedger(name, data)
		if err != nil {
			return e, err
		}
		told = entryOf(cert).tell()
		e, _ = readEntryTold(told)
	}
	if unseen == nil && s.Memo.Saw(whatEntry, name, info, s.Now, told) {
		s.Memo.Forget(whatEntry, data)
	}
	return e, nil
}

// tell writes down an entry.
func (e entry) tell() string {
	return memo.Join(e.serial, e.name, e.until.UTC().Format(time.RFC3339), string(e.issuer), string(e.keyID), strconv.FormatBool(e.signs))
}

// readEntryTold reads what tell wrote, of an entry in the ledger; whole is false where it
// is something else.
func readEntryTold(told string) (e entry, whole bool) {
	parts, ok := memo.Split(told)
	if !ok || len(parts) != 6 {
		return entry{}, false
	}
	until, err := time.Parse(time.RFC3339, parts[2])
	return entry{serial: parts[0], name: parts[1], until: until, issuer: []byte(parts[3]), keyID: []byte(parts[4]), own: true, signs: parts[5] == "true"}, err == nil
}

// expelled says whether its holder may not come in.
func (st *survey) expelled(e entry) bool { return !e.signs && st.out[e.name] }

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
func (v *crls) survey(s *derived.Scene, data []byte, want CRL) (*survey, error) {
	st := &survey{want: want, now: s.Now, ended: make(map[string]bool), names: make(map[string]bool), listed: make(map[string]note), must: make(map[string]barred), highest: new(big.Int)}
	if want.Issuer == nil || want.Ledger == nil {
		return st, nil
	}
	all, l, err := v.entries(s, *want.Ledger)
	if err != nil {
		return nil, err
	}
	st.ledger = l
	if want.Issued != nil {
		before, err := issuedBefore(s, *want.Issued)
		if err != nil {
			return nil, err
		}
		all = append(all, before...)
	}
	if st.ca, err = certificateAt(s, *want.Issuer); err != nil {
		st.ca = nil
		if err := derived.Missing(err); err != nil {
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
		if st.ledger.holds(serial) {
			continue // as nearly always
		}
		at, name, _ := strings.Cut(text, " ")
		if until, err := time.Parse(time.RFC3339, at); err == nil {
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
	st.all, st.names = make([]entry, 0, len(all)), make(map[string]bool, len(all))
	for _, e := range all {
		if st.ca != nil && !e.by(st.ca) {
			continue
		}
		if yes(st.want.External) { // else nobody asks for them
			st.names[e.name] = true
		}
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
		if e.own && !e.signs && !members[e.name] {
			st.out[e.name] = true
		}
	}
}

// readLists takes over whom lists bar that the CA signed: the one that stands,
// the copies of earlier ones, and the one that an undo brings back.
func (st *survey) readLists(s *derived.Scene, data []byte) {
	if st.ca == nil {
		return
	}
	if old, err := parseCRL(data); err == nil && signedList(old, st.ca) {
		st.old = old
		st.take(old)
		st.listed = listedBy(old)
	}
	lists := slices.Clone(copies(s).read)
	if st.want.PEM != nil {
		if list, err := parseCRL([]byte(*st.want.PEM)); err == nil {
			lists = append(lists, list)
		}
	}
	st.unread = copies(s).unread
	for _, list := range lists {
		if signedList(list, st.ca) {
			st.take(list)
		}
	}
}

func (st *survey) take(list *x509.RevocationList) {
	for _, e := range list.RevokedCertificateEntries {
		st.barIt(policy.SerialOf(e.SerialNumber), "", note{at: e.RevocationTime, reason: Reason(e.ReasonCode)})
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
func (st *survey) readNotes(h derived.Host) {
	for _, e := range st.all {
		switch {
		case st.ca == nil:
		case e.own && st.ledger.revoked(e.serial):
			st.barIt(e.serial, e.name, readNote(h, st.ledger.dir, e.serial, st.now))
		case e.gone != nil:
			st.barIt(e.serial, e.name, *e.gone)
		}
	}
	for serial := range st.ledger.notes {
		if !st.ledger.holds(serial) && st.ca != nil {
			st.barIt(serial, "", readNote(h, st.ledger.dir, serial, st.now))
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
	id, err := policy.KeyID(ca.PublicKey)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(id)
}

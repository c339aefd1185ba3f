package pki

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// bar is whom a new list bars.
func (st *survey) bar() map[string]barred {
	bar := maps.Clone(st.must)
	for _, e := range st.all {
		if b, known := bar[e.serial]; known && b.name == "" {
			b.name = e.name
			bar[e.serial] = b
		} else if !known && st.expelled(e) && st.ca != nil {
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
	want.Signed = make(map[string]string, len(st.all))
	for _, e := range st.all {
		if _, out := want.Barred[e.serial]; e.own && !e.signs && !out {
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
	return !yes(st.want.External) && st.now.Sub(st.ca.NotBefore) > firstList+policy.Backdate
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
	return fmt.Errorf("%s can't be revoked: the ledger %s knows no certificate of that name, and %s; name the index.txt or a directory of certificates of the old CA in issued, or revoke { serial = \"…\", common_name = %s }", strings.Join(unknown, ", "), *want.Ledger, where, unknown[0])
}

// cutsOff says whom it costs that the certificates of CAs are listed that were not; nil
// where none is. One whose key has another certificate that stands goes on.
func (st *survey) cutsOff() *string {
	bar := st.bar()
	stands, cut := make(map[string]bool), make(map[string]bool)
	for _, e := range st.all {
		_, out := bar[e.serial]
		_, listed := st.listed[e.serial]
		stands[e.name] = stands[e.name] || e.signs && !out
		cut[e.name] = cut[e.name] || e.signs && out && !listed
	}
	maps.DeleteFunc(cut, func(name string, so bool) bool { return !so || stands[name] })
	if len(cut) == 0 || st.ca == nil {
		return nil
	}
	return resource.Ptr(fmt.Sprintf("everybody whose certificate was signed by %s, or by a CA below it: nobody of them is let in any more, and their servers are trusted no more, until a new CA takes its place and everybody has a new profile", strings.Join(slices.Sorted(maps.Keys(cut)), " or ")))
}

// exchanged says whom it costs that another CA stands where the one that was there before
// did; nil where none does.
func (st *survey) exchanged() *string {
	if !yes(st.want.External) || st.onRecord() {
		return nil
	}
	return resource.Ptr(fmt.Sprintf("everybody whose certificate the CA signed that stood at %s before: servers trust the one that stands there now instead, which signs all certificates anew, and until people have their new profiles nobody of them is let in; to go on as before, put the other one back", *st.want.Issuer))
}

// outsiders returns, sorted, who may not come in, has certificates that could
// still be used, and of whom void is true of every one of these.
func (st *survey) outsiders(void func(entry) bool) []string {
	gone := make(map[string]bool)
	for _, e := range st.all {
		if st.expelled(e) {
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
	lacks := make(map[string]bool)
	for serial := range st.must {
		if _, listed := st.listed[serial]; !listed {
			lacks[serial] = true
		}
	}
	for _, e := range st.all {
		if len(lacks) > 0 && st.expelled(e) {
			delete(lacks, e.serial)
		}
	}
	return len(lacks) == 0
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
		_, said := st.want.Revoke[e.serial]
		if b, out := bar[e.serial]; out && st.ledger.holds(e.serial) && !st.ledger.revoked(e.serial) && (said || st.expelled(e)) {
			files = append(files, noteFile(dir, e.serial, b.note))
		}
	}
	return files
}

// next is the number of a new list. Numbers grow from list to list, RFC 5280
// section 5.2.3. The time in nanoseconds is above that of any list made before,
// also of one that nothing tells of any more; where the clock was set back, what
// was seen and what is on record count.
func (st *survey) next() *big.Int {
	n := big.NewInt(st.now.UnixNano())
	for _, least := range []*big.Int{st.promised, new(big.Int).Add(st.highest, big.NewInt(1))} {
		if least != nil && least.Cmp(n) > 0 {
			n = least
		}
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

// Roll returns whom the CA vouches for, and whom no more, as far as that is on
// record.
func (c *CRL) Roll() []resource.Holder {
	var all []resource.Holder
	for serial, text := range c.Signed {
		at, name, _ := strings.Cut(text, " ")
		if until, err := time.Parse(time.RFC3339, at); err == nil {
			all = append(all, resource.Holder{Name: name, Serial: serial, NotAfter: until})
		}
	}
	for serial, name := range c.Barred {
		all = append(all, resource.Holder{Name: name, Serial: serial, Revoked: true})
	}
	return all
}

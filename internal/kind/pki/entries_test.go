package pki

import (
	"fmt"
	"testing"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// What is remembered of an entry and can't be read says as little as nothing: the file
// itself tells it.
func TestAnEntryIsReadWhereWhatIsRememberedOfItIsNone(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	all, err := Issued(r.Host, "/pki/issued")
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	serial := all[0].Serial
	for what, spoil := range map[string]func(s *derived.Scene, name string, data []byte){
		"by its content": func(s *derived.Scene, _ string, data []byte) {
			s.Memo.Of(whatEntry, func() (string, bool) { return "junk", true }, data)
		},
		"by the file": func(s *derived.Scene, name string, _ []byte) {
			info, err := s.Look(name)
			s.Memo.Saw(whatEntry, name, info, s.Now.Add(time.Hour), "junk")
			if told, still := s.Memo.Still(whatEntry, name, info); err != nil || !still || told != "junk" {
				t.Error("nothing is remembered", told, err)
			}
		},
	} {
		r.Memo = memo.Open(t.TempDir())
		s, err := r.Scene()
		if err != nil {
			t.Fatal(err)
		}
		spoil(s, "/pki/issued/"+serial+".pem", []byte(r.get("/pki/issued/"+serial+".pem")))
		if e, err := entryAt(s, "/pki/issued", serial); err != nil || e.serial != serial || e.name != "a" || !e.own || e.signs {
			t.Errorf("%s: %+v, %v", what, e, err)
		}
		s.Leave()
	}
}

// A ledger at rest is not listed again; whatever comes, goes or is written in it is seen,
// and so is what was written just before the look.
func TestALedgerAtRestIsListedOnce(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	v := newCRLs(r.Host)
	look := func() ([]entry, *ledger) {
		t.Helper()
		s, err := r.Scene()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Leave()
		all, l, err := v.entries(s, "/pki/issued")
		if err != nil {
			t.Fatal(err)
		}
		return all, l
	}
	began := r.now
	r.now = time.Now()
	look()
	if len(v.rests) != 0 {
		t.Error("a ledger that changed just now is taken for one at rest")
	}
	r.now = began.Add(time.Hour)
	first, _ := look()
	again, _ := look()
	if len(first) != 1 || &first[0] != &again[0] {
		t.Errorf("it is listed again: %d and %d entries", len(first), len(again))
	}
	r.put("/pki/issued/crlnumber", "07\n")
	if _, l := look(); l.number == nil || l.number.Int64() != 7 {
		t.Errorf("the number is %s", l.number)
	}
	before := len(v.rests)
	r.put("/pki/issued/crlnumber", "08\n") // in its place, so that the directory stays as it is
	if _, l := look(); before != 1 || l.number == nil || l.number.Int64() != 8 {
		t.Errorf("the number is %s, and %d ledgers were at rest", l.number, before)
	}
	r.put("/pki/issued/"+first[0].serial+".revoked", "")
	if _, l := look(); !l.revoked(first[0].serial) {
		t.Error("what was revoked is not")
	}
	r.issue("b")
	if all, _ := look(); len(all) != 2 {
		t.Errorf("%d entries", len(all))
	}
	r.remove("/pki/issued/" + first[0].serial + ".revoked")
	if _, l := look(); l.revoked(first[0].serial) {
		t.Error("a note that is gone revokes")
	}
}

// All that a CA ever signed and revoked comes back with its ledger, and what it
// revoked since stays.
func TestLedgerComesBackWithAllThatItHeld(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	r.issue("b")
	v := &ledgers{r.Host}
	before, err := Issued(v.Host, "/pki/issued")
	if err != nil || len(before) != 2 {
		t.Fatal(before, err)
	}
	if err := revoke(v.Host, "/pki/issued", Ceased, before[0].Serial); err != nil {
		t.Fatal(err)
	}
	was, err := resourcetest.Observe(t.Context(), v, "/pki/issued")
	if err != nil {
		t.Fatal(err)
	}
	if err := resourcetest.Remove(t.Context(), v, "/pki/issued"); err != nil {
		t.Fatal(err)
	}
	want := *resource.Lasting(was).(*Ledger)
	back := func(got *Ledger) {
		t.Helper()
		if err := resourcetest.Apply(t.Context(), v, "/pki/issued", got, want); err != nil {
			t.Fatal(err)
		}
		seen, err := v.Observe(t.Context(), map[string]*Ledger{"/pki/issued": &want})
		if err != nil || len(resource.Compare(seen["/pki/issued"], &want)) > 0 {
			t.Errorf("%v, %v", resource.Compare(seen["/pki/issued"], &want), err)
		}
	}
	back(nil)
	if err := revoke(v.Host, "/pki/issued", Ceased, before[1].Serial); err != nil {
		t.Fatal(err)
	}
	back(was)
	after, err := Issued(v.Host, "/pki/issued")
	if err != nil || len(after) != 2 || !after[0].Revoked || !after[1].Revoked {
		t.Errorf("%+v, %v", after, err)
	}
	if seen, err := v.Observe(t.Context(), map[string]*Ledger{"/pki/issued": {}}); err != nil || seen["/pki/issued"].Entries.Reveal() != "" {
		t.Errorf("all was read where nobody asks: %v", err)
	}
}

// revoke notes in the ledger that certificates are void for good, whoever
// holds them, as a list that bars them has it noted.
func revoke(h derived.Host, dir string, why Reason, serials ...string) error {
	l, err := openLedger(h, dir)
	if err != nil {
		return err
	}
	var notes []atomic.File
	for _, serial := range serials {
		if !l.holds(serial) {
			return fmt.Errorf("the ledger %s knows no certificate %s", dir, serial)
		}
		if !l.revoked(serial) {
			notes = append(notes, noteFile(dir, serial, note{at: h.Clock(), reason: why}))
		}
	}
	return atomic.WriteAll(h.Root, notes)
}

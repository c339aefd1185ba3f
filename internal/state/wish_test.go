package state

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// An undo that was killed after it brought back the wish from before goes on
// from there.
func TestUndoGoesOnWhereItWasKilled(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := resource.ID{Kind: "file", Name: "/a"}
	before := Wish{Since: at, Present: []Was{{ID: a, Shape: []byte(`{"content":"1"}`)}}}
	now := Wish{Since: at.Add(time.Hour), Present: []Was{{ID: a, Shape: []byte(`{"content":"2"}`)}}, Before: &before}
	for _, err := range []error{s.Sign(&before), s.Sign(&now), s.KeepWish(&now)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	snap := &Snapshot{Taken: now.Since.Add(time.Second)}
	comesBack := func(want *Wish) {
		t.Helper()
		if got, err := s.WishBefore(snap); err != nil || (got == nil) != (want == nil) || got != nil && got.Fingerprint != want.Fingerprint {
			t.Errorf("%v %v", got, err)
		}
	}
	var held []resource.ID
	for _, ids := range [][]resource.ID{{a, {Kind: "file", Name: "/b"}}, {a}} {
		comesBack(&before)
		if err := s.Undo("rollback", at, snap, ids); err != nil {
			t.Fatal(err)
		}
		h, err := s.Suppression()
		if err != nil || h.Fingerprint != now.Fingerprint || held != nil && !slices.Equal(h.IDs, held) {
			t.Errorf("%+v %v", h, err)
		}
		held = h.IDs
		if w, err := s.Wish(); err != nil || w.Fingerprint != before.Fingerprint {
			t.Errorf("%+v %v", w, err)
		}
	}
	snap.Taken = at.Add(time.Second) // another undo, of what put no wish in force that is known
	comesBack(nil)
}

// What a record tells in the clear fills a shape, and nothing else does.
func TestDigestTells(t *testing.T) {
	type shape struct {
		Path   *string          `vpnd:"path"`
		Names  []string         `vpnd:"names"`
		Long   *string          `vpnd:"long"`
		Secret *resource.Secret `vpnd:"secret"`
	}
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Digest(&shape{Path: resource.Ptr("/a"), Names: []string{"b"}, Long: resource.Ptr(strings.Repeat("x", 200)), Secret: resource.NewSecret("s")})
	if err != nil {
		t.Fatal(err)
	}
	var told shape
	if err := d.Tell(&told); err != nil || *told.Path != "/a" || !slices.Equal(told.Names, []string{"b"}) || told.Long != nil || told.Secret != nil {
		t.Errorf("%+v %v", told, err)
	}
}

// Where in the files something stands is no part of what it asks for.
func TestFingerprint(t *testing.T) {
	s := open1(t, t.TempDir())
	sign := func(shape string, owners ...resource.Owner) string {
		t.Helper()
		w := &Wish{Present: []Was{{ID: id("a"), Owners: owners, Shape: []byte(shape)}}}
		if err := s.Sign(w); err != nil {
			t.Fatal(err)
		}
		if len(w.Present[0].Owners) != len(owners) {
			t.Error("the wish itself has lost who asks for it")
		}
		return w.Fingerprint
	}
	one := sign(`{"x":1}`)
	if one != sign(`{"x":1}`, resource.Owner{Block: id("block")}) || one == sign(`{"x":2}`) {
		t.Error("equal for unequal wishes, or the other way round")
	}
}

// An apply that put no wish in force brings none back.
func TestWishBeforeAnApply(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := &Wish{Since: since, Before: &Wish{}}
	if w.before(since) != w.Before || w.before(since.Add(time.Hour)) != w.Before || w.before(since.Add(-time.Second)) != nil {
		t.Error("the wrong wish comes back")
	}
}

// Clocks are coarse, and two wishes in one tick are two all the same.
func TestVersionOfAWish(t *testing.T) {
	s := open1(t, t.TempDir())
	versions := make(map[string]bool)
	for range 2 {
		if err := s.KeepWish(&Wish{Settings: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		tick := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(s.Dir(), "wish.json"), tick, tick); err != nil {
			t.Fatal(err)
		}
		versions[s.WishVersion()] = true
	}
	if len(versions) != 2 {
		t.Errorf("%v", versions)
	}
}

// An apply reads the configuration in force once, and a change of any of its files is
// seen all the same.
func TestTheWishIsReadAgainWhenItChanged(t *testing.T) {
	dir := t.TempDir()
	s := open1(t, dir)
	secret, err := NewWas(resource.Resource{ID: id("a")}, &shape{Text: resource.Ptr("x"), Secret: resource.NewSecret("hush")})
	if err != nil {
		t.Fatal(err)
	}
	keep := func(present ...Was) {
		t.Helper()
		if err := s.KeepWish(&Wish{Present: present, Settings: []byte("{}"), Before: &Wish{Settings: []byte("{}")}}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(things int) *Wish {
		t.Helper()
		w, err := s.Wish()
		if err != nil || len(w.Present) != things {
			t.Fatalf("%+v, %v", w, err)
		}
		return w
	}
	keep(secret)
	first := read(1)
	if s.again() == nil {
		t.Error("it is read once more")
	}
	first.Present[0].Secret, first.Before.Present = false, []Was{secret}
	if w := read(1); !w.Present[0].Secret || len(w.Before.Present) != 0 {
		t.Error("what somebody marks is marked for all")
	}
	keep(secret, secret)
	if w := read(2); !strings.Contains(string(w.Present[1].Shape), "hush") {
		t.Errorf("%s", w.Present[1].Shape)
	}
	path := s.path(wishFile)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := append(bytes.TrimSuffix(data, []byte("}")), " }"...)
	if err := os.WriteFile(path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.again() != nil {
		t.Error("a file that was written over passes for the one that was read")
	}
	read(2)
	if err := os.RemoveAll(s.path("secrets")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wish(); err == nil {
		t.Error("secrets that are lost are not missed")
	}
	keep(secret)
	read(1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.again() != nil || s.wished.wish != nil {
		t.Error("it is kept beyond the lock")
	}
}

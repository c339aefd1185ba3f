package pki

import (
	"os"
	"testing"
	"time"

	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

// heard expects a hint of that name after the change.
func heard(r *room, ear *noticetest.Ear, name string, change func()) {
	r.Helper()
	ear.Settle()
	change()
	ear.Hear(name)
}

func TestACertificateIsHeardOfWithWhatItRestsOn(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	v := newCertificates(r.Host)
	want := leaf("a", usageClient)
	if _, err := v.Normalize(t.Context(), map[string]*Certificate{"/pki/a.crt": &want}); err != nil {
		t.Fatal(err)
	}
	ear := noticetest.Listen(t, v, "/pki/a.crt")
	for _, file := range []string{"/pki/a.crt", "/pki/a.key", "/pki/ca.crt", "/pki/issued/12.revoked"} {
		heard(r, ear, "/pki/a.crt", func() { r.put(file, "other") })
	}
	heard(r, ear, "/pki/a.crt", func() {
		if err := os.Chmod(r.at("/pki/a.crt"), 0o666); err != nil {
			t.Fatal(err)
		}
	})
	ear.Quiet(func() { r.put("/pki/b.crt", "somebody else's") })
}

func TestWhatManyRestOnConcernsTheKind(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	v := newCertificates(r.Host)
	a, b := leaf("a", usageClient), leaf("b", usageClient)
	if _, err := v.Normalize(t.Context(), map[string]*Certificate{"/pki/a.crt": &a, "/pki/b.crt": &b}); err != nil {
		t.Fatal(err)
	}
	ear := noticetest.Listen(t, v, "/pki/a.crt", "/pki/b.crt")
	ear.Settle()
	r.put("/pki/ca.crt", "other")
	if h := ear.Next(); h != (resource.Hint{}) {
		t.Errorf("%+v", h)
	}
	heard(r, ear, "/pki/b.crt", func() { r.put("/pki/b.crt", "other") })
}

func TestOtherPartsAreHeardOnceTheyAreWished(t *testing.T) {
	r := newRoom(t)
	v := newAssembledFiles(r.Host)
	wish := func(file string) {
		t.Helper()
		want := &AssembledFile{Parts: []Part{{Text: p("x")}, {File: &file}}}
		if _, err := v.Normalize(t.Context(), map[string]*AssembledFile{"/pki/all": want}); err != nil {
			t.Fatal(err)
		}
	}
	r.put("/pki/one", "1")
	wish("/pki/one")
	ear := noticetest.Listen(t, v, "/pki/all")
	heard(r, ear, "/pki/all", func() { r.put("/pki/one", "2") })
	heard(r, ear, "", func() { wish("/pki/two") })
	heard(r, ear, "/pki/all", func() { r.put("/pki/two", "2") })
	ear.Quiet(func() { r.put("/pki/one", "3"); wish("/pki/two") })
}

func TestALedgerIsHeardOfWithWhatIsInIt(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	ear := noticetest.Listen(t, &ledgers{r.Host}, "/pki/issued")
	heard(r, ear, "/pki/issued", func() { r.put("/pki/issued/12.revoked", "") })
	heard(r, ear, "/pki/issued", func() {
		if err := os.Chmod(r.at("/pki/issued"), 0o755); err != nil {
			t.Fatal(err)
		}
	})
}

func TestKeysAreHeardAtOnce(t *testing.T) {
	r := newRoom(t)
	v := newPrivateKeys(r.Host)
	want := &PrivateKey{Format: p(openssh)}
	if _, err := v.Normalize(t.Context(), map[string]*PrivateKey{"/pki/k": want}); err != nil {
		t.Fatal(err)
	}
	ear := noticetest.Listen(t, v, "/pki/k")
	heard(r, ear, "/pki/k", func() { r.put("/pki/k.pub", "x") })
	ear.Delay(20, 50*time.Millisecond, func(int) { r.put("/pki/k", "x") })
}

package pki

import (
	"context"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/nettest"
	"vpnd/internal/notice/noticetest"
	"vpnd/internal/resource"
)

// heeding watches for certain wishes.
type heeding[T any] struct {
	resource.WishWatcher[T]
	wants map[string]*T
}

func (h heeding[T]) Watch(ctx context.Context, _ []string, kick func(resource.Hint)) error {
	return h.WatchWishes(ctx, h.wants, kick)
}

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
	want := leaf("a", policy.UsageClient)
	ear := noticetest.Listen(t, heeding[Certificate]{v, map[string]*Certificate{"/pki/a.crt": &want}})
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
	a, b := leaf("a", policy.UsageClient), leaf("b", policy.UsageClient)
	ear := noticetest.Listen(t, heeding[Certificate]{v, map[string]*Certificate{"/pki/a.crt": &a, "/pki/b.crt": &b}})
	ear.Settle()
	r.put("/pki/ca.crt", "other")
	if h := ear.Next(); h != (resource.Hint{}) {
		t.Errorf("%+v", h)
	}
	heard(r, ear, "/pki/b.crt", func() { r.put("/pki/b.crt", "other") })
}

func TestOtherPartsAreHeardOfByAnotherWatch(t *testing.T) {
	r := newRoom(t)
	v := assembled.NewAssembledFiles(r.Host)
	k := resource.Define(KindAssembledFile, "", resource.Traits{}, v)
	wish := func(file string) *assembled.AssembledFile {
		return &assembled.AssembledFile{Parts: []assembled.Part{{Text: p("x")}, {File: &file}}}
	}
	one, two := map[string]any{"/pki/all": wish("/pki/one")}, map[string]any{"/pki/all": wish("/pki/two")}
	if k.Misses(one, map[string]any{"/pki/all": wish("/pki/one")}) || !k.Misses(one, two) || !k.Misses(one, nil) {
		t.Error("it is not known when to watch anew")
	}
	r.put("/pki/one", "1")
	ear := noticetest.Listen(t, heeding[assembled.AssembledFile]{v, map[string]*assembled.AssembledFile{"/pki/all": wish("/pki/one")}})
	heard(r, ear, "/pki/all", func() { r.put("/pki/one", "2") })
	ear.Quiet(func() { r.put("/pki/two", "2") })
}

// The clock is set a nanosecond ahead and back again, which nobody else notices.
func TestACertificateIsHeardOfWhenTheClockIsSet(t *testing.T) {
	nettest.Root(t, "to set the clock")
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	want := leaf("a", policy.UsageClient)
	ear := noticetest.Listen(t, heeding[Certificate]{newCertificates(r.Host), map[string]*Certificate{"/pki/a.crt": &want}})
	for _, step := range []unix.Timeval{{Usec: 1}, {Sec: -1, Usec: 999_999_999}} {
		ear.Settle()
		if _, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &unix.Timex{Modes: unix.ADJ_SETOFFSET | unix.ADJ_NANO, Time: step}); err != nil {
			t.Fatal(err)
		}
		if h := ear.Next(); h != (resource.Hint{}) {
			t.Errorf("%+v", h)
		}
	}
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
	want := &PrivateKey{Format: p(policy.OpenSSH)}
	ear := noticetest.Listen(t, heeding[PrivateKey]{v, map[string]*PrivateKey{"/pki/k": want}})
	heard(r, ear, "/pki/k", func() { r.put("/pki/k.pub", "x") })
	ear.Delay(20, 50*time.Millisecond, func(int) { r.put("/pki/k", "x") })
}

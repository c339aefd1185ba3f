package pki

import (
	"context"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/likeness"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

// stealthily puts other bytes of the same length into a file that stands, and gives
// it its times back.
func (r *room) stealthily(path, content string) {
	r.Helper()
	var was unix.Stat_t
	if err := unix.Stat(r.at(path), &was); err != nil || int(was.Size) != len(content) {
		r.Fatalf("%v, %d bytes instead of %d", err, len(content), was.Size)
	}
	if err := os.WriteFile(r.at(path), []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, r.at(path), []unix.Timespec{was.Atim, was.Mtim}, 0); err != nil {
		r.Fatal(err)
	}
}

// What is remembered of files hides no drift: neither an edit that keeps size and
// time, nor a file that becomes another known one.
func TestWhatIsRememberedHidesNoDrift(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	keys, certs := newPrivateKeys(r.Host), newCertificates(r.Host)
	for _, name := range []string{"alice", "bobby"} {
		makeIt(r, keys, "/pki/"+name+".key", PrivateKey{Algorithm: p("ed25519")})
		makeIt(r, certs, "/pki/"+name+".crt", leaf(name, policy.UsageClient))
	}
	want := leaf("alice", policy.UsageClient)
	cache := filepath.Join(t.TempDir(), "cache")
	r.Memo = memo.Open(cache)
	if _, err := newCertificates(r.Host).Observe(context.Background(), map[string]*Certificate{"/pki/alice.crt": &want}); err != nil {
		t.Fatal(err)
	}
	next := r.Host // of another process, which knows what this one wrote down
	next.Memo = memo.Open(cache)
	current := func(what string, expect bool) {
		t.Helper()
		for who, v := range map[string]resource.Verbs[Certificate]{"this process": newCertificates(r.Host), "the next": newCertificates(next)} {
			seen, err := v.Observe(context.Background(), map[string]*Certificate{"/pki/alice.crt": &want})
			if got := seen["/pki/alice.crt"]; err != nil || got == nil || *got.Current != expect {
				t.Errorf("%s, %s: %+v, %v", what, who, got, err)
			}
		}
	}
	current("as it was made", true)
	certificate, key, ca := r.get("/pki/alice.crt"), r.get("/pki/alice.key"), r.get("/pki/ca.crt")

	der, err := policy.DecodePEM([]byte(certificate), policy.PEMCertificate)
	if err != nil {
		t.Fatal(err)
	}
	der[len(der)-1] ^= 1
	r.stealthily("/pki/alice.crt", string(encodeCertificate(&x509.Certificate{Raw: der})))
	current("with a broken signature", false)
	r.stealthily("/pki/alice.crt", certificate)
	current("as it was again", true)

	r.stealthily("/pki/alice.key", r.get("/pki/bobby.key"))
	current("with the key of somebody else", false)
	r.stealthily("/pki/alice.key", key)
	current("with its own key", true)

	r.remove("/pki/ca.crt")
	r.remove("/pki/ca.key")
	r.newCA("ecdsa-p256")
	current("of a CA that is another one under the same name", false)
	r.put("/pki/ca.crt", ca)
	current("of its CA", true)
}

// A certificate that has not changed is not read again; its bytes are told where they
// have to be kept.
func TestACertificateThatStaysIsNotReadAgain(t *testing.T) {
	nettest.Root(t, "to own the files")
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	makeIt(r, newPrivateKeys(r.Host), "/pki/alice.key", PrivateKey{})
	makeIt(r, newCertificates(r.Host), "/pki/alice.crt", leaf("alice", policy.UsageClient))
	r.now = r.now.Add(time.Hour)
	for kind, look := range map[string]func() (left bool, whole string){
		"certificate": func() (bool, string) {
			v, want := newCertificates(r.Host), leaf("alice", policy.UsageClient)
			seen, err := v.Observe(context.Background(), map[string]*Certificate{"/pki/alice.crt": &want})
			got := seen["/pki/alice.crt"]
			if err != nil || len(resource.Compare(got, &want)) > 0 || !*got.Current || !*got.Recorded || !*got.Fresh {
				t.Fatalf("%+v, %v", got, err)
			}
			left := got.PEM == nil
			if err := v.Complete("/pki/alice.crt", got); err != nil {
				t.Fatal(err)
			}
			return left, *got.PEM
		},
		"key": func() (bool, string) {
			v, want := newPrivateKeys(r.Host), PrivateKey{Algorithm: p("ecdsa-p256")}
			seen, err := v.Observe(context.Background(), map[string]*PrivateKey{"/pki/alice.key": &want})
			got := seen["/pki/alice.key"]
			if err != nil || len(resource.Compare(got, &want)) > 0 {
				t.Fatalf("%+v, %v", got, err)
			}
			left := got.PEM == nil
			if err := v.Complete("/pki/alice.key", got); err != nil {
				t.Fatal(err)
			}
			return left, got.PEM.Reveal()
		},
	} {
		is := r.get("/pki/alice." + map[string]string{"certificate": "crt", "key": "key"}[kind])
		if _, whole := look(); whole != is {
			t.Errorf("%s, the first time: %d bytes of %d", kind, len(whole), len(is))
		}
		if left, whole := look(); !left || whole != is {
			t.Errorf("%s, the second time: left out %v, and %d bytes of %d", kind, left, len(whole), len(is))
		}
	}
	if found, err := likeness.At(r.Root, "", []string{"/pki/alice.crt", "/pki/alice.key", "/pki/nothing.crt"}); err != nil || found[0].Subject.CommonName != "alice" || found[0].NotAfter.IsZero() || found[1] != nil || found[2] != nil {
		t.Errorf("%+v, %v", found, err)
	}
	// What lies around it is looked at each time.
	cert, err := policy.ParseCertificate([]byte(r.get("/pki/alice.crt")))
	if err != nil {
		t.Fatal(err)
	}
	serial := policy.SerialOf(cert.SerialNumber)
	current := func() bool {
		want := leaf("alice", policy.UsageClient)
		seen, err := newCertificates(r.Host).Observe(context.Background(), map[string]*Certificate{"/pki/alice.crt": &want})
		if err != nil {
			t.Fatal(err)
		}
		got := seen["/pki/alice.crt"]
		return *got.Current && *got.Recorded && *got.Fresh
	}
	r.put("/pki/issued/"+serial+".revoked", "")
	if current() {
		t.Error("revoked, and still good")
	}
	r.remove("/pki/issued/" + serial + ".revoked")
	if !current() {
		t.Error("not good again")
	}
	entry := r.get("/pki/issued/" + serial + ".pem")
	r.remove("/pki/issued/" + serial + ".pem")
	if current() {
		t.Error("gone from the ledger, and still recorded")
	}
	r.put("/pki/issued/"+serial+".pem", entry)
	r.now = r.now.Add(900 * 24 * time.Hour)
	if current() {
		t.Error("run out, and still good")
	}
}

// A file is not read again for as long as nothing of it has changed: an edit that keeps
// its size and its time moves that of its last change.
func TestAnEditThatKeepsSizeAndTimeIsSeen(t *testing.T) {
	nettest.Root(t, "to own the files")
	r := newRoom(t)
	for _, name := range []string{"alice", "bobby"} {
		makeIt(r, newPrivateKeys(r.Host), "/pki/"+name+".key", PrivateKey{Algorithm: p("ed25519")})
	}
	alice, bobby := r.get("/pki/alice.key"), r.get("/pki/bobby.key")
	held := func(name string) string {
		t.Helper()
		s, err := r.Scene()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Leave()
		key, err := heldAt(s, "/pki/"+name+".key")
		if err != nil {
			t.Fatal(err)
		}
		return string(key.public)
	}
	r.now = r.now.Add(time.Hour) // so that what was written just now is not held to be too young to go by
	first := held("alice")
	r.stealthily("/pki/alice.key", bobby)
	if held("alice") == first {
		t.Error("the key of somebody else was not seen")
	}
	r.stealthily("/pki/alice.key", alice)
	if held("alice") != first {
		t.Error("its own key was not seen")
	}
	still := func(name string) bool {
		t.Helper()
		info, err := atomic.Stat(r.Root, "/pki/"+name+".key")
		if err != nil {
			t.Fatal(err)
		}
		_, still := r.Memo.Still(whichKey, "/pki/"+name+".key", info)
		return still
	}
	if !still("alice") {
		t.Error("what has not changed is read again")
	}
	r.now = time.Now()
	if held("bobby"); still("bobby") {
		t.Error("a file that changed just before it was looked at passes for one that stays")
	}
}

func TestWhoseFilesAreReadEachTime(t *testing.T) {
	now := time.Now()
	old := atomic.Info{Mode: 0o600, Size: 3, Changed: now.Add(-time.Minute), Modified: now.Add(-time.Minute), Inode: 7}
	if !old.Still(old, now) {
		t.Error("a file that stays is not known again")
	}
	for name, change := range map[string]func(*atomic.Info){
		"another file":   func(i *atomic.Info) { i.Inode++ },
		"another device": func(i *atomic.Info) { i.Device++ },
		"another size":   func(i *atomic.Info) { i.Size++ },
		"changed since":  func(i *atomic.Info) { i.Changed = i.Changed.Add(1) },
		"written since":  func(i *atomic.Info) { i.Modified = i.Modified.Add(1) },
		"another mode":   func(i *atomic.Info) { i.Mode = 0o640 },
	} {
		other := old
		if change(&other); other.Still(old, now) {
			t.Errorf("%s passes for the same", name)
		}
	}
	for name, change := range map[string]func(*atomic.Info){
		"of somebody else":      func(i *atomic.Info) { i.UID = 1000 },
		"writable by a group":   func(i *atomic.Info) { i.Mode = 0o660 },
		"a link":                func(i *atomic.Info) { i.Mode = fs.ModeSymlink | 0o600 },
		"changed just now":      func(i *atomic.Info) { i.Changed = now.Add(-time.Second) },
		"changed in the future": func(i *atomic.Info) { i.Changed = now.Add(time.Hour) },
	} {
		same := old
		if change(&same); same.Still(same, now) {
			t.Errorf("%s: it would not be read again", name)
		}
	}
}

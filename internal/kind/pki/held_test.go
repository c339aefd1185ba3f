package pki

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
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

package pki

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/dhparams"
	"vpnd/internal/kind/pki/memo"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/kind/pki/tlscrypt"
	"vpnd/internal/kind/pki/totp"
	"vpnd/internal/kind/pki/wgkey"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// room is a host of its own for a test: a temporary root with users and
// directories, and a clock that the test moves. It begins a minute ahead of the
// machine's, so that what openssl makes meanwhile has begun by it too; what is
// made here is backdated by more than that ([policy.Backdate]).
type room struct {
	derived.Host
	*testing.T
	now          time.Time
	synchronized bool // the clock was set by a time server
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{T: t, now: time.Now().Add(time.Minute).UTC().Truncate(time.Second)}
	r.Host = derived.Host{Root: t.TempDir(), Clock: func() time.Time { return r.now }, Rand: rand.Reader, Synchronized: func() bool { return r.synchronized }, Memo: memo.Open(filepath.Join(t.TempDir(), "cache"))}
	for _, dir := range []string{"etc", "pki"} {
		if err := os.Mkdir(r.at(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nvpn:x:990:990::/:/bin/false\n")
	r.put("/etc/group", "root:x:0:\nvpn:x:990:\n")
	return r
}

// at returns where a path of the room is on the host.
func (r *room) at(path string) string { return filepath.Join(r.Root, path) }

func (r *room) put(path, content string) {
	r.Helper()
	if err := os.WriteFile(r.at(path), []byte(content), 0o600); err != nil {
		r.Fatal(err)
	}
}

func (r *room) get(path string) string {
	r.Helper()
	data, err := os.ReadFile(r.at(path))
	if err != nil {
		r.Fatal(err)
	}
	return string(data)
}

func (r *room) remove(path string) {
	r.Helper()
	if err := os.Remove(r.at(path)); err != nil {
		r.Fatal(err)
	}
}

// run runs a program in the room's root and returns what it says.
func (r *room) run(name string, args ...string) string {
	r.Helper()
	out, err := r.try(name, args...)
	if err != nil {
		r.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (r *room) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = r.Root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// make puts one wish in place and fails the test where that is not enough.
func makeIt[T any](r *room, v resource.Verbs[T], name string, want T) *T {
	r.Helper()
	if err := tryIt(r, v, name, want); err != nil {
		r.Fatalf("%s: %v", name, err)
	}
	got, err := resourcetest.Observe(context.Background(), v, name)
	if err != nil {
		r.Fatal(err)
	}
	if diffs := resource.Compare(got, &want); len(diffs) > 0 {
		r.Fatalf("%s still differs: %+v", name, diffs)
	}
	return got
}

func tryIt[T any](r *room, v resource.Verbs[T], name string, want T) error {
	r.Helper()
	ctx := context.Background()
	k := resource.Define("it", "", resource.Traits{}, v)
	normal, err := k.Normalize(ctx, map[string]any{name: &want})
	if err != nil {
		r.Fatalf("%s: normalising: %v", name, err)
	}
	o := k.Observe(ctx, map[string]any{name: normal[name]})[name]
	if o.Err != nil {
		r.Fatalf("%s: observing: %v", name, o.Err)
	}
	if err := k.Check(ctx, name, normal[name]); err != nil {
		return err
	}
	return k.Apply(ctx, []resource.Change{{Name: name, Got: o.Got, Want: normal[name]}})
}

// newCA makes a CA in /pki.
func (r *room) newCA(algorithm string) {
	r.Helper()
	makeIt(r, newPrivateKeys(r.Host), "/pki/ca.key", PrivateKey{Algorithm: &algorithm})
	makeIt(r, newCertificates(r.Host), "/pki/ca.crt", Certificate{
		Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Acme VPN CA", Organization: "Acme, Inc."}, Validity: p(3650 * resource.Day),
	})
	makeIt(r, &ledgers{r.Host}, "/pki/issued", Ledger{})
}

// leaf is a wish for a certificate of that CA.
func leaf(name, usage string) Certificate {
	return Certificate{
		Key: p("/pki/" + name + ".key"), Usage: &usage, Subject: &policy.Subject{CommonName: name}, Validity: p(90 * resource.Day),
		Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"),
	}
}

func p[T any](v T) *T { return &v }

func TestConform(t *testing.T) {
	mode := p(resource.Mode(0o640))
	t.Run("private_key", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, newPrivateKeys(r.Host), resourcetest.Case[PrivateKey]{
			Name: "/pki/k", First: PrivateKey{Algorithm: p("ecdsa-p256"), Format: p(policy.PKCS8), Owner: p("990")}, Second: PrivateKey{Algorithm: p("ed25519"), Format: p(policy.OpenSSH), Mode: mode},
		})
	})
	t.Run("private_key in another format", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, newPrivateKeys(r.Host), resourcetest.Case[PrivateKey]{
			Name: "/pki/k", First: PrivateKey{Algorithm: p("ed25519"), Format: p(policy.OpenSSH)}, Second: PrivateKey{Format: p(policy.PKCS8), Algorithm: p("ed25519")},
		})
	})
	t.Run("certificate", func(t *testing.T) {
		r := newRoom(t)
		r.newCA("ecdsa-p256")
		makeIt(r, newPrivateKeys(r.Host), "/pki/a.key", PrivateKey{})
		first, second := leaf("a", policy.UsageServer), leaf("a", policy.UsageClient)
		first.DNSNames, second.DNSNames = []string{"b.example", "A.example"}, []string{}
		resourcetest.Conform(t, newCertificates(r.Host), resourcetest.Case[Certificate]{Name: "/pki/a.crt", First: first, Second: second})
	})
	t.Run("crl", func(t *testing.T) {
		r := newRoom(t)
		r.newCA("ecdsa-p256")
		r.issue("a")
		first := CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"a"}}
		second := first
		second.Mode = mode
		resourcetest.Conform(t, newCRLs(r.Host), resourcetest.Case[CRL]{Name: "/pki/crl.pem", First: first, Second: second})
	})
	t.Run("ledger", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, &ledgers{r.Host}, resourcetest.Case[Ledger]{Name: "/pki/issued", First: Ledger{}, Second: Ledger{Mode: p(resource.Mode(0o750)), Group: p("vpn")}})
	})
	t.Run("static_key", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, tlscrypt.NewStaticKeys(r.Host), resourcetest.Case[tlscrypt.StaticKey]{Name: "/pki/ta.key", Second: tlscrypt.StaticKey{Mode: mode}})
	})
	t.Run("wireguard_key", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, wgkey.NewWireGuardKeys(r.Host), resourcetest.Case[wgkey.WireGuardKey]{Name: "/pki/wg0.key", Second: wgkey.WireGuardKey{Mode: mode}})
	})
	t.Run("wireguard_psk", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, wgkey.NewWireGuardPSKs(r.Host), resourcetest.Case[wgkey.WireGuardPSK]{Name: "/pki/wg0.psk", Second: wgkey.WireGuardPSK{Mode: mode}})
	})
	t.Run("tls_crypt_v2_key", func(t *testing.T) {
		r := newRoom(t)
		makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/server.key", tlscrypt.TLSCryptV2Key{})
		resourcetest.Conform(t, tlscrypt.NewTLSCryptV2Keys(r.Host), resourcetest.Case[tlscrypt.TLSCryptV2Key]{
			Name: "/pki/c.key", First: tlscrypt.TLSCryptV2Key{Server: p("/pki/server.key")}, Second: tlscrypt.TLSCryptV2Key{Server: p("/pki/server.key"), Mode: mode},
		})
	})
	t.Run("tls_crypt_v2_list", func(t *testing.T) {
		r := newRoom(t)
		makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/server.key", tlscrypt.TLSCryptV2Key{})
		makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/client-a.key", tlscrypt.TLSCryptV2Key{Server: p("/pki/server.key")})
		resourcetest.Conform(t, tlscrypt.NewTLSCryptV2Lists(r.Host), resourcetest.Case[tlscrypt.TLSCryptV2List]{
			Name: "/pki/known-keys", First: tlscrypt.TLSCryptV2List{Server: p("/pki/server.key"), Keys: []string{"/pki/client-a.key"}},
			Second: tlscrypt.TLSCryptV2List{Server: p("/pki/server.key"), Keys: []string{}, Mode: mode},
		})
	})
	t.Run("auth_token_key", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, tlscrypt.NewAuthTokenKeys(r.Host), resourcetest.Case[tlscrypt.AuthTokenKey]{Name: "/pki/token.key", Second: tlscrypt.AuthTokenKey{Mode: mode}})
	})
	t.Run("totp_secret", func(t *testing.T) {
		r := newRoom(t)
		first := totp.Secret{Holder: p("alice"), Issuer: p("Acme")}
		second := first
		second.Owner = p("vpn")
		resourcetest.Conform(t, totp.NewSecrets(r.Host), resourcetest.Case[totp.Secret]{Name: "/pki/alice", First: first, Second: second})
	})
	t.Run("dh_params", func(t *testing.T) {
		r := newRoom(t)
		resourcetest.Conform(t, dhparams.NewDHParams(r.Host), resourcetest.Case[dhparams.DHParams]{Name: "/pki/dh.pem", First: dhparams.DHParams{Bits: p(2048)}, Second: dhparams.DHParams{Bits: p(3072)}})
	})
	t.Run("assembled_file", func(t *testing.T) {
		r := newRoom(t)
		r.put("/pki/part", "no newline")
		r.newCA("ecdsa-p256")
		resourcetest.Conform(t, assembled.NewAssembledFiles(r.Host), resourcetest.Case[assembled.AssembledFile]{
			Name:   "/pki/all",
			First:  assembled.AssembledFile{Parts: []assembled.Part{{Text: p("<ca>\n")}, {File: p("/pki/part")}, {Text: p("</ca>\n")}}},
			Second: assembled.AssembledFile{Parts: []assembled.Part{{File: p("/pki/part")}, {Fingerprint: p("/pki/ca.crt")}}, Owner: p("vpn")},
		})
	})
}

// issue gives a name a key and a certificate.
func (r *room) issue(name string) *Certificate {
	r.Helper()
	makeIt(r, newPrivateKeys(r.Host), "/pki/"+name+".key", PrivateKey{})
	return makeIt(r, newCertificates(r.Host), "/pki/"+name+".crt", leaf(name, policy.UsageClient))
}

// A pipe in the place of a directory holds nobody up.
func TestPipeForADirectory(t *testing.T) {
	r := newRoom(t)
	if err := unix.Mkfifo(r.at("/pki/ledger"), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 2)
	go func() {
		_, err := r.List("/pki/ledger")
		done <- err
		_, err = derived.Host{Root: "/"}.List(r.at("/pki/ledger"))
		done <- err
	}()
	for range 2 {
		select {
		case err := <-done:
			if err == nil {
				t.Error("it is taken for a directory")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a pipe holds it up")
		}
	}
}

package pki

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/kind/pki/assembled"
	"vpnd/internal/kind/pki/dhparams"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/kind/pki/tlscrypt"
	"vpnd/internal/kind/pki/totp"
	"vpnd/internal/kind/pki/wgkey"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

func TestWiderModeIsRepairedAndTheKeyLeftAlone(t *testing.T) {
	r := newRoom(t)
	want := PrivateKey{Algorithm: p("ecdsa-p256"), Format: p(policy.PKCS8), Mode: p(resource.Mode(0o600)), Owner: p("root"), Group: p("root")}
	makeIt(r, newPrivateKeys(r.Host), "/pki/k", want)
	key := r.get("/pki/k")
	before, err := os.Stat(r.at("/pki/k"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.at("/pki/k"), 0o644); err != nil {
		t.Fatal(err)
	}
	makeIt(r, newPrivateKeys(r.Host), "/pki/k", want)
	after, err := os.Stat(r.at("/pki/k"))
	if err != nil || after.Mode() != 0o600 || !os.SameFile(before, after) || r.get("/pki/k") != key {
		t.Errorf("%v %v", after.Mode(), err)
	}
}

// What isn't what it should be is observed nonetheless, so that its bytes are
// a prior and come back.
func TestForeignFilesComeBack(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes256", "-pass", "pass:x", "-out", "pki/locked")
	r.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f", "pki/ssh-locked")
	locked, sshLocked := r.get("/pki/locked"), r.get("/pki/ssh-locked")
	keys := newPrivateKeys(r.Host)
	for _, c := range []struct{ content, algorithm string }{
		{"", "unreadable"},
		{"\x00\xff garbage", "unreadable"},
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "unreadable"},
		{locked, "encrypted"},
		{sshLocked, "encrypted"},
	} {
		r.put("/pki/k", c.content)
		got, err := resourcetest.Observe(t.Context(), keys, "/pki/k")
		if err != nil || *got.Algorithm != c.algorithm || got.PEM.Reveal() != c.content {
			t.Fatalf("%q: %+v %v", c.content, got, err)
		}
		makeIt(r, keys, "/pki/k", PrivateKey{Algorithm: p("ecdsa-p256")})
		back := resource.Lasting(got).(*PrivateKey)
		makeIt(r, keys, "/pki/k", *back)
		if r.get("/pki/k") != c.content {
			t.Errorf("%q did not come back", c.content)
		}
	}
	restore(r, newCertificates(r.Host), "/pki/c.crt", func() Certificate { r.issue("c"); r.put("/pki/c.crt", "junk"); return leaf("c", policy.UsageClient) })
	restore(r, newCRLs(r.Host), "/pki/crl.pem", func() CRL {
		r.put("/pki/crl.pem", "junk")
		return CRL{Issuer: p("/pki/ca.crt"), IssuerKey: p("/pki/ca.key"), Ledger: p("/pki/issued"), Members: []string{"c"}}
	})
	restore(r, tlscrypt.NewStaticKeys(r.Host), "/pki/ta", func() tlscrypt.StaticKey { r.put("/pki/ta", "junk"); return tlscrypt.StaticKey{} })
	restore(r, wgkey.NewWireGuardKeys(r.Host), "/pki/wg", func() wgkey.WireGuardKey { r.put("/pki/wg", "junk"); return wgkey.WireGuardKey{} })
	restore(r, wgkey.NewWireGuardPSKs(r.Host), "/pki/psk", func() wgkey.WireGuardPSK { r.put("/pki/psk", "junk"); return wgkey.WireGuardPSK{} })
	restore(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/v2", func() tlscrypt.TLSCryptV2Key { r.put("/pki/v2", "junk"); return tlscrypt.TLSCryptV2Key{} })
	restore(r, dhparams.NewDHParams(r.Host), "/pki/dh", func() dhparams.DHParams { r.put("/pki/dh", "junk"); return dhparams.DHParams{Bits: p(2048)} })
	restore(r, assembled.NewAssembledFiles(r.Host), "/pki/all", func() assembled.AssembledFile {
		r.put("/pki/all", "junk")
		return assembled.AssembledFile{Parts: []assembled.Part{{Text: p("x")}}}
	})
}

// restore takes over a file that holds junk, and gives it back.
func restore[T any](r *room, v resource.Verbs[T], path string, begin func() T) {
	r.Helper()
	want := begin()
	got, err := resourcetest.Observe(r.Context(), v, path)
	if err != nil {
		r.Fatal(err)
	}
	makeIt(r, v, path, want)
	if r.get(path) == "junk" {
		r.Fatalf("%s was not taken over", path)
	}
	makeIt(r, v, path, *resource.Lasting(got).(*T))
	if r.get(path) != "junk" {
		r.Errorf("%s holds %q", path, r.get(path))
	}
}

func TestKeyInAnotherFormatIsConverted(t *testing.T) {
	r := newRoom(t)
	r.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", "pki/k") // with EC PARAMETERS before a SEC 1 key
	before := r.run("openssl", "pkey", "-in", "pki/k", "-pubout")
	makeIt(r, newPrivateKeys(r.Host), "/pki/k", PrivateKey{Algorithm: p("ecdsa-p256"), Format: p(policy.PKCS8)})
	if after := r.run("openssl", "pkey", "-in", "pki/k", "-pubout"); after != before || !strings.HasPrefix(r.get("/pki/k"), "-----BEGIN PRIVATE KEY-----") {
		t.Error("another key took its place")
	}
}

func TestCertificateOfTheCAIsNotVoided(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	keys, certs := newPrivateKeys(r.Host), newCertificates(r.Host)
	ca := Certificate{Key: p("/pki/ca.key"), Usage: p(policy.UsageCA), Subject: &policy.Subject{CommonName: "Other CA"}}
	_, err := certs.Normalize(t.Context(), map[string]*Certificate{"/pki/ca.crt": &ca}) // so that it is not even planned
	if err == nil || !strings.HasPrefix(err.Error(), `the CA that stands there is named "O = Acme, Inc., CN = Acme VPN CA", and under another name all that it signed would be void; remove it to begin a new CA`) {
		t.Error(err)
	}
	key := r.get("/pki/ca.key")
	if err := tryIt(r, keys, "/pki/ca.key", PrivateKey{Algorithm: p("rsa-2048"), Certificate: p("/pki/ca.crt")}); err != nil || r.get("/pki/ca.key") != key {
		t.Errorf("another algorithm for new keys is no reason for a new CA: %v", err)
	}
	makeIt(r, keys, "/pki/other.key", PrivateKey{})
	r.put("/pki/ca.key", r.get("/pki/other.key"))
	err = tryIt(r, keys, "/pki/ca.key", PrivateKey{Algorithm: p("ed25519"), Certificate: p("/pki/ca.crt")})
	if err == nil || !strings.HasPrefix(err.Error(), "the key that stands there does not belong to the CA /pki/ca.crt; bring back the one that does") {
		t.Error(err)
	}
	r.put("/pki/ca.key", "garbage")
	err = tryIt(r, keys, "/pki/ca.key", PrivateKey{Algorithm: p("ecdsa-p256"), Certificate: p("/pki/ca.crt")})
	if err == nil || !strings.Contains(err.Error(), "the key of the CA /pki/ca.crt can't be used: it holds no private key that can be read; bring it back from a backup") {
		t.Error(err)
	}
	ca.Subject, ca.Key = &policy.Subject{CommonName: "Acme VPN CA", Organization: "Acme, Inc."}, p("/pki/other.key")
	if err := tryIt(r, certs, "/pki/ca.crt", ca); err == nil || !strings.Contains(err.Error(), "the CA that stands there does not belong to the key /pki/other.key; remove it") {
		t.Error(err)
	}
}

func TestErrorsNameAWayOut(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	certs := newCertificates(r.Host)
	noCA, otherKey, noKey := leaf("a", policy.UsageServer), leaf("a", policy.UsageServer), leaf("none", policy.UsageServer)
	noCA.Issuer, noCA.IssuerKey = p("/pki/a.crt"), p("/pki/a.key")
	otherKey.IssuerKey = p("/pki/a.key")
	for want, err := range map[string]error{
		"/pki/a.crt is not the certificate of a CA; name one that is":                             tryIt(r, certs, "/pki/x.crt", noCA),
		"the key /pki/a.key does not belong to the CA /pki/ca.crt; bring back the one that does":  tryIt(r, certs, "/pki/x.crt", otherKey),
		"reading its key /pki/none.key: ":                                                         tryIt(r, certs, "/pki/x.crt", noKey),
		"reading its part /pki/nothing: ":                                                         tryIt(r, assembled.NewAssembledFiles(r.Host), "/pki/all", assembled.AssembledFile{Parts: []assembled.Part{{File: p("/pki/nothing")}}}),
		"reading the server's key /pki/a.key: it holds no OpenVPN tls-crypt-v2 server key in PEM": tryIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/v2", tlscrypt.TLSCryptV2Key{Server: p("/pki/a.key")}),
		"there is no user \"nobody-here\"; create it first, or give a number":                     tryIt(r, tlscrypt.NewStaticKeys(r.Host), "/pki/ta", tlscrypt.StaticKey{Owner: p("nobody-here")}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := os.Symlink("a.key", r.at("/pki/link.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := resourcetest.Observe(t.Context(), newPrivateKeys(r.Host), "/pki/link.key"); err == nil || err.Error() != "a symbolic link stands there; remove it, or name the file where it leads" {
		t.Error(err)
	}
}

// A part may be reached through links, as in Let's Encrypt's live directory.
func TestAssembledFileFollowsItsParts(t *testing.T) {
	r := newRoom(t)
	r.put("/pki/one", "1")
	if err := os.Symlink("one", r.at("/pki/live")); err != nil {
		t.Fatal(err)
	}
	v := assembled.NewAssembledFiles(r.Host)
	want := assembled.AssembledFile{Parts: []assembled.Part{{Text: p("<x>\n")}, {File: p("/pki/live")}, {Text: p("</x>\n")}}, Mode: p(resource.Mode(0o600))}
	makeIt(r, v, "/pki/all", want)
	if got := r.get("/pki/all"); got != "<x>\n1\n</x>\n" {
		t.Errorf("%q", got)
	}
	r.put("/pki/one", "2\n")
	makeIt(r, v, "/pki/all", want)
	if got := r.get("/pki/all"); got != "<x>\n2\n</x>\n" {
		t.Errorf("%q", got)
	}
	r.remove("/pki/one")
	got, err := v.Observe(t.Context(), map[string]*assembled.AssembledFile{"/pki/all": &want})
	if err != nil || *got["/pki/all"].Current {
		t.Errorf("without its part it is current: %v", err)
	}
}

// Since when somebody has another seed no undo takes back: with the list as it was, the
// tokens of a lost phone would be good again.
func TestAListOfSeedsIsNeverBroughtBack(t *testing.T) {
	r := newRoom(t)
	v, seeds := assembled.NewAssembledFiles(r.Host), totp.NewSecrets(r.Host)
	makeIt(r, seeds, "/pki/seed", totp.Secret{})
	want := assembled.AssembledFile{Parts: []assembled.Part{{Text: p("alice ")}, {Codes: p("/pki/seed")}}}
	makeIt(r, v, "/pki/since", want)
	was, err := v.Observe(t.Context(), map[string]*assembled.AssembledFile{"/pki/since": &want})
	if err != nil {
		t.Fatal(err)
	}
	r.put("/pki/seed", totp.Lost)
	makeIt(r, seeds, "/pki/seed", totp.Secret{})
	back := *was["/pki/since"]
	back.Current = nil // as of all that an undo brings back
	makeIt(r, v, "/pki/since", back)
	if got := r.get("/pki/since"); got == "alice 0\n" || got != "alice "+totp.Since([]byte(r.get("/pki/seed")))+"\n" {
		t.Errorf("%q", got)
	}
}

func TestHalfAKeyGoesWithIt(t *testing.T) {
	r := newRoom(t)
	const half = "/pki/.a.key.vpnd-AAAAAAAA" // of a writer that was killed
	r.put(half, "half")
	if err := resourcetest.Remove(t.Context(), newPrivateKeys(r.Host), "/pki/a.key"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(r.at(half)); err == nil {
		t.Error("it is still there")
	}
}

func TestLedgerKeepsWhatIsNotItsOwn(t *testing.T) {
	r := newRoom(t)
	r.newCA("ecdsa-p256")
	r.issue("a")
	r.put("/pki/issued/notes.txt", "mine")
	v := &ledgers{r.Host}
	if err := resourcetest.Remove(t.Context(), v, "/pki/issued"); err == nil || err.Error() != "the directory holds what is not vpnd's: notes.txt; move it away" {
		t.Error(err)
	}
	r.remove("/pki/issued/notes.txt")
	r.put("/pki/issued/.0a1b.pem.vpnd-AAAAAAAA", "of a writer that was killed")
	if err := resourcetest.Remove(t.Context(), v, "/pki/issued"); err != nil {
		t.Error(err)
	}
}

func TestNothingSecretIsEverShown(t *testing.T) {
	r := newRoom(t)
	makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/v2s", tlscrypt.TLSCryptV2Key{})
	observations := []any{
		makeIt(r, newPrivateKeys(r.Host), "/pki/k", PrivateKey{}),
		makeIt(r, newPrivateKeys(r.Host), "/pki/ssh", PrivateKey{Format: p(policy.OpenSSH)}),
		makeIt(r, tlscrypt.NewStaticKeys(r.Host), "/pki/ta", tlscrypt.StaticKey{}),
		makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/v2c", tlscrypt.TLSCryptV2Key{Server: p("/pki/v2s")}),
		makeIt(r, assembled.NewAssembledFiles(r.Host), "/pki/all", assembled.AssembledFile{Parts: []assembled.Part{{File: p("/pki/k")}}}),
	}
	for i, path := range []string{"/pki/k", "/pki/ssh", "/pki/ta", "/pki/v2c", "/pki/all"} {
		if info, err := os.Stat(r.at(path)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
		shown := fmt.Sprintf("%v %+v %#v %v", observations[i], observations[i], observations[i], resource.Describe(observations[i]))
		for _, line := range strings.Split(r.get(path), "\n") {
			if len(line) > 30 && !strings.HasPrefix(line, "-") && strings.Contains(shown, line) {
				t.Errorf("%s shows %s", path, line)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	wide := p(resource.Mode(0o644))
	for _, c := range []struct {
		what resource.Validator
		name string
		want []string
	}{
		{&PrivateKey{Algorithm: p("rsa-1024"), Format: p("der"), Mode: wide, Owner: p("a b")}, "relative", []string{
			`: "relative" is no clean absolute path of a file`, "algorithm: RSA of 1024 bits can be broken", `format: "der" is not one of`, "mode: mode 0644 lets every user", `owner: "a b" can be no owner`,
		}},
		{&PrivateKey{Algorithm: p("dsa")}, "/a\nb", []string{`: "/a\nb" is no clean`, `algorithm: there is no algorithm "dsa"`}},
		{&Certificate{Key: p("/k"), Usage: p("tls"), Subject: &policy.Subject{CommonName: "a\nb", Country: "usa", Email: "ä@b"}, Issuer: p("/ca"), DNSNames: []string{"vpn.example.com", "10.0.0.1"}, Validity: p(30 * resource.Day), RenewBefore: p(30 * resource.Day)}, "/c/", []string{
			`: "/c/" is no clean`, `usage: "tls" is not one of`, "issuer: an issuer signs with its key", `subject.common_name: "a\nb" is no common name`, `subject.country: "usa"`, `subject.email: "ä@b"`, `dns_names: "10.0.0.1" is no host name`, "renew_before: a certificate that is good for 30d can't be renewed 30d before its end",
		}},
		{&Certificate{Key: p("/k"), Subject: &policy.Subject{CommonName: "Acme Corp VPN CA"}, Validity: p(resource.Duration(time.Second))}, "/c", []string{"validity: 1s is no sensible life"}},
		{&CRL{Issuer: p("ca")}, "/crl", []string{`issuer: "ca" is no clean`}},
		{&tlscrypt.StaticKey{Mode: wide}, "/k", []string{"mode: "}},
		{&wgkey.WireGuardKey{Mode: wide}, "wg0.key", []string{`: "wg0.key" is no clean`, "mode: "}},
		{&wgkey.WireGuardPSK{Mode: wide}, "/k", []string{"mode: "}},
		{&tlscrypt.TLSCryptV2Key{Mode: wide, Server: p("k")}, "/k", []string{`server: "k"`, "mode: "}},
		{&Ledger{Mode: wide}, "/k", []string{"mode: "}},
		{&dhparams.DHParams{Bits: p(1024)}, "/dh", []string{"bits: RFC 7919 has no group of 1024 bits"}},
		{&assembled.AssembledFile{Parts: []assembled.Part{{}, {Text: p(""), File: p("/x")}, {File: p("y")}}}, "/f", []string{"part.0: a part is either", "part.1: a part is either", `part.2.file: "y"`}},
		{&assembled.AssembledFile{Parts: []assembled.Part{{Text: p("x")}}, Mode: wide}, "/f", nil},
	} {
		found := c.what.Validate(c.name)
		for i, m := range found {
			line := m.Path + ": " + m.Summary
			if i >= len(c.want) || !strings.HasPrefix(line, c.want[i]) || m.Hint == "" {
				t.Errorf("%T: %s (%s)", c.what, line, m.Hint)
			}
		}
		if len(found) != len(c.want) {
			t.Errorf("%T: %d mistakes, want %d", c.what, len(found), len(c.want))
		}
	}
}

// Nothing is remembered of a wish: looks by different ones, at the same time,
// each have their own answer.
func TestTheWishIsTheMeasure(t *testing.T) {
	r := newRoom(t)
	r.put("/pki/one", "1\n")
	v := assembled.NewAssembledFiles(r.Host)
	want := assembled.AssembledFile{Parts: []assembled.Part{{File: p("/pki/one")}}}
	makeIt(r, v, "/pki/all", want)
	other := assembled.AssembledFile{Parts: []assembled.Part{{Text: p("2")}}}
	var hands sync.WaitGroup
	for range 50 {
		for measure, current := range map[*assembled.AssembledFile]bool{&want: true, &other: false, nil: false} {
			hands.Go(func() {
				got, err := v.Observe(t.Context(), map[string]*assembled.AssembledFile{"/pki/all": measure})
				if err != nil || *got["/pki/all"].Current != current {
					t.Errorf("by %+v it is %+v, %v", measure, got["/pki/all"], err)
				}
			})
		}
	}
	hands.Wait()
}

// Who holds the other half of a key has to be told before a new one is made.
func TestWhatANewKeyVoids(t *testing.T) {
	r := newRoom(t)
	ca, own, shown := PrivateKey{Certificate: p("/pki/ca.crt")}, PrivateKey{}, PrivateKey{Format: p("openssh")}
	wrapped := tlscrypt.TLSCryptV2Key{Server: p("/pki/v2")}
	void := func(kind, name string, want any) string {
		for _, k := range Kinds(r.Host) {
			if k.Name == kind {
				return k.Invalidates(k.Observe(t.Context(), map[string]any{name: want})[name].Got, want)
			}
		}
		t.Fatal(kind)
		return ""
	}
	expect := func(when, authority, static, v2, wireguard, ssh string) {
		t.Helper()
		for _, c := range []struct{ got, want string }{
			{void(KindPrivateKey, "/pki/ca.key", &ca), authority},
			{void(KindStaticKey, "/pki/ta", &tlscrypt.StaticKey{}), static},
			{void(KindTLSCryptV2Key, "/pki/v2", &tlscrypt.TLSCryptV2Key{}), v2},
			{void(KindWireGuardKey, "/pki/wg", &wgkey.WireGuardKey{}), wireguard},
			{void(KindWireGuardPSK, "/pki/psk", &wgkey.WireGuardPSK{}), wireguard},
			{void(KindPrivateKey, "/pki/ssh", &shown), ssh},
			{void(KindPrivateKey, "/pki/own.key", &own), ""},
			{void(KindTLSCryptV2Key, "/pki/v2-client", &wrapped), ""},
			{void(KindCertificate, "/pki/own.crt", &Certificate{}), ""},
		} {
			if c.got != c.want {
				t.Errorf("%s: %q instead of %q", when, c.got, c.want)
			}
		}
	}
	const signed, held, keys = "every certificate that it signed", "every profile that holds it", "every profile with a key that it wrapped"
	const known, letsIn = "every profile and peer that knows it", "every account that lets it in"
	expect("nothing is there", signed, held, keys, known, letsIn)
	makeIt(r, newPrivateKeys(r.Host), "/pki/ca.key", ca)
	makeIt(r, tlscrypt.NewStaticKeys(r.Host), "/pki/ta", tlscrypt.StaticKey{})
	makeIt(r, tlscrypt.NewTLSCryptV2Keys(r.Host), "/pki/v2", tlscrypt.TLSCryptV2Key{})
	makeIt(r, wgkey.NewWireGuardKeys(r.Host), "/pki/wg", wgkey.WireGuardKey{})
	makeIt(r, wgkey.NewWireGuardPSKs(r.Host), "/pki/psk", wgkey.WireGuardPSK{})
	makeIt(r, newPrivateKeys(r.Host), "/pki/ssh", PrivateKey{})
	expect("in another format", "", "", "", "", "")
	makeIt(r, newPrivateKeys(r.Host), "/pki/ssh", shown)
	expect("all stands", "", "", "", "", "")
	for _, file := range []string{"/pki/ssh", "/pki/ca.key", "/pki/ta", "/pki/v2", "/pki/wg", "/pki/psk"} {
		r.put(file, "")
	}
	expect("all is empty", signed, held, keys, known, letsIn)
	if back := void(KindStaticKey, "/pki/none", &tlscrypt.StaticKey{PEM: resource.NewSecret("x")}); back != "" {
		t.Errorf("bytes that come back void %q", back)
	}
}

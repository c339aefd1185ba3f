package profile

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"image"
	"image/color"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	qr "github.com/piglig/go-qr"
	"software.sslmate.com/src/go-pkcs12"
)

func signed(t *testing.T, name string, key, by crypto.Signer, parent *x509.Certificate) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour), IsCA: parent == nil, BasicConstraintsValid: true}
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// profiled is a profile of OpenVPN for a key.
func profiled(t *testing.T, key crypto.Signer) string {
	t.Helper()
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := signed(t, "CA", authority, authority, nil)
	alice := signed(t, "alice", key, authority, ca)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return "# Made by vpnd\nclient\n<ca>\n" + block("CERTIFICATE", ca.Raw) + "</ca>\n<cert>\n" + block("CERTIFICATE", alice.Raw) + "</cert>\n<key>\n" +
		block("PRIVATE KEY", der) + "</key>\n<tls-crypt-v2>\nSECRET\n</tls-crypt-v2>\nverb 3\n"
}

func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	r, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ecdsa": ec, "ed25519": ed, "rsa": r}
}

// Whatever the key, both forms hold it with its certificate and the CA, for who knows
// the passphrase, and OpenSSL reads them.
func TestPKCS12(t *testing.T) {
	for name, key := range keys(t) {
		for _, legacy := range []bool{false, true} {
			data, err := PKCS12([]byte(profiled(t, key)), "correct horse", legacy)
			if err != nil {
				t.Fatal(name, legacy, err)
			}
			got, own, authorities, err := pkcs12.DecodeChain(data, "correct horse")
			if err != nil || own.Subject.CommonName != "alice" || len(authorities) != 1 || authorities[0].Subject.CommonName != "CA" {
				t.Fatal(name, legacy, err, own, authorities)
			}
			if is, ok := got.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !is.Equal(key) {
				t.Errorf("%s, legacy %v: another key", name, legacy)
			}
			if _, _, _, err := pkcs12.DecodeChain(data, "wrong horse"); err == nil {
				t.Errorf("%s, legacy %v: any passphrase opens it", name, legacy)
			}
			if old := bytes.Contains(data, oidTripleDES); old != legacy {
				t.Errorf("%s, legacy %v: encrypted by triple DES: %v", name, legacy, old)
			}
			readByOpenSSL(t, data, legacy)
		}
	}
}

// oidTripleDES is pbeWithSHAAnd3-KeyTripleDES-CBC, 1.2.840.113549.1.12.1.3; RFC 7292, C.
var oidTripleDES = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03}

func readByOpenSSL(t *testing.T, data []byte, legacy bool) {
	t.Helper()
	args := []string{"pkcs12", "-nodes", "-passin", "stdin"}
	if legacy {
		args = append(args, "-legacy")
	}
	file := filepath.Join(t.TempDir(), "a.p12")
	write(t, file, data)
	cmd := exec.CommandContext(t.Context(), "openssl", append(args, "-in", file)...)
	cmd.Stdin = strings.NewReader("correct horse\n")
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "BEGIN CERTIFICATE") != 2 || !strings.Contains(string(out), "BEGIN PRIVATE KEY") {
		t.Errorf("openssl, legacy %v: %v\n%s", legacy, err, out)
	}
}

// What has no key that can be read is refused, and the key is not quoted.
func TestPKCS12OfNoKey(t *testing.T) {
	whole := profiled(t, keys(t)["ecdsa"])
	for what, c := range map[string]struct {
		text string
		none bool
	}{
		"WireGuard":      {"[Interface]\nPrivateKey = abc\n", true},
		"no key":         {string(Beside([]byte(whole), "a.p12")), true},
		"damaged":        {strings.Replace(whole, "<cert>\n", "<cert>\n"+block("CERTIFICATE", []byte("no")), 1), false},
		"encrypted":      {strings.Replace(whole, "<key>\n", "<key>\n"+block("ENCRYPTED PRIVATE KEY", []byte("sealed")), 1), false},
		"without an end": {strings.Replace(whole, "</key>\n", "", 1), true},
	} {
		data, err := PKCS12([]byte(c.text), "correct horse", false)
		if err == nil || data != nil || errors.Is(err, ErrNoKey) != c.none || strings.Contains(err.Error(), "MIG") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Beside a key store goes all but the certificate and the key; its name is no directive.
func TestBeside(t *testing.T) {
	whole := profiled(t, keys(t)["ecdsa"])
	got := string(Beside([]byte(whole), "a\"\\\nscript-security 2.p12"))
	for _, lost := range []string{"PRIVATE", "<cert>", "</cert>", "<key>", "</key>", "\nscript-security"} {
		if strings.Contains(got, lost) {
			t.Errorf("it has %q", lost)
		}
	}
	for _, kept := range []string{"# Made by vpnd\n# The certificate", `pkcs12 "a\"\\?script-security 2.p12"`, "\nclient\n", "<ca>\n", "</ca>\n", "<tls-crypt-v2>\nSECRET\n</tls-crypt-v2>\n", "verb 3\n"} {
		if !strings.Contains(got, kept) {
			t.Errorf("it lacks %q:\n%s", kept, got)
		}
	}
	if n := strings.Count(got, "BEGIN CERTIFICATE"); n != 1 {
		t.Errorf("%d certificates stay, not that of the CA alone", n)
	}
}

// All but the key stays as it is, and that is the same key for who knows the passphrase.
func TestLocked(t *testing.T) {
	for name, key := range keys(t) {
		whole := profiled(t, key)
		got, err := Locked([]byte(whole), "correct horse")
		if err != nil {
			t.Fatal(name, err)
		}
		if n := bytes.Count(got, []byte("PRIVATE KEY-----")); n != 2 || !bytes.Contains(got, []byte("\n<key>\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n")) {
			t.Errorf("%s: the key stands there as it was:\n%s", name, got)
		}
		sealed := inline(got, "key")
		lines := slices.DeleteFunc(strings.SplitAfter(strings.Replace(string(got), string(sealed), "", 1), "\n"), func(line string) bool {
			return strings.HasPrefix(line, "# Its key") || strings.HasPrefix(line, "# there to type")
		})
		if rest := strings.Join(lines, ""); rest != strings.Replace(whole, string(inline([]byte(whole), "key")), "", 1) {
			t.Errorf("%s: more was changed than the key:\n%s", name, rest)
		}
		file := filepath.Join(t.TempDir(), "key.pem")
		write(t, file, sealed)
		cmd := exec.CommandContext(t.Context(), "openssl", "pkey", "-in", file, "-passin", "stdin")
		cmd.Stdin = strings.NewReader("correct horse\n")
		plain, err := cmd.Output()
		if is, bad := privateKey(plain); err != nil || bad != nil || !is.(interface{ Equal(crypto.PrivateKey) bool }).Equal(key) {
			t.Error(name, "another key", err, bad)
		}
	}
}

// Where there is no key, or one that can't be read, there is no such profile.
func TestLockedOfNoKey(t *testing.T) {
	whole := profiled(t, keys(t)["ed25519"])
	for what, text := range map[string]string{
		"WireGuard":      "[Interface]\nPrivateKey = abc\n",
		"no key":         string(Beside([]byte(whole), "a.p12")),
		"without an end": strings.Replace(whole, "</key>\n", "", 1),
	} {
		if got, err := Locked([]byte(text), "correct horse"); got != nil || !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	once, err := Locked([]byte(whole), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Locked(once, "correct horse"); got != nil || err == nil || errors.Is(err, ErrNoKey) {
		t.Error("what is encrypted was encrypted again:", err)
	}
}

// A camera reads from a terminal what was put in.
func TestQR(t *testing.T) {
	for _, size := range []int{1, 350, 1000, MostInCode} {
		text := strings.Repeat("a", size-1) + "#"
		code, err := QR([]byte(text))
		if err != nil {
			t.Fatal(size, err)
		}
		got, err := qr.Decode(photo(t, code))
		if err != nil || got != text {
			t.Errorf("%d bytes: %v, %d bytes", size, err, len(got))
		}
	}
	if _, err := QR(make([]byte, MostInCode+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestBare(t *testing.T) {
	if got := string(Bare([]byte("# Made by vpnd\n[Interface]\nPrivateKey = a#b\n\n  # aside\n[Peer]\n"))); got != "[Interface]\nPrivateKey = a#b\n[Peer]\n" {
		t.Errorf("%q", got)
	}
}

// photo is what a camera sees of the characters.
func photo(t *testing.T, c Code) image.Image {
	t.Helper()
	const scale = 4
	lines := strings.Split(strings.TrimSuffix(c.Text, "\n"), "\n")
	if len(lines) != c.Height {
		t.Fatalf("%d lines instead of %d", len(lines), c.Height)
	}
	picture := image.NewGray(image.Rect(0, 0, c.Width*scale, 2*c.Height*scale))
	fill := func(x, y int, dark bool) {
		for dx := range scale {
			for dy := range scale {
				shade := color.Gray{255}
				if dark {
					shade.Y = 0
				}
				picture.SetGray(x*scale+dx, y*scale+dy, shade)
			}
		}
	}
	for y, line := range lines {
		line, ok := strings.CutPrefix(line, "\x1b[30;107m")
		line, end := strings.CutSuffix(line, "\x1b[0m")
		cells := []rune(line)
		if !ok || !end || len(cells) != c.Width {
			t.Fatalf("line %d: %q", y, line)
		}
		for x, cell := range cells {
			fill(x, 2*y, cell == '█' || cell == '▀')
			fill(x, 2*y+1, cell == '█' || cell == '▄')
		}
	}
	return picture
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

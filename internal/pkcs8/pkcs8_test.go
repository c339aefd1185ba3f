package pkcs8

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// OpenSSL reads the key of any algorithm, for who knows the passphrase alone, and says
// that it is encrypted as it shall be.
func TestOpenSSLReadsIt(t *testing.T) {
	ec, err1 := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	_, ed, err2 := ed25519.GenerateKey(rand.Reader)
	r, err3 := rsa.GenerateKey(rand.Reader, 2048)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ecdsa": ec, "ed25519": ed, "rsa": r} {
		t.Run(name, func(t *testing.T) {
			const passphrase = "pass wörd \"of\" $many # words"
			data, err := Encrypt(key, passphrase, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "key.pem")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			plain, err := openssl(t, passphrase, "pkey", "-in", file, "-passin", "stdin")
			if err != nil {
				t.Fatalf("%v\n%s", err, plain)
			}
			block, _ := pem.Decode(plain)
			if block == nil {
				t.Fatalf("no key:\n%s", plain)
			}
			got, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if is, ok := got.(interface{ Equal(crypto.PrivateKey) bool }); err != nil || !ok || !is.Equal(key) {
				t.Error("another key", err)
			}
			if out, err := openssl(t, "another", "pkey", "-in", file, "-passin", "stdin"); err == nil {
				t.Errorf("any passphrase opens it:\n%s", out)
			}
			tree, err := openssl(t, "", "asn1parse", "-in", file)
			for _, of := range []string{":PBES2", ":PBKDF2", ":hmacWithSHA256", ":aes-256-cbc", ":0927C0"} {
				if err != nil || !strings.Contains(string(tree), of) {
					t.Errorf("no %s: %v\n%s", of, err, tree)
				}
			}
		})
	}
}

func openssl(t *testing.T, in string, args ...string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = strings.NewReader(in + "\n")
	return cmd.CombinedOutput()
}

// Two of one key have nothing in common, and without chance there is none.
func TestEachIsSalted(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := Encrypt(key, "correct horse", rand.Reader)
	other, err2 := Encrypt(key, "correct horse", rand.Reader)
	if err1 != nil || err2 != nil || bytes.Equal(one, other) {
		t.Error(err1, err2)
	}
	none := errors.New("no chance")
	if data, err := Encrypt(key, "correct horse", iotest.ErrReader(none)); !errors.Is(err, none) || data != nil {
		t.Error(err)
	}
	if data, err := Encrypt("no key", "correct horse", rand.Reader); err == nil || data != nil {
		t.Error("something that is no key was encrypted")
	}
}

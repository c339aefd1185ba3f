package pki

import (
	"crypto"
	"crypto/x509"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
)

// These are what is read once in a scene.
type (
	issuerPath string
	ledgerPath string
	signerPath string
)

// found is what was found at a path, or why nothing was.
type found[T any] struct {
	is  T
	err error
}

// certificateAt returns the certificate at that path.
func certificateAt(s *derived.Scene, path string) (*x509.Certificate, error) {
	f := derived.Once(s, issuerPath(path), func() (f found[*x509.Certificate]) {
		var data []byte
		if data, f.err = s.Follow(path); f.err == nil {
			f.is, f.err = policy.ParseCertificate(data)
		}
		return f
	})
	return f.is, f.err
}

// ledgerAt returns the ledger in that directory.
func ledgerAt(s *derived.Scene, dir string) (*ledger, error) {
	f := derived.Once(s, ledgerPath(dir), func() (f found[*ledger]) {
		f.is, f.err = openLedger(s.Host, dir)
		return f
	})
	return f.is, f.err
}

// keyAt returns the private key at that path, of a CA that signs.
func keyAt(s *derived.Scene, path string) (crypto.Signer, error) {
	f := derived.Once(s, signerPath(path), func() (f found[crypto.Signer]) {
		var data []byte
		if data, f.err = s.Follow(path); f.err == nil {
			f.is, f.err = policy.ParseSigner(data)
		}
		return f
	})
	return f.is, f.err
}

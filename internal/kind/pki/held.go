package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
)

// heldKey is what a file with a private key tells of it. Finding that out is
// arithmetic, and of the same content it comes to the same.
type heldKey struct {
	algorithm, format string
	public            []byte // SubjectPublicKeyInfo, RFC 5280 section 4.1.2.7
}

// The questions to the memo.
const (
	whichKey  = "which key"
	whoSigned = "who signed"
)

// heldIn tells of the private key in a file of that content.
func heldIn(s *derived.Scene, data []byte) (held heldKey, err error) {
	told, ok := s.Memo.Of(whichKey, func() (string, bool) {
		key, format, wrong := policy.ParseKey(data)
		if wrong != nil {
			held.format, err = format, wrong
			return "", false
		}
		return tellKey(key, format)
	}, data)
	if err != nil || !ok {
		return held, err
	}
	held.algorithm, told, _ = strings.Cut(told, " ")
	held.format, told, _ = strings.Cut(told, " ")
	held.public = []byte(told)
	return held, nil
}

func tellKey(key crypto.Signer, format string) (string, bool) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	return policy.AlgorithmOf(key.Public()) + " " + format + " " + string(public), err == nil
}

// heldAt tells of the private key at that path. A file that is as it was when it was
// read last is not read again.
func heldAt(s *derived.Scene, path string) (heldKey, error) {
	info, unseen := s.Look(path)
	if unseen == nil {
		if held, still := s.Memo.Still(path, info); still {
			return held.(heldKey), nil
		}
	}
	data, err := s.Follow(path)
	if err != nil {
		return heldKey{}, err
	}
	held, err := heldIn(s, data)
	if unseen == nil && err == nil { // what changed in between differs from this look too
		s.Memo.Saw(path, info, s.Now, held)
	}
	return held, err
}

// is says whether the certificate is of that key. There are several ways to write
// down a public key.
func (k heldKey) is(cert *x509.Certificate) bool {
	if bytes.Equal(k.public, cert.RawSubjectPublicKeyInfo) {
		return true
	}
	public, err := x509.ParsePKIXPublicKey(k.public)
	return err == nil && policy.SamePublic(public, cert.PublicKey)
}

// signed says whether the issuer signed a certificate.
func signed(s *derived.Scene, cert, issuer *x509.Certificate) bool {
	_, ok := s.Memo.Of(whoSigned, func() (string, bool) { return "", policy.SignedBy(cert, issuer) == nil }, cert.Raw, issuer.Raw)
	return ok
}

package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/likeness"
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
	return keyTold(told), nil
}

// keyTold reads what tellKey wrote.
func keyTold(told string) (held heldKey) {
	held.algorithm, told, _ = strings.Cut(told, " ")
	held.format, told, _ = strings.Cut(told, " ")
	held.public = []byte(told)
	return held
}

func (k heldKey) tell() string { return k.algorithm + " " + k.format + " " + string(k.public) }

func tellKey(key crypto.Signer, format string) (string, bool) {
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	return heldKey{policy.AlgorithmOf(key.Public()), format, public}.tell(), err == nil
}

// heldAt tells of the private key at that path. A file that is as it was when it was
// read last is not read again.
func heldAt(s *derived.Scene, path string) (heldKey, error) {
	info, unseen := s.Look(path)
	if unseen == nil {
		if told, still := s.Memo.Still(whichKey, path, info); still {
			return keyTold(told), nil
		}
	}
	data, err := s.Follow(path)
	if err != nil {
		return heldKey{}, err
	}
	held, err := heldIn(s, data)
	if unseen == nil && err == nil && s.Memo.Saw(whichKey, path, info, s.Now, held.tell()) { // what changed in between differs from this look too
		s.Memo.Forget(whichKey, data)
	}
	return held, err
}

// is says whether a certificate is of that key. There are several ways to write down a
// public key.
func (k heldKey) is(cert *likeness.Likeness) bool {
	if bytes.Equal(k.public, cert.Public) {
		return true
	}
	mine, wrong := x509.ParsePKIXPublicKey(k.public)
	its, err := x509.ParsePKIXPublicKey(cert.Public)
	return wrong == nil && err == nil && policy.SamePublic(mine, its)
}

// signed says whether the issuer signed a certificate. Of one that is only remembered it
// is known of one issuer alone.
func signed(s *derived.Scene, cert *likeness.Likeness, issuer *x509.Certificate) bool {
	if cert.Itself == nil {
		return cert.Signer == likeness.Mark(issuer)
	}
	_, ok := s.Memo.Of(whoSigned, func() (string, bool) { return "", policy.SignedBy(cert.Itself, issuer) == nil }, cert.Itself.Raw, issuer.Raw)
	return ok
}

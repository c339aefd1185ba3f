package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/crypto/ssh"

	"vpnd/internal/resource"
)

// privateKeys are the verbs of private keys.
type privateKeys struct{ verbs[PrivateKey] }

func newPrivateKeys(h Host) *privateKeys {
	return &privateKeys{verbs[PrivateKey]{Host: h, nature: nature[PrivateKey]{
		access:      func(k *PrivateKey) access { return access{&k.Mode, &k.Owner, &k.Group} },
		kept:        func(k *PrivateKey) *string { return revealed(k.PEM) },
		read:        readPrivateKey,
		build:       buildPrivateKey,
		settle:      settlePrivateKey,
		waive:       func(k *PrivateKey) { k.Current = nil },
		beside:      publicKey,
		invalidates: invalidatesPrivateKey,
		sourcesOf: func(name string, k *PrivateKey) []string {
			if k.Format == nil || *k.Format != openssh {
				return nil
			}
			return []string{name + ".pub"}
		},
	}}}
}

func revealed(s *resource.Secret) *string {
	if s == nil {
		return nil
	}
	return resource.Ptr(s.Reveal())
}

// settlePrivateKey lets the key of a CA that stands keep its algorithm.
func settlePrivateKey(s *scene, name string, k *PrivateKey) error {
	k.Current = resource.Ptr(true)
	if k.Certificate == nil {
		return nil
	}
	ca, err := s.standing(*k.Certificate)
	if err != nil || ca == nil {
		return err
	}
	if key, err := s.key(name); err == nil && samePublic(key.Public(), ca.PublicKey) {
		k.Algorithm = resource.Ptr(algorithmOf(ca.PublicKey))
	}
	return nil
}

// readPrivateKey tells what a file holds. One that holds no usable key is an
// observation too, so that taking it over keeps its bytes.
func readPrivateKey(s *scene, name string, data []byte, want PrivateKey) (*PrivateKey, error) {
	key, format, err := parseKey(data)
	algorithm := "unreadable"
	switch {
	case errors.Is(err, errEncrypted):
		algorithm = "encrypted"
	case err == nil:
		algorithm = algorithmOf(key.Public())
	}
	n := publicKey(s, name, data)
	return &PrivateKey{
		Algorithm:   &algorithm,
		Format:      &format,
		Certificate: want.Certificate,
		Current:     resource.Ptr(n == nil || n.ours),
		Public:      publicLine(n),
		PEM:         resource.NewSecret(string(data)),
	}, nil
}

func publicLine(n *neighbour) *Public {
	if n == nil {
		return nil
	}
	return resource.Ptr(Public(strings.TrimSpace(string(n.data))))
}

// buildPrivateKey keeps the key that is there where its algorithm is the
// wished one.
func buildPrivateKey(s *scene, _ string, data []byte, want PrivateKey) (product, error) {
	algorithm, format := resource.Or(want.Algorithm, "ecdsa-p256"), resource.Or(want.Format, pkcs8)
	key, is, err := parseKey(data)
	if err == nil && algorithmOf(key.Public()) == algorithm && is == format {
		return product{data: data}, nil
	}
	if err != nil || algorithmOf(key.Public()) != algorithm {
		if key, err = generate(algorithm, s.Rand); err != nil {
			return product{}, fmt.Errorf("making the key: %w", err)
		}
	}
	made, err := marshalKey(key, format)
	return product{data: made}, err
}

// invalidatesPrivateKey says what hangs on the key of a CA, and on one that is shown to
// an SSH server. One that stands in another format stays the same key.
func invalidatesPrivateKey(got, want *PrivateKey) string {
	switch {
	case got != nil && *got.Algorithm == resource.Or(want.Algorithm, "ecdsa-p256"):
		return ""
	case want.Certificate != nil:
		return "every certificate that it signed"
	case resource.Or(want.Format, pkcs8) == openssh:
		return "every account that lets it in"
	}
	return ""
}

// publicKey is what stands beside an OpenSSH key: NAME.pub. A comment in it is
// its owner's.
func publicKey(s *scene, name string, data []byte) *neighbour {
	key, format, err := parseKey(data)
	if err != nil || format != openssh {
		return nil
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil
	}
	n := &neighbour{path: name + ".pub", data: ssh.MarshalAuthorizedKey(public)}
	there, _, err := s.read(n.path)
	n.stands = !errors.Is(err, fs.ErrNotExist)
	if err == nil {
		is, _, _, _, err := ssh.ParseAuthorizedKey(there)
		n.ours = err == nil && bytes.Equal(is.Marshal(), public.Marshal())
	}
	return n
}

// Check refuses to replace the key of a CA whose certificate stands: every
// certificate that it signed would be void.
func (v *privateKeys) Check(_ context.Context, name string, want PrivateKey) error {
	if want.Certificate == nil || want.PEM != nil {
		return nil
	}
	ca, err := v.standing(*want.Certificate)
	if err != nil || ca == nil {
		return err
	}
	data, _, err := v.Host.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key of the CA %s is gone; bring it back from a backup, or remove that certificate to begin a new CA, which cuts off everyone who has a certificate of the old one", *want.Certificate)
	}
	if err != nil {
		return err
	}
	key, err := parseSigner(data)
	if err != nil {
		return fmt.Errorf("the key of the CA %s can't be used: %w; bring it back from a backup, or remove that certificate to begin a new CA", *want.Certificate, err)
	}
	if !samePublic(key.Public(), ca.PublicKey) {
		return fmt.Errorf("the key that stands there does not belong to the CA %s; bring back the one that does, or remove that certificate to begin a new CA", *want.Certificate)
	}
	return nil
}

// standing returns the certificate of a CA that has not run out, or nil.
func (h Host) standing(path string) (*x509.Certificate, error) {
	data, err := h.follow(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cert, err := parseCertificate(data)
	if err != nil || !cert.IsCA || h.Clock().After(cert.NotAfter) {
		return nil, nil
	}
	return cert, nil
}

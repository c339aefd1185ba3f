package pki

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// privateKeys are the verbs of private keys.
type privateKeys struct{ derived.Verbs[PrivateKey] }

func newPrivateKeys(h derived.Host) *privateKeys {
	return &privateKeys{derived.Verbs[PrivateKey]{Host: h, Nature: derived.Nature[PrivateKey]{
		Access: func(k *PrivateKey) derived.Access {
			return derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}
		},
		Kept:   func(k *PrivateKey) *string { return derived.Revealed(k.PEM) },
		Read:   readPrivateKey,
		Build:  buildPrivateKey,
		Settle: settlePrivateKey,
		Waive:  func(k *PrivateKey) { k.Current = nil },
		Beside: publicKey,
		Voids:  invalidatesPrivateKey,
		Memory: rememberedKey(),
		SourcesOf: func(name string, k *PrivateKey) []string {
			if k.Format == nil || *k.Format != policy.OpenSSH {
				return nil
			}
			return []string{name + ".pub"}
		},
	}}}
}

// Observe finds the key of a CA that may be elsewhere to be as it shall be where it is
// not there, for as long as the certificate of the CA stands.
func (v *privateKeys) Observe(ctx context.Context, wants map[string]*PrivateKey) (map[string]*PrivateKey, error) {
	seen, err := v.Verbs.Observe(ctx, wants)
	for name, want := range wants {
		if seen[name] != nil || want == nil || !yes(want.Away) || want.Certificate == nil {
			continue
		}
		if _, bad := atomic.Stat(v.Root, name); !errors.Is(bad, fs.ErrNotExist) {
			continue
		}
		if ca, bad := standing(v.Host, *want.Certificate); bad == nil && ca != nil {
			seen[name] = elsewhere(ca, *want)
		}
	}
	return seen, err
}

// elsewhere is the key of a CA that is not there.
func elsewhere(ca *x509.Certificate, want PrivateKey) *PrivateKey {
	return &PrivateKey{
		Algorithm: resource.Ptr(policy.AlgorithmOf(ca.PublicKey)), Format: resource.Ptr(resource.Or(want.Format, policy.PKCS8)),
		Certificate: want.Certificate, Away: want.Away, Current: resource.Ptr(true), PEM: resource.NewSecret(""),
		Mode:  resource.Ptr(resource.Or(want.Mode, 0o600)),
		Owner: resource.Ptr(resource.Or(want.Owner, "root")), Group: resource.Ptr(resource.Or(want.Group, "root")),
	}
}

// settlePrivateKey lets the key of a CA that stands keep its algorithm.
func settlePrivateKey(s *derived.Scene, name string, k *PrivateKey) error {
	k.Current = resource.Ptr(true)
	if k.Certificate == nil {
		if held, err := heldAt(s, name); yes(k.Keep) && err == nil && slices.Contains(policy.Algorithms, held.algorithm) {
			k.Algorithm = &held.algorithm
		}
		return nil
	}
	ca, err := standing(s.Host, *k.Certificate)
	if err != nil || ca == nil {
		return err
	}
	key, err := keyAt(s, name)
	if err == nil && policy.SamePublic(key.Public(), ca.PublicKey) || yes(k.Away) && errors.Is(err, fs.ErrNotExist) {
		k.Algorithm = resource.Ptr(policy.AlgorithmOf(ca.PublicKey))
	}
	return nil
}

// readPrivateKey tells what a file holds. One that holds no usable key is an
// observation too, so that taking it over keeps its bytes.
func readPrivateKey(s *derived.Scene, name string, data []byte, want PrivateKey) (*PrivateKey, error) {
	key, err := heldIn(s, data)
	switch {
	case errors.Is(err, policy.ErrEncrypted):
		key.algorithm = "encrypted"
	case err != nil:
		key.algorithm = "unreadable"
	}
	var n *derived.Neighbour
	if key.format == policy.OpenSSH {
		n = publicKey(s, name, data)
	}
	got := tellPrivateKey(key, n, want)
	got.PEM = resource.NewSecret(string(data))
	return got, nil
}

// tellPrivateKey tells of a key all but its bytes.
func tellPrivateKey(key heldKey, n *derived.Neighbour, want PrivateKey) *PrivateKey {
	return &PrivateKey{
		Algorithm:   &key.algorithm,
		Format:      &key.format,
		Certificate: want.Certificate,
		Away:        want.Away,
		Succeeds:    want.Succeeds,
		Keep:        want.Keep,
		Current:     resource.Ptr(n == nil || n.Ours),
		Public:      publicLine(n),
	}
}

// rememberedKey is how a key is told that has not changed since it was read. One that
// has its public half beside it is read each time.
func rememberedKey() *derived.Memory[PrivateKey] {
	return &derived.Memory[PrivateKey]{
		Question: whichKey,
		Essence: func(s *derived.Scene, data []byte, _ PrivateKey) (string, bool) {
			held, err := heldIn(s, data)
			return held.tell(), err == nil
		},
		Tell: func(_ *derived.Scene, _, essence string, want PrivateKey) (*PrivateKey, error) {
			held := keyTold(essence)
			if held.format == policy.OpenSSH {
				return nil, nil
			}
			return tellPrivateKey(held, nil, want), nil
		},
		Sure:  func(want *PrivateKey) bool { return want.Certificate == nil },
		Bytes: func(got *PrivateKey, data []byte) { got.PEM = resource.NewSecret(string(data)) },
		Drop:  func(s *derived.Scene, data []byte, _ PrivateKey) { s.Memo.Forget(whichKey, data) },
	}
}

func publicLine(n *derived.Neighbour) *Public {
	if n == nil {
		return nil
	}
	return resource.Ptr(Public(strings.TrimSpace(string(n.Data))))
}

// buildPrivateKey keeps the key that is there where its algorithm is the
// wished one.
func buildPrivateKey(s *derived.Scene, _ string, data []byte, want PrivateKey) (derived.Product, error) {
	if data == nil && want.Certificate != nil && yes(want.Away) {
		if ca, err := standing(s.Host, *want.Certificate); err != nil || ca != nil {
			return derived.Product{}, errors.Join(err, fmt.Errorf("the key of the CA %s is elsewhere, and another one would void all that it signed; bring it back", *want.Certificate))
		}
	}
	algorithm, format := resource.Or(want.Algorithm, "ecdsa-p256"), resource.Or(want.Format, policy.PKCS8)
	key, is, err := policy.ParseKey(data)
	if err == nil && policy.AlgorithmOf(key.Public()) == algorithm && is == format {
		return derived.Product{Data: data}, nil
	}
	if err != nil || policy.AlgorithmOf(key.Public()) != algorithm {
		if key, err = policy.Generate(algorithm, s.Rand); err != nil {
			return derived.Product{}, fmt.Errorf("making the key: %w", err)
		}
	}
	made, err := policy.MarshalKey(key, format)
	if err != nil {
		return derived.Product{}, err
	}
	s.Memo.Of(whichKey, func() (string, bool) { return tellKey(key, format) }, made)
	return derived.Product{Data: made}, nil
}

// invalidatesPrivateKey says what hangs on the key of a CA, and on one that is shown to
// an SSH server. One that stands in another format stays the same key.
func invalidatesPrivateKey(got, want *PrivateKey) string {
	switch {
	case got != nil && *got.Algorithm == resource.Or(want.Algorithm, "ecdsa-p256"):
		return ""
	case want.Succeeds != nil:
		return "every certificate that was asked for with it"
	case want.Certificate != nil:
		return "every certificate that it signed"
	case resource.Or(want.Format, policy.PKCS8) == policy.OpenSSH:
		return "every account that lets it in"
	}
	return ""
}

// publicKey is what stands beside an OpenSSH key: NAME.pub. A comment in it is
// its owner's.
func publicKey(s *derived.Scene, name string, data []byte) *derived.Neighbour {
	if !bytes.Contains(data, []byte("OPENSSH")) { // thousands of keys are of no such form, and parsing one takes long
		return nil
	}
	key, format, err := policy.ParseKey(data)
	if err != nil || format != policy.OpenSSH {
		return nil
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil
	}
	n := &derived.Neighbour{Path: name + ".pub", Data: ssh.MarshalAuthorizedKey(public)}
	there, _, err := s.Read(n.Path)
	n.Stands = !errors.Is(err, fs.ErrNotExist)
	if err == nil {
		is, _, _, _, err := ssh.ParseAuthorizedKey(there)
		n.Ours = err == nil && bytes.Equal(is.Marshal(), public.Marshal())
	}
	return n
}

// Check refuses to replace the key of a CA whose certificate stands: every
// certificate that it signed would be void.
func (v *privateKeys) Check(_ context.Context, name string, want PrivateKey) error {
	if want.Certificate == nil || want.PEM != nil {
		return nil
	}
	ca, err := standing(v.Host, *want.Certificate)
	if err != nil || ca == nil {
		return err
	}
	data, _, err := v.Host.Read(name)
	if errors.Is(err, fs.ErrNotExist) && yes(want.Away) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the key of the CA %s is gone; bring it back from a backup, or remove that certificate to begin a new CA, which cuts off everyone who has a certificate of the old one", *want.Certificate)
	}
	if err != nil {
		return err
	}
	key, err := policy.ParseSigner(data)
	if err != nil {
		return fmt.Errorf("the key of the CA %s can't be used: %w; bring it back from a backup, or remove that certificate to begin a new CA", *want.Certificate, err)
	}
	if !policy.SamePublic(key.Public(), ca.PublicKey) {
		return fmt.Errorf("the key that stands there does not belong to the CA %s; bring back the one that does, or remove that certificate to begin a new CA", *want.Certificate)
	}
	return nil
}

// standing returns the certificate of a CA that has not run out, or nil.
func standing(h derived.Host, path string) (*x509.Certificate, error) {
	data, err := h.Follow(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cert, err := policy.ParseCertificate(data)
	if err != nil || !cert.IsCA || h.Clock().After(cert.NotAfter) {
		return nil, nil
	}
	return cert, nil
}

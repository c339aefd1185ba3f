package pki

import (
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"vpnd/internal/resource"
)

// wireGuardBytes is how long each key of WireGuard is.
const wireGuardBytes = 32

// voidWireGuard is what hangs on a key of WireGuard, of whichever sort.
const voidWireGuard = "every profile and peer that knows it"

// wireGuardKeys are the verbs of private keys of WireGuard.
type wireGuardKeys struct{ verbs[WireGuardKey] }

// Brings is the public key beside it.
func (v *wireGuardKeys) Brings(name string, _, _ *WireGuardKey) (things []resource.ID, may []string) {
	return []resource.ID{{Kind: resource.Path, Name: name + ".pub"}}, nil
}

func newWireGuardKeys(h Host) *wireGuardKeys {
	return &wireGuardKeys{verbs[WireGuardKey]{Host: h, nature: nature[WireGuardKey]{
		access: func(k *WireGuardKey) access { return access{&k.Mode, &k.Owner, &k.Group} },
		kept:   func(k *WireGuardKey) *string { return revealed(k.PEM) },
		settle: func(_ *scene, _ string, k *WireGuardKey) error { k.Current = resource.Ptr(true); return nil },
		waive:  func(k *WireGuardKey) { k.Current, k.Public = nil, nil },
		invalidates: func(got, _ *WireGuardKey) string {
			if got != nil && *got.Public != "" {
				return ""
			}
			return voidWireGuard
		},
		read: func(s *scene, name string, data []byte, _ WireGuardKey) (*WireGuardKey, error) {
			got := &WireGuardKey{Public: new(string), Current: new(bool), PEM: resource.NewSecret(string(data))}
			if n := wireGuardPublic(s, name, data); n != nil {
				*got.Public, *got.Current = strings.TrimSpace(string(n.data)), n.ours
			}
			return got, nil
		},
		build: func(s *scene, _ string, data []byte, _ WireGuardKey) (product, error) {
			return drawWireGuardKey(s.Rand, data, func(key []byte) { // RFC 7748, section 5, as wg genkey does
				key[0], key[31] = key[0]&248, key[31]&127|64
			})
		},
		beside:    wireGuardPublic,
		sourcesOf: func(name string, _ *WireGuardKey) []string { return []string{name + ".pub"} },
	}}}
}

func newWireGuardPSKs(h Host) *verbs[WireGuardPSK] {
	return &verbs[WireGuardPSK]{Host: h, nature: nature[WireGuardPSK]{
		access: func(k *WireGuardPSK) access { return access{&k.Mode, &k.Owner, &k.Group} },
		kept:   func(k *WireGuardPSK) *string { return revealed(k.PEM) },
		settle: func(_ *scene, _ string, k *WireGuardPSK) error { k.Current = resource.Ptr(true); return nil },
		waive:  func(k *WireGuardPSK) { k.Current = nil },
		invalidates: func(got, _ *WireGuardPSK) string {
			if got != nil && *got.Current {
				return ""
			}
			return voidWireGuard
		},
		read: func(_ *scene, _ string, data []byte, _ WireGuardPSK) (*WireGuardPSK, error) {
			_, err := parseWireGuardKey(data)
			return &WireGuardPSK{Current: resource.Ptr(err == nil), PEM: resource.NewSecret(string(data))}, nil
		},
		build: func(s *scene, _ string, data []byte, _ WireGuardPSK) (product, error) {
			return drawWireGuardKey(s.Rand, data, func([]byte) {})
		},
	}}
}

// drawWireGuardKey keeps the key that is there where it is one, and else draws one.
func drawWireGuardKey(rand io.Reader, there []byte, clamp func([]byte)) (product, error) {
	if _, err := parseWireGuardKey(there); err == nil {
		return product{data: there}, nil
	}
	key := make([]byte, wireGuardBytes)
	if _, err := io.ReadFull(rand, key); err != nil {
		return product{}, fmt.Errorf("drawing the key: %w", err)
	}
	clamp(key)
	return product{data: []byte(base64.StdEncoding.EncodeToString(key) + "\n")}, nil
}

// wireGuardPublic is what stands beside a private key: NAME.pub.
func wireGuardPublic(s *scene, name string, data []byte) *neighbour {
	key, err := parseWireGuardKey(data)
	if err != nil {
		return nil
	}
	private, err := ecdh.X25519().NewPrivateKey(key)
	if err != nil {
		return nil
	}
	public := base64.StdEncoding.EncodeToString(private.PublicKey().Bytes())
	n := &neighbour{path: name + ".pub", data: []byte(public + "\n")}
	there, _, err := s.read(n.path)
	n.stands = !errors.Is(err, fs.ErrNotExist)
	n.ours = err == nil && strings.TrimSpace(string(there)) == public
	return n
}

// parseWireGuardKey reads a key as wg(8) writes it: 32 bytes in base64. What it
// says of one that is none does not quote it.
func parseWireGuardKey(text []byte) ([]byte, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != wireGuardBytes {
		return nil, errors.New("it is no key of WireGuard, which has 44 characters of base64")
	}
	return key, nil
}

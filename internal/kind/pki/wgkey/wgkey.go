// Package wgkey converges keys of WireGuard.
package wgkey

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// WireGuardKey is a private key of Curve25519 in base64, as wg(8) has it, with its
// public key beside it as .pub. Its name is the absolute path.
type WireGuardKey struct {
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Revoked *bool            `vpnd:"revoked,hint" doc:"whether whoever has it was shut out for good; where that is no longer so, another one is made" default:"false"`
	Public  *string          `vpnd:"public,computed" doc:"the public key; empty where the file holds no key"`
	Current *bool            `vpnd:"current,computed" doc:"whether it can be read as such a key, nobody had it who was shut out, and the public key beside it belongs to it"`
	PEM     *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
	Spent   []string         `vpnd:"spent,computed,hint,memory" doc:"public keys of whoever was shut out"`
}

// WireGuardPSK is a key that two peers of WireGuard share, in base64, which is mixed
// in besides their own. Its name is the absolute path.
type WireGuardPSK struct {
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool            `vpnd:"current,computed" doc:"whether it can be read as such a key"`
	PEM     *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
}

// wireGuardBytes is how long each key of WireGuard is.
const wireGuardBytes = 32

// voidWireGuard is what hangs on a key of WireGuard, of whichever sort.
const voidWireGuard = "every profile and peer that knows it"

// WireGuardKeys are the verbs of private keys of WireGuard.
type WireGuardKeys struct{ derived.Verbs[WireGuardKey] }

// Normalize adds the key to those that are spent where whoever has it is shut out.
func (v *WireGuardKeys) Normalize(ctx context.Context, wants map[string]*WireGuardKey) (map[string]*WireGuardKey, error) {
	normal, err := v.Verbs.Normalize(ctx, wants)
	for name, w := range normal {
		if !resource.Or(w.Revoked, false) {
			continue
		}
		data, _, unread := v.Host.Read(name)
		if unread == nil {
			if public, ok := publicOf(data); ok && !slices.Contains(w.Spent, public) {
				w.Spent = append(slices.Clone(w.Spent), public)
			}
		}
	}
	return normal, err
}

// Recall keeps which keys are spent.
func (v *WireGuardKeys) Recall(want, was WireGuardKey) WireGuardKey {
	want.Spent = was.Spent
	return want
}

// spent says whether a key was of somebody who was shut out, and is to be of somebody
// who may come in.
func (k *WireGuardKey) spent(public string) bool {
	return !resource.Or(k.Revoked, false) && slices.Contains(k.Spent, public)
}

// Brings is the public key beside it.
func (v *WireGuardKeys) Brings(name string, _, _ *WireGuardKey) (things []resource.ID, may []string) {
	return []resource.ID{{Kind: resource.Path, Name: name + ".pub"}}, nil
}

// NewWireGuardKeys returns the verbs of private keys.
func NewWireGuardKeys(h derived.Host) *WireGuardKeys {
	return &WireGuardKeys{derived.Verbs[WireGuardKey]{Host: h, Nature: derived.Nature[WireGuardKey]{
		Access: func(k *WireGuardKey) derived.Access {
			return derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}
		},
		Kept:   func(k *WireGuardKey) *string { return derived.Revealed(k.PEM) },
		Settle: func(_ *derived.Scene, _ string, k *WireGuardKey) error { k.Current = resource.Ptr(true); return nil },
		Waive:  func(k *WireGuardKey) { k.Current, k.Public = nil, nil },
		Voids: func(got, _ *WireGuardKey) string {
			if got != nil && *got.Public != "" {
				return ""
			}
			return voidWireGuard
		},
		Read: func(s *derived.Scene, name string, data []byte, want WireGuardKey) (*WireGuardKey, error) {
			got := &WireGuardKey{Public: new(string), Current: new(bool), PEM: resource.NewSecret(string(data)), Revoked: want.Revoked, Spent: want.Spent}
			if n := wireGuardPublic(s, name, data); n != nil {
				*got.Public = strings.TrimSpace(string(n.Data))
				*got.Current = n.Ours && !want.spent(*got.Public)
			}
			return got, nil
		},
		Build: func(s *derived.Scene, _ string, data []byte, want WireGuardKey) (derived.Product, error) {
			if public, ok := publicOf(data); ok && want.spent(public) {
				data = nil
			}
			key, err := drawWireGuardKey(s.Rand, data, func(key []byte) { // RFC 7748, section 5, as wg genkey does
				key[0], key[31] = key[0]&248, key[31]&127|64
			})
			return derived.Product{Data: key}, err
		},
		Beside:    wireGuardPublic,
		SourcesOf: func(name string, _ *WireGuardKey) []string { return []string{name + ".pub"} },
	}}}
}

func (k *WireGuardPSK) drawn() derived.Drawn {
	return derived.Drawn{Access: derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}, Current: &k.Current, PEM: &k.PEM}
}

// NewWireGuardPSKs returns the verbs of keys that two peers share.
func NewWireGuardPSKs(h derived.Host) *derived.Verbs[WireGuardPSK] {
	return &derived.Verbs[WireGuardPSK]{Host: h, Nature: derived.DrawnNature((*WireGuardPSK).drawn, isWireGuardKey, drawWireGuardPSK, voidWireGuard)}
}

func isWireGuardKey(data []byte) bool { _, err := parseWireGuardKey(data); return err == nil }

func drawWireGuardPSK(rand io.Reader, there []byte) ([]byte, error) {
	return drawWireGuardKey(rand, there, func([]byte) {})
}

// drawWireGuardKey keeps the key that is there where it is one, and else draws one.
func drawWireGuardKey(rand io.Reader, there []byte, clamp func([]byte)) ([]byte, error) {
	if _, err := parseWireGuardKey(there); err == nil {
		return there, nil
	}
	key := make([]byte, wireGuardBytes)
	if _, err := io.ReadFull(rand, key); err != nil {
		return nil, fmt.Errorf("drawing the key: %w", err)
	}
	clamp(key)
	return []byte(base64.StdEncoding.EncodeToString(key) + "\n"), nil
}

// wireGuardPublic is what stands beside a private key: NAME.pub.
func wireGuardPublic(s *derived.Scene, name string, data []byte) *derived.Neighbour {
	public, ok := publicOf(data)
	if !ok {
		return nil
	}
	n := &derived.Neighbour{Path: name + ".pub", Data: []byte(public + "\n")}
	there, _, err := s.Read(n.Path)
	n.Stands = !errors.Is(err, fs.ErrNotExist)
	n.Ours = err == nil && strings.TrimSpace(string(there)) == public
	return n
}

// publicOf returns the public key of a private one; false where it is none.
func publicOf(data []byte) (string, bool) {
	key, err := parseWireGuardKey(data)
	if err != nil {
		return "", false
	}
	private, err := ecdh.X25519().NewPrivateKey(key)
	if err != nil {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(private.PublicKey().Bytes()), true
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

// Validate checks what needs no host.
func (k *WireGuardKey) Validate(name string) []resource.Mistake {
	return derived.Private(name, derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group})
}

// Validate checks what needs no host.
func (k *WireGuardPSK) Validate(name string) []resource.Mistake {
	return derived.Private(name, k.drawn().Access)
}

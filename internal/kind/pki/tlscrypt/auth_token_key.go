package tlscrypt

import (
	"encoding/pem"
	"fmt"
	"io"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// AuthTokenKey is the key with which an OpenVPN server signs the tokens of its
// auth-gen-token. Its name is the absolute path.
type AuthTokenKey struct {
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool            `vpnd:"current,computed" doc:"whether it can be read as such a key"`
	PEM     *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
}

// The label and the size of what openvpn --genkey auth-token makes: one struct key
// of crypto.h.
const (
	tokenLabel = "OpenVPN auth-token server key"
	tokenBytes = 128
)

func (k *AuthTokenKey) drawn() derived.Drawn {
	return derived.Drawn{Access: derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}, Current: &k.Current, PEM: &k.PEM}
}

// NewAuthTokenKeys returns the verbs of keys that sign tokens. A new one voids no
// profile: people are asked once more who they are.
func NewAuthTokenKeys(h derived.Host) *derived.Verbs[AuthTokenKey] {
	return &derived.Verbs[AuthTokenKey]{Host: h, Nature: derived.DrawnNature((*AuthTokenKey).drawn, isTokenKey, makeTokenKey, "")}
}

func makeTokenKey(rand io.Reader, _ []byte) ([]byte, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("drawing the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: tokenLabel, Bytes: raw}), nil
}

func isTokenKey(data []byte) bool {
	raw, err := policy.DecodePEM(data, tokenLabel)
	return err == nil && len(raw) == tokenBytes
}

// Validate checks what needs no host.
func (k *AuthTokenKey) Validate(name string) []resource.Mistake {
	return derived.Private(name, k.drawn().Access)
}

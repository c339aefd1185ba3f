// Package tlscrypt converges the keys of OpenVPN's tls-crypt, tls-auth and
// tls-crypt-v2.
package tlscrypt

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// StaticKey is a key of OpenVPN's tls-crypt and tls-auth, version 1. Its name is
// the absolute path.
type StaticKey struct {
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool            `vpnd:"current,computed" doc:"whether it can be read as such a key"`
	PEM     *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
}

// staticKeyBytes is how long a static key is: two pairs of a cipher key and an
// HMAC key of 64 bytes each.
const staticKeyBytes = 256

const (
	staticKeyBegin = "-----BEGIN OpenVPN Static key V1-----"
	staticKeyEnd   = "-----END OpenVPN Static key V1-----"
)

func (k *StaticKey) drawn() derived.Drawn {
	return derived.Drawn{Access: derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}, Current: &k.Current, PEM: &k.PEM}
}

// NewStaticKeys returns the verbs of static keys.
func NewStaticKeys(h derived.Host) *derived.Verbs[StaticKey] {
	return &derived.Verbs[StaticKey]{Host: h, Nature: derived.DrawnNature((*StaticKey).drawn, isStaticKey, makeStaticKey, "every profile that holds it")}
}

func makeStaticKey(rand io.Reader, _ []byte) ([]byte, error) {
	var key [staticKeyBytes]byte
	if _, err := io.ReadFull(rand, key[:]); err != nil {
		return nil, fmt.Errorf("drawing the key: %w", err)
	}
	var b bytes.Buffer
	b.WriteString("#\n# 2048 bit OpenVPN static key\n#\n" + staticKeyBegin + "\n")
	for i := 0; i < len(key); i += 16 {
		fmt.Fprintf(&b, "%x\n", key[i:i+16])
	}
	b.WriteString(staticKeyEnd + "\n")
	return b.Bytes(), nil
}

func isStaticKey(data []byte) bool {
	_, rest, begins := strings.Cut(string(data), staticKeyBegin)
	body, _, ends := strings.Cut(rest, staticKeyEnd)
	raw, err := hex.DecodeString(strings.Join(strings.Fields(body), ""))
	return begins && ends && err == nil && len(raw) == staticKeyBytes
}

// Validate checks what needs no host.
func (k *StaticKey) Validate(name string) []resource.Mistake {
	return derived.Private(name, k.drawn().Access)
}

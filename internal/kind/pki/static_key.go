package pki

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"vpnd/internal/resource"
)

// staticKeyBytes is how long a static key is: two pairs of a cipher key and an
// HMAC key of 64 bytes each.
const staticKeyBytes = 256

const (
	staticKeyBegin = "-----BEGIN OpenVPN Static key V1-----"
	staticKeyEnd   = "-----END OpenVPN Static key V1-----"
)

func newStaticKeys(h Host) *verbs[StaticKey] {
	return &verbs[StaticKey]{Host: h, nature: nature[StaticKey]{
		access: func(k *StaticKey) access { return access{&k.Mode, &k.Owner, &k.Group} },
		kept:   func(k *StaticKey) *string { return revealed(k.PEM) },
		settle: func(_ *scene, _ string, k *StaticKey) error { k.Current = resource.Ptr(true); return nil },
		waive:  func(k *StaticKey) { k.Current = nil },
		invalidates: func(got, _ *StaticKey) string {
			if got != nil && *got.Current {
				return ""
			}
			return "every profile that holds it"
		},
		read: func(_ *scene, _ string, data []byte, _ StaticKey) (*StaticKey, error) {
			return &StaticKey{Current: resource.Ptr(isStaticKey(data)), PEM: resource.NewSecret(string(data))}, nil
		},
		build: func(s *scene, _ string, _ []byte, _ StaticKey) (product, error) {
			data, err := makeStaticKey(s.Rand)
			return product{data: data}, err
		},
	}}
}

func makeStaticKey(rand io.Reader) ([]byte, error) {
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

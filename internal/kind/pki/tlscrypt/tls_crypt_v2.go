package tlscrypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// TLSCryptV2Key is a key of OpenVPN's tls-crypt-v2: of the server, or, where
// server names that one's file, of a client. Its name is the absolute path.
type TLSCryptV2Key struct {
	Server  *string          `vpnd:"server,hint" doc:"path of the server's key, which wraps this one; left out, this is a server's"`
	Listed  *bool            `vpnd:"listed,hint" doc:"whether the server talks to keys of its list alone, so that a new one voids the profile" default:"false"`
	Mode    *resource.Mode   `vpnd:"mode,meta" doc:"permissions; others may have none" default:"0600"`
	Owner   *string          `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group   *string          `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	Current *bool            `vpnd:"current,computed" doc:"whether it is such a key and, where it is a client's, the server's key opens it"`
	PEM     *resource.Secret `vpnd:"pem,computed" doc:"the key itself"`
}

// The PEM labels and sizes of doc/tls-crypt-v2.txt in OpenVPN's source.
const (
	v2ServerLabel = "OpenVPN tls-crypt-v2 server key"
	v2ClientLabel = "OpenVPN tls-crypt-v2 client key"
	v2ServerBytes = 128
	v2ClientBytes = 256
	v2TagBytes    = sha256.Size
	v2LengthBytes = 2
	v2IDBytes     = 16
	v2User        = 0 // metadata that is not OpenVPN's time stamp
)

// NewTLSCryptV2Keys returns the verbs of keys of tls-crypt-v2.
func NewTLSCryptV2Keys(h derived.Host) *derived.Verbs[TLSCryptV2Key] {
	return &derived.Verbs[TLSCryptV2Key]{Host: h, Nature: derived.Nature[TLSCryptV2Key]{
		Access: func(k *TLSCryptV2Key) derived.Access {
			return derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}
		},
		Kept:      func(k *TLSCryptV2Key) *string { return derived.Revealed(k.PEM) },
		Settle:    func(_ *derived.Scene, _ string, k *TLSCryptV2Key) error { k.Current = resource.Ptr(true); return nil },
		Waive:     func(k *TLSCryptV2Key) { k.Current = nil },
		MadeFrom:  func(k *TLSCryptV2Key) []string { return derived.Given(k.Server) },
		SourcesOf: func(_ string, k *TLSCryptV2Key) []string { return derived.Given(k.Server) },
		Voids: func(got, want *TLSCryptV2Key) string {
			switch {
			case got != nil && *got.Current, want.Server != nil && !resource.Or(want.Listed, false):
				return ""
			case want.Server != nil:
				return "the profile that holds it"
			}
			return "every profile with a key that it wrapped"
		},
		Read: func(s *derived.Scene, _ string, data []byte, want TLSCryptV2Key) (*TLSCryptV2Key, error) {
			current, err := opensV2(s, data, want.Server)
			return &TLSCryptV2Key{Server: want.Server, Listed: want.Listed, Current: &current, PEM: resource.NewSecret(string(data))}, err
		},
		Build: func(s *derived.Scene, _ string, _ []byte, want TLSCryptV2Key) (derived.Product, error) {
			data, err := makeV2(s, want.Server)
			return derived.Product{Data: data}, err
		},
	}}
}

// makeV2 makes a server's key, or a client's where the server's is given.
func makeV2(s *derived.Scene, server *string) ([]byte, error) {
	if server == nil {
		return makeV2Server(s.Rand)
	}
	key, err := v2Server(s, *server)
	if err != nil {
		return nil, fmt.Errorf("reading the server's key %s: %w", *server, err)
	}
	return makeV2Client(s.Rand, key)
}

// opensV2 says whether the file holds a server's key, or a client's that the
// server's opens.
func opensV2(s *derived.Scene, data []byte, server *string) (bool, error) {
	if server == nil {
		_, err := parseV2Server(data)
		return err == nil, nil
	}
	key, err := v2Server(s, *server)
	if err != nil {
		return false, derived.Missing(err)
	}
	raw, err := policy.DecodePEM(data, v2ClientLabel)
	if err != nil || len(raw) < v2ClientBytes {
		return false, nil
	}
	inside, err := key.unwrap(raw[v2ClientBytes:])
	return err == nil && hmac.Equal(inside[:v2ClientBytes], raw[:v2ClientBytes]), nil
}

func v2Server(s *derived.Scene, path string) (v2Key, error) {
	data, err := s.Follow(path)
	if err != nil {
		return v2Key{}, err
	}
	return parseV2Server(data)
}

// v2Key is what a server wraps clients' keys with.
type v2Key struct{ encrypt, authenticate []byte }

func parseV2Server(data []byte) (v2Key, error) {
	raw, err := policy.DecodePEM(data, v2ServerLabel)
	if err != nil {
		return v2Key{}, err
	}
	if len(raw) != v2ServerBytes {
		return v2Key{}, fmt.Errorf("it is %d bytes long instead of %d", len(raw), v2ServerBytes)
	}
	return v2Key{encrypt: raw[:32], authenticate: raw[64:96]}, nil
}

func makeV2Server(rand io.Reader) ([]byte, error) {
	raw := make([]byte, v2ServerBytes)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("drawing the key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: v2ServerLabel, Bytes: raw}), nil
}

// makeV2Client makes a client's key. Its metadata is a random number, by which
// a script of tls-crypt-v2-verify can refuse it before TLS begins.
func makeV2Client(rand io.Reader, server v2Key) ([]byte, error) {
	raw := make([]byte, v2ClientBytes+v2IDBytes)
	if _, err := io.ReadFull(rand, raw); err != nil {
		return nil, fmt.Errorf("drawing the key: %w", err)
	}
	key, id := raw[:v2ClientBytes], raw[v2ClientBytes:]
	inside := slices.Concat(key, []byte{v2User}, id)
	wrapped, err := server.wrap(inside)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: v2ClientLabel, Bytes: slices.Concat(key, wrapped)}), nil
}

// wrap returns WKc: tag, ciphertext, length.
func (k v2Key) wrap(inside []byte) ([]byte, error) {
	length := binary.BigEndian.AppendUint16(nil, uint16(v2TagBytes+len(inside)+v2LengthBytes))
	tag := k.tag(length, inside)
	hidden, err := k.crypt(tag, inside)
	return slices.Concat(tag, hidden, length), err
}

// unwrap is the inverse of wrap.
func (k v2Key) unwrap(wrapped []byte) ([]byte, error) {
	n := len(wrapped) - v2LengthBytes
	if n < v2TagBytes+v2ClientBytes || int(binary.BigEndian.Uint16(wrapped[n:])) != len(wrapped) {
		return nil, errors.New("its length is wrong")
	}
	tag := wrapped[:v2TagBytes]
	inside, err := k.crypt(tag, wrapped[v2TagBytes:n])
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(tag, k.tag(wrapped[n:], inside)) {
		return nil, errors.New("another server's key wrapped it")
	}
	return inside, nil
}

func (k v2Key) tag(length, inside []byte) []byte {
	mac := hmac.New(sha256.New, k.authenticate)
	mac.Write(length)
	mac.Write(inside)
	return mac.Sum(nil)
}

func (k v2Key) crypt(tag, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(k.encrypt)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, tag[:aes.BlockSize]).XORKeyStream(out, in)
	return out, nil
}

// Validate checks what needs no host.
func (k *TLSCryptV2Key) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.OptionalPath("server", k.Server)
	m.Access(derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}, true)
	return m
}

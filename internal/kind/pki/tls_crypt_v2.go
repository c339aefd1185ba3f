package pki

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

	"vpnd/internal/resource"
)

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

func newTLSCryptV2Keys(h Host) *verbs[TLSCryptV2Key] {
	return &verbs[TLSCryptV2Key]{Host: h, nature: nature[TLSCryptV2Key]{
		access:    func(k *TLSCryptV2Key) access { return access{&k.Mode, &k.Owner, &k.Group} },
		kept:      func(k *TLSCryptV2Key) *string { return revealed(k.PEM) },
		settle:    func(_ *scene, _ string, k *TLSCryptV2Key) error { k.Current = resource.Ptr(true); return nil },
		waive:     func(k *TLSCryptV2Key) { k.Current = nil },
		madeFrom:  func(k *TLSCryptV2Key) []string { return given(k.Server) },
		sourcesOf: func(_ string, k *TLSCryptV2Key) []string { return given(k.Server) },
		invalidates: func(got, want *TLSCryptV2Key) string {
			if want.Server != nil || got != nil && *got.Current {
				return ""
			}
			return "every profile with a key that it wrapped"
		},
		read: func(s *scene, _ string, data []byte, want TLSCryptV2Key) (*TLSCryptV2Key, error) {
			current, err := s.opensV2(data, want.Server)
			return &TLSCryptV2Key{Server: want.Server, Current: &current, PEM: resource.NewSecret(string(data))}, err
		},
		build: func(s *scene, _ string, _ []byte, want TLSCryptV2Key) (product, error) {
			data, err := s.makeV2(want.Server)
			return product{data: data}, err
		},
	}}
}

// makeV2 makes a server's key, or a client's where the server's is given.
func (s *scene) makeV2(server *string) ([]byte, error) {
	if server == nil {
		return makeV2Server(s.Rand)
	}
	key, err := s.v2Server(*server)
	if err != nil {
		return nil, fmt.Errorf("reading the server's key %s: %w", *server, err)
	}
	return makeV2Client(s.Rand, key)
}

// opensV2 says whether the file holds a server's key, or a client's that the
// server's opens.
func (s *scene) opensV2(data []byte, server *string) (bool, error) {
	if server == nil {
		_, err := parseV2Server(data)
		return err == nil, nil
	}
	key, err := s.v2Server(*server)
	if err != nil {
		return false, missing(err)
	}
	raw, err := decodePEM(data, v2ClientLabel)
	if err != nil || len(raw) < v2ClientBytes {
		return false, nil
	}
	inside, err := key.unwrap(raw[v2ClientBytes:])
	return err == nil && hmac.Equal(inside[:v2ClientBytes], raw[:v2ClientBytes]), nil
}

func (s *scene) v2Server(path string) (v2Key, error) {
	data, err := s.follow(path)
	if err != nil {
		return v2Key{}, err
	}
	return parseV2Server(data)
}

// v2Key is what a server wraps clients' keys with.
type v2Key struct{ encrypt, authenticate []byte }

func parseV2Server(data []byte) (v2Key, error) {
	raw, err := decodePEM(data, v2ServerLabel)
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

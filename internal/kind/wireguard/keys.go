package wireguard

import (
	"errors"
	"fmt"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/atomic"
)

// mostKey is how large the file of a key may be, in bytes.
const mostKey = 4096

// parseKey reads a key in base64. What it says of one that is none does not
// quote it.
func parseKey(text string) (wgtypes.Key, error) {
	key, err := wgtypes.ParseKey(strings.TrimSpace(text))
	if err != nil {
		return wgtypes.Key{}, errors.New("it holds no key of WireGuard, which has 44 characters of base64")
	}
	return key, nil
}

// readKey reads the file of a key.
func readKey(path string) (wgtypes.Key, error) {
	data, err := atomic.ReadFile("/", path, mostKey)
	if err != nil {
		return wgtypes.Key{}, fmt.Errorf("reading the key %s: %w", path, err)
	}
	key, err := parseKey(string(data))
	if err != nil {
		return wgtypes.Key{}, fmt.Errorf("reading the key %s: %w", path, err)
	}
	return key, nil
}

// public returns the public key of a peer.
func (p Peer) public() (wgtypes.Key, error) {
	switch {
	case p.PublicKey != nil:
		return parseKey(*p.PublicKey)
	case p.KeyFile != nil:
		return readKey(*p.KeyFile)
	default:
		return wgtypes.Key{}, fmt.Errorf("the peer %s has no public key", p.Name)
	}
}

// shared returns the key that is shared with a peer, nil where there is none.
func (p Peer) shared() (*wgtypes.Key, error) {
	if p.PSKFile == nil || *p.PSKFile == "" {
		return nil, nil
	}
	key, err := readKey(*p.PSKFile)
	return &key, err
}

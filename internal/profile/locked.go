package profile

import (
	"bytes"
	"crypto/rand"

	"vpnd/internal/pkcs8"
)

// Locked returns a profile of OpenVPN whose private key a passphrase opens, which
// whoever dials with it is asked for.
func Locked(profile []byte, passphrase string) ([]byte, error) {
	before, rest, _ := bytes.Cut(profile, opening("key"))
	_, after, _ := bytes.Cut(rest, closing("key"))
	key, err := privateKey(inline(profile, "key"))
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, ErrNoKey
	}
	sealed, err := pkcs8.Encrypt(key, passphrase, rand.Reader)
	if err != nil {
		return nil, err
	}
	first, rest, _ := bytes.Cut(before, []byte("\n"))
	note := "# Its key is under a passphrase, which is asked for when it dials; where nobody is\n# there to type it, openvpn(8) reads it from a file of its owner's alone: askpass FILE\n"
	parts := [][]byte{first, []byte("\n" + note), rest, opening("key"), bytes.TrimSuffix(sealed, []byte("\n")), closing("key"), after}
	return bytes.Join(parts, nil), nil
}

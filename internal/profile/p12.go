package profile

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"software.sslmate.com/src/go-pkcs12"
)

// ErrNoKey says that a profile has no certificate with its key, as one of WireGuard,
// and one for a key that only its owner has.
var ErrNoKey = errors.New("the profile holds no certificate with its key")

// PKCS12 returns the certificate, the key and the CA of a profile of OpenVPN under a
// passphrase. The legacy form is for systems of before about 2020: its encryption
// (triple DES, SHA-1) is weak, and protects little more than the file's mode does.
func PKCS12(profile []byte, passphrase string, legacy bool) ([]byte, error) {
	own, err := certificates(inline(profile, "cert"))
	if err != nil {
		return nil, fmt.Errorf("the certificate of the profile: %w", err)
	}
	key, err := privateKey(inline(profile, "key"))
	if err != nil {
		return nil, err
	}
	if len(own) == 0 || key == nil {
		return nil, ErrNoKey
	}
	authorities, err := certificates(inline(profile, "ca"))
	if err != nil {
		return nil, fmt.Errorf("the CA of the profile: %w", err)
	}
	encoder := pkcs12.Modern
	if legacy {
		encoder = pkcs12.LegacyDES
	}
	return encoder.Encode(key, own[0], append(own[1:], authorities...), passphrase)
}

func certificates(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return all, nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

// privateKey reads a key; nil where there is none. It says nothing of its bytes.
func privateKey(text []byte) (crypto.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, nil
	}
	if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	return nil, fmt.Errorf("the key of the profile, a %s, can't be read here; where it has a passphrase: openssl pkcs12 -export", block.Type)
}

// Package pkcs8 writes a private key that a passphrase opens, as OpenSSL and the apps
// of OpenVPN read it: PKCS #8 (RFC 5958) with PBES2 (RFC 8018).
package pkcs8

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
)

// Label is that of RFC 7468 for an encrypted key.
const Label = "ENCRYPTED PRIVATE KEY"

// Rounds are those of PBKDF2 with SHA-256 that OWASP's Password Storage Cheat Sheet
// asks for (2023); OpenSSL, which takes 2048, needs a fifth of a second for them.
const Rounds = 600_000

// saltSize is above the 8 bytes of RFC 8018, section 4.1, as NIST SP 800-132 asks for.
const saltSize = 16

// keySize makes it AES-256.
const keySize = 32

var (
	oidPBES2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC  = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encrypted is EncryptedPrivateKeyInfo, RFC 5958 section 3.
type encrypted struct {
	Algorithm struct {
		OID    asn1.ObjectIdentifier
		Scheme scheme
	}
	Data []byte
}

// scheme is PBES2-params, RFC 8018 appendix A.4.
type scheme struct {
	Derivation struct {
		OID    asn1.ObjectIdentifier
		PBKDF2 derivation
	}
	Cipher struct {
		OID asn1.ObjectIdentifier
		IV  []byte
	}
}

// derivation is PBKDF2-params, RFC 8018 appendix A.2. The length of the key is left
// out, since the cipher says it.
type derivation struct {
	Salt   []byte
	Rounds int
	PRF    pkix.AlgorithmIdentifier
}

// Encrypt writes a private key in PEM, for who knows the passphrase: PBKDF2 with
// HMAC-SHA-256, and AES-256 in CBC mode.
func Encrypt(key crypto.PrivateKey, passphrase string, rand io.Reader) ([]byte, error) {
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	random := make([]byte, saltSize+aes.BlockSize)
	if _, err := io.ReadFull(rand, random); err != nil {
		return nil, fmt.Errorf("drawing a salt: %w", err)
	}
	salt, iv := random[:saltSize], random[saltSize:]
	secret, err := pbkdf2.Key(sha256.New, passphrase, salt, Rounds, keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	data := padded(plain)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	der, err := asn1.Marshal(info(salt, iv, data))
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: Label, Bytes: der}), nil
}

func info(salt, iv, data []byte) encrypted {
	e := encrypted{Data: data}
	e.Algorithm.OID = oidPBES2
	of := &e.Algorithm.Scheme
	of.Derivation.OID = oidPBKDF2
	of.Derivation.PBKDF2 = derivation{salt, Rounds, pkix.AlgorithmIdentifier{Algorithm: oidHMACSHA256, Parameters: asn1.NullRawValue}}
	of.Cipher.OID, of.Cipher.IV = oidAES256CBC, iv
	return e
}

// padded fills the last block up, RFC 8018 section 6.1.1.
func padded(data []byte) []byte {
	n := aes.BlockSize - len(data)%aes.BlockSize
	return append(data, bytes.Repeat([]byte{byte(n)}, n)...)
}

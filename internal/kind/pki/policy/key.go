package policy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The formats of private keys that can be asked for.
const (
	PKCS8   = "pkcs8"
	OpenSSH = "openssh"
)

// Algorithms are those that a new private key may have.
var Algorithms = []string{"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"}

// ErrNoKey is what a file is that holds no private key.
var ErrNoKey = errors.New("it holds no private key that can be read")

// ErrEncrypted is a key that an unattended host can't use.
var ErrEncrypted = errors.New("the private key is protected by a passphrase, which nobody is there to type; take it off with openssl pkey or ssh-keygen -p")

// Generate makes a new private key.
func Generate(algorithm string, rand io.Reader) (crypto.Signer, error) {
	switch algorithm {
	case "ecdsa-p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand)
	case "ecdsa-p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand)
	case "ecdsa-p521":
		return ecdsa.GenerateKey(elliptic.P521(), rand)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand)
		return key, err
	}
	bits, ok := strings.CutPrefix(algorithm, "rsa-")
	if !ok || !slices.Contains(Algorithms, algorithm) {
		return nil, fmt.Errorf("there is no algorithm %q; one of %s", algorithm, strings.Join(Algorithms, ", "))
	}
	n, err := strconv.Atoi(bits)
	if err != nil {
		return nil, err
	}
	return rsa.GenerateKey(rand, n)
}

// AlgorithmOf names the algorithm of a public key.
func AlgorithmOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		return "ecdsa-" + strings.ToLower(strings.ReplaceAll(k.Curve.Params().Name, "-", ""))
	case ed25519.PublicKey:
		return "ed25519"
	case *rsa.PublicKey:
		return "rsa-" + strconv.Itoa(k.N.BitLen())
	default:
		return "unknown"
	}
}

// MarshalKey writes a private key in one of the formats.
func MarshalKey(key crypto.Signer, format string) ([]byte, error) {
	if format == OpenSSH {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			return nil, err
		}
		return pem.EncodeToMemory(block), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseKey reads a private key in any of the usual formats and names that.
func ParseKey(data []byte) (key crypto.Signer, format string, err error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, "", ErrNoKey
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			data = rest
			continue
		}
		raw, format, err := parseBlock(block)
		if err != nil {
			return nil, format, err
		}
		if k, ok := raw.(*ed25519.PrivateKey); ok {
			return *k, format, nil
		}
		signer, ok := raw.(crypto.Signer)
		if !ok {
			return nil, format, ErrNoKey
		}
		return signer, format, nil
	}
}

func parseBlock(block *pem.Block) (key any, format string, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		format = PKCS8
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		format = "pkcs1"
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
		format = "sec1"
	case "OPENSSH PRIVATE KEY":
		key, err = ssh.ParseRawPrivateKey(pem.EncodeToMemory(block))
		format = OpenSSH
	case "ENCRYPTED PRIVATE KEY":
		return nil, PKCS8, ErrEncrypted
	}
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) || block.Headers["DEK-Info"] != "" {
		return nil, format, ErrEncrypted
	}
	if err != nil || key == nil {
		// What the parsers say quotes the file, so it is left out.
		return nil, format, ErrNoKey
	}
	return key, format, nil
}

// ParseSigner reads a private key in any of the usual formats.
func ParseSigner(data []byte) (crypto.Signer, error) {
	key, _, err := ParseKey(data)
	return key, err
}

// SamePublic says whether two public keys are one.
func SamePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

package pki

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
	pkcs8   = "pkcs8"
	openssh = "openssh"
)

// Algorithms are those that a new private key may have.
var Algorithms = []string{"ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096"}

// errNoKey is what a file is that holds no private key.
var errNoKey = errors.New("it holds no private key that can be read")

// errEncrypted is a key that an unattended host can't use.
var errEncrypted = errors.New("the private key is protected by a passphrase, which nobody is there to type; take it off with openssl pkey or ssh-keygen -p")

// generate makes a new private key.
func generate(algorithm string, rand io.Reader) (crypto.Signer, error) {
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

// algorithmOf names the algorithm of a public key.
func algorithmOf(public crypto.PublicKey) string {
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

// marshalKey writes a private key in one of the formats.
func marshalKey(key crypto.Signer, format string) ([]byte, error) {
	if format == openssh {
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

// parseKey reads a private key in any of the usual formats and names that.
func parseKey(data []byte) (key crypto.Signer, format string, err error) {
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return nil, "", errNoKey
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
			return nil, format, errNoKey
		}
		return signer, format, nil
	}
}

func parseBlock(block *pem.Block) (key any, format string, err error) {
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		format = pkcs8
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		format = "pkcs1"
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
		format = "sec1"
	case "OPENSSH PRIVATE KEY":
		key, err = ssh.ParseRawPrivateKey(pem.EncodeToMemory(block))
		format = openssh
	case "ENCRYPTED PRIVATE KEY":
		return nil, pkcs8, errEncrypted
	}
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) || block.Headers["DEK-Info"] != "" {
		return nil, format, errEncrypted
	}
	if err != nil || key == nil {
		// What the parsers say quotes the file, so it is left out.
		return nil, format, errNoKey
	}
	return key, format, nil
}

func parseSigner(data []byte) (crypto.Signer, error) {
	key, _, err := parseKey(data)
	return key, err
}

// samePublic says whether two public keys are one.
func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

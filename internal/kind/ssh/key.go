package ssh

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// algorithms of public keys that are worth something. Certificates are no keys, and
// what FIDO keeps needs somebody to touch it.
var algorithms = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA}

// touched are those that somebody has to touch a device for.
var touched = []string{ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256}

// minRSA is how many bits a key of RSA has to have: what OpenSSH takes for a host
// key (RequiredRSASize has 1024) is less than what is safe.
const minRSA = 2048

// ParsePublic reads a public key as it stands in a .pub file, TYPE BASE64 COMMENT,
// and returns it without its comment, which is nobody's business.
func ParsePublic(line string) (string, ssh.PublicKey, error) {
	if strings.ContainsAny(line, "\n\r\x00") {
		return "", nil, errors.New("it has more than one line; write each key as an item of its own")
	}
	words := strings.Fields(line)
	const form = "write it as in ssh-ed25519 AAAAC3Nz…, the line of a .pub file"
	switch {
	case len(words) == 0:
		return "", nil, errors.New("it is empty; " + form)
	case strings.Contains(line, "PRIVATE KEY"):
		return "", nil, errors.New("it is a private key, which belongs into a file of its own, 0600; " + form)
	case strings.Contains(words[0], "-cert-"):
		return "", nil, errors.New("it is a certificate; write the key itself")
	case words[0] == "ssh-dss":
		return "", nil, errors.New("DSA is broken and OpenSSH has no more of it; make an ed25519 key")
	case !slices.Contains(algorithms, words[0]) && !slices.Contains(touched, words[0]):
		if len(words) > 1 && slices.Contains(algorithms, words[1]) {
			return "", nil, fmt.Errorf("%q stands before it; leave hosts and options out", words[0])
		}
		return "", nil, fmt.Errorf("%q is no kind of key; %s", words[0], form)
	case len(words) < 2:
		return "", nil, errors.New("it ends after its kind; " + form)
	}
	data, err := base64.StdEncoding.DecodeString(words[1])
	if err != nil {
		return "", nil, errors.New("it is damaged: what follows its kind is no base64; copy the whole line")
	}
	key, err := ssh.ParsePublicKey(data)
	if err != nil || key.Type() != words[0] {
		return "", nil, errors.New("it is damaged, or cut short; copy the whole line")
	}
	if bits := rsaBits(key); bits > 0 && bits < minRSA {
		return "", nil, fmt.Errorf("it has %d bits, and fewer than %d can be broken; make an ed25519 key, or one of RSA with 3072 bits", bits, minRSA)
	}
	return words[0] + " " + words[1], key, nil
}

func rsaBits(key ssh.PublicKey) int {
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	if k, ok := crypto.CryptoPublicKey().(*rsa.PublicKey); ok {
		return k.N.BitLen()
	}
	return 0
}

// Touched says whether somebody has to touch a device for the key to be used.
func Touched(key ssh.PublicKey) bool { return slices.Contains(touched, key.Type()) }

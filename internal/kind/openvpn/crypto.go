package openvpn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vpnd/internal/atomic"
)

// cryptic are directives that OpenVPN judges only when it starts, after all its
// options: names of ciphers and digests, keys and certificates.
var cryptic = map[string]bool{
	"auth": true, "cipher": true, "data-ciphers": true, "ncp-ciphers": true, "data-ciphers-fallback": true,
	"tls-cipher": true, "tls-ciphersuites": true, "tls-groups": true, "ecdh-curve": true,
	"tls-version-min": true, "tls-version-max": true, "tls-cert-profile": true, "providers": true,
	"ca": true, "cert": true, "key": true, "extra-certs": true, "dh": true, "crl-verify": true,
	"tls-auth": true, "tls-crypt": true, "tls-crypt-v2": true, "key-direction": true, "askpass": true,
}

// starts has OpenVPN begin to start with the part of a configuration that
// concerns cryptography, and with nothing else of it: it comes as far as its
// device, for which it is sent to a place where there is none. It binds its port
// in a network namespace of its own, which only root can make; for others nobody
// is asked.
func starts(ctx context.Context, program, text string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	part, ok, err := cryptography(text)
	if err != nil || !ok {
		return err
	}
	room, leave, err := atomic.Room("openvpn")
	if err != nil {
		return err
	}
	defer leave()
	trial, none := filepath.Join(room, "trial.conf"), filepath.Join(room, "none")
	if err := os.WriteFile(trial, []byte(part), 0o600); err != nil {
		return fmt.Errorf("writing a trial copy: %w", err)
	}
	if isClient(text) {
		return listenTo(ctx, program, trial, "UDPv4 link remote")
	}
	return listenTo(ctx, program, trial, "ERROR: Cannot open TUN/TAP dev "+none, "--dev-node", none)
}

// isClient says whether a configuration is that of a client. That comes as far as its
// socket, and opens its device when it is connected.
func isClient(text string) bool {
	for line := range strings.Lines(text) {
		if words, _ := Directive(strings.TrimRight(line, "\r\n")); len(words) == 1 && words[0] == "client" {
			return true
		}
	}
	return false
}

// server and dialler are those of no consequence whose cryptography is tried. Nobody is
// there in their network namespace.
var (
	server  = []string{"dev tun", "dev-type tun", "server 10.8.0.0 255.255.255.0", "topology subnet", "setenv opt disable-dco"}
	dialler = []string{"client", "dev tun", "dev-type tun", "remote 127.0.0.1 9 udp4", "nobind", "setenv opt disable-dco"}
)

// cryptography returns a server or a client of no consequence with the cryptography of
// another one. It is not there where that one uses none of certificates in files.
func cryptography(text string) (part string, ok bool, err error) {
	client := isClient(text)
	lines := slices.Clone(server)
	if client {
		lines = slices.Clone(dialler)
	}
	var keys []string
	inside, own := "", true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		words, _ := Directive(line) // what it can't read, it has refused
		switch {
		case inside != "":
			keys = append(keys, line)
			if strings.HasPrefix(trimmed, "</"+inside+">") {
				inside = ""
			}
		case strings.HasPrefix(trimmed, "<") && cryptic[strings.Trim(trimmed, "<>")]:
			inside = strings.Trim(trimmed, "<>")
			keys = append(keys, line)
		case len(words) == 0:
		case words[0] == "pkcs12" || words[0] == "secret" || words[0] == "peer-fingerprint":
			return "", false, nil
		case !cryptic[words[0]]:
		case !files[words[0]] || len(words) < 2 || words[1] == "none":
			lines = append(lines, line)
		case pending(words[1]):
			own = own && !slices.Contains([]string{"ca", "cert", "key"}, words[0])
		default:
			keys = append(keys, line)
		}
	}
	if !hasDirective(keys, "ca") || !hasDirective(keys, "cert") || !hasDirective(keys, "key") || !own {
		keys, err = throwaway()
	}
	if !client && !hasDirective(append(lines, keys...), "dh") {
		lines = append(lines, "dh none")
	}
	return strings.Join(append(lines, keys...), "\n") + "\n", true, err
}

// hasDirective says whether a directive is among lines, inline or not.
func hasDirective(lines []string, name string) bool {
	return slices.ContainsFunc(lines, func(line string) bool {
		return line == name || strings.HasPrefix(line, name+" ") || strings.HasPrefix(strings.TrimSpace(line), "<"+name+">")
	})
}

// throwaway is a certificate for one question, its own CA, for a server whose
// keys are not made yet.
func throwaway() ([]string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "trial"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	return []string{
		"<ca>", text + "</ca>", "<cert>", text + "</cert>",
		"<key>", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})) + "</key>",
	}, nil
}

package dial

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/vpn/dial/profile"
)

// material judges keys and certificates, without the clock, and says nothing of what is
// in a key.
func (k *check) material(c *Client) {
	r := c.read()
	var own, authority []*x509.Certificate
	var key *profile.File
	for _, f := range r.Files {
		text := f.Document.Reveal()
		switch f.Directive {
		case "ca", "extra-certs":
			all := certificates(text)
			if len(all) == 0 {
				k.of(r, f, "give certificates in PEM", "%s holds no certificate", f.Directive)
			}
			authority = append(authority, all...)
		case "cert":
			if own = certificates(text); len(own) == 0 {
				k.of(r, f, "give a certificate in PEM", "cert holds no certificate")
			}
		case "key":
			key = f
		case "tls-auth", "tls-crypt":
			if !static.MatchString(text) {
				k.of(r, f, "give what openvpn --genkey secret makes, and the server has", "%s holds no static key of OpenVPN", f.Directive)
			}
		case "tls-crypt-v2":
			k.shield(r, f, text)
		case "auth-user-pass":
			if !isLogin(text) {
				k.of(r, f, "write the name on the first line and the password on the second", "%s has no name and password, a line each", f.Directive)
			}
		case "askpass":
			if strings.TrimSpace(text) == "" {
				k.of(r, f, "write the passphrase on its first line", "askpass is empty")
			}
		case "crl-verify":
			if b, _ := pem.Decode([]byte(text)); b == nil || b.Type != "X509 CRL" {
				k.of(r, f, "give a list in PEM", "crl-verify holds no revocation list")
			}
		}
	}
	if key != nil && len(own) > 0 {
		k.pair(r, key, own[0], c.Passphrase != nil || r.has("askpass"))
	}
	if len(own) > 0 && len(authority) > 0 {
		k.chain(r, own, authority)
	}
}

// of tells of what is wrong with a file.
func (k *check) of(r *reading, f *profile.File, hint, format string, args ...any) {
	k.line(r, profile.Told{Line: f.Line, Summary: fmt.Sprintf(format, args...), Hint: hint})
}

func (k *check) warned(r *reading, f *profile.File, hint, format string, args ...any) {
	k.line(r, profile.Told{Line: f.Line, Summary: fmt.Sprintf(format, args...), Hint: hint, Warning: true})
}

// static is what a static key of version 1 looks like.
var static = regexp.MustCompile(`(?s)-----BEGIN OpenVPN Static key V1-----\s+(?:[0-9a-fA-F]{32}\s+){16}-----END OpenVPN Static key V1-----`)

func (k *check) shield(r *reading, f *profile.File, text string) {
	switch b, _ := pem.Decode([]byte(text)); {
	case b != nil && b.Type == "OpenVPN tls-crypt-v2 server key":
		k.of(r, f, "give the one of this client, and keep the server's where it is: who has it can make one for anybody", "this is the tls-crypt-v2 key of a server")
	case b == nil || b.Type != "OpenVPN tls-crypt-v2 client key":
		k.of(r, f, "give the one of this client, as its profile has it", "it holds no tls-crypt-v2 key of a client")
	}
}

// pair wants the key to be that of the certificate.
func (k *check) pair(r *reading, f *profile.File, own *x509.Certificate, opens bool) {
	block := private(f.Document.Reveal())
	switch {
	case block == nil:
		k.of(r, f, "give a key in PEM", "key holds no private key")
		return
	case block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		if !opens {
			k.of(r, f, `add passphrase = credential("NAME-passphrase"), or take it off: openssl pkey -in FILE -out FILE`, "the key wants a passphrase, and nobody is there to type it")
		}
		return
	}
	signer, ok := keyOf(block.Bytes).(crypto.Signer)
	if !ok {
		k.of(r, f, "openssl pkey -in FILE writes it anew", "its private key can't be read")
		return
	}
	type equal interface{ Equal(crypto.PublicKey) bool }
	if pub, ok := own.PublicKey.(equal); ok && !pub.Equal(signer.Public()) {
		k.of(r, f, "give the key that was made for it, or ask for both anew", "the key is not that of the certificate, which is of %s", own.Subject.CommonName)
	}
}

// private finds the private key of a text, nil where there is none.
func private(text string) *pem.Block {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block
		}
	}
}

// keyOf reads a key in any of its forms.
func keyOf(der []byte) any {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil
	}
	return key
}

// chain warns of a certificate that another CA issued than the server's, and refuses one
// that is not for clients.
func (k *check) chain(r *reading, own, authority []*x509.Certificate) {
	f := r.Files[slices.IndexFunc(r.Files, func(f *profile.File) bool { return f.Directive == "cert" })]
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range authority {
		roots.AddCert(c)
	}
	for _, c := range own[1:] {
		between.AddCert(c)
	}
	if own[0].IsCA {
		k.of(r, f, "give the one that was made for this host", "it is the certificate of a CA and not that of a client")
		return
	}
	at := own[0].NotBefore.Add(time.Second) // when it was made they were all valid
	opts := x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := own[0].Verify(opts); err != nil {
		k.warned(r, f, "that is right only where the server takes certificates of another CA than its own; else ask for a new profile", "the certificate of %s is not of the CA that is given", own[0].Subject.CommonName)
	}
	if len(own[0].ExtKeyUsage) > 0 && !usable(own[0]) {
		k.of(r, f, "ask for one of a client", "the certificate of %s is not for clients, so servers refuse it", own[0].Subject.CommonName)
	}
}

func usable(c *x509.Certificate) bool {
	for _, u := range c.ExtKeyUsage {
		if u == x509.ExtKeyUsageClientAuth || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

// certificates reads those of a text.
func certificates(text string) []*x509.Certificate {
	var all []*x509.Certificate
	rest := []byte(text)
	for {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			return all
		}
		if c, err := x509.ParseCertificate(b.Bytes); err == nil && b.Type == "CERTIFICATE" {
			all = append(all, c)
		}
	}
}

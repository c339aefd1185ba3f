package openvpn

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// weak are beginnings of ciphers that OpenSSL 3 refuses, most of them since
// their blocks of 64 bits give plain text away (Sweet32).
var weak = []string{"BF", "DES", "RC2", "RC4", "RC5", "CAST", "IDEA"}

// Weak says whether a cipher is one that OpenSSL 3 refuses.
func Weak(cipher string) bool {
	return slices.ContainsFunc(weak, func(w string) bool { return strings.HasPrefix(strings.ToUpper(cipher), w) })
}

// Ends returns when the first certificate of a file runs out, the zero time where there
// is none that can be read.
func Ends(file []byte) time.Time {
	block, _ := pem.Decode(file)
	if block == nil {
		return time.Time{}
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return c.NotAfter
}

// InForce wants the certificates of a file to be valid now.
func InForce(file string, now time.Time) *resource.Mistake {
	rest := []byte(file)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if m := inForce(c, now); m != nil {
			return m
		}
	}
}

// soon is how long before its end people are told of a certificate.
const soon = 30 * 24 * time.Hour

func inForce(c *x509.Certificate, now time.Time) *resource.Mistake {
	who, ends := c.Subject.CommonName, c.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case now.Before(c.NotBefore):
		return &resource.Mistake{Summary: fmt.Sprintf("the certificate of %s is not valid before %s", who, c.NotBefore.UTC().Format(time.RFC3339)), Hint: "see the clock of this host, and that of who issued it"}
	case now.After(c.NotAfter):
		return &resource.Mistake{Summary: fmt.Sprintf("the certificate of %s has run out on %s", who, ends), Hint: "ask for a new one"}
	case now.Add(soon).After(c.NotAfter):
		return &resource.Mistake{Summary: fmt.Sprintf("the certificate of %s runs out on %s", who, ends), Hint: "ask for a new one before; nothing here can renew it", Warning: true}
	}
	return nil
}

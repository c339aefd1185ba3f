package status

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// named returns what people call a value that is a block of PEM, and others as they
// are: two blocks beside each other tell nobody what moved.
func named(value string) string {
	text, ok := strings.CutPrefix(strings.TrimSpace(value), "-----BEGIN ")
	if !ok {
		return value
	}
	what, _, _ := strings.Cut(text, "-----")
	what = strings.ToLower(what)
	block, rest := pem.Decode([]byte(value))
	if block == nil {
		return fmt.Sprintf("(damaged PEM of a %s, %d bytes)", what, len(value))
	}
	if len(strings.TrimSpace(string(rest))) > 0 {
		return fmt.Sprintf("(several blocks of PEM, %d bytes, the first a %s)", len(value), what)
	}
	switch block.Type {
	case "CERTIFICATE":
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			return fmt.Sprintf("(certificate of %s, serial %x, until %s)", c.Subject, c.SerialNumber, c.NotAfter.UTC().Format(time.RFC3339))
		}
	case "X509 CRL":
		if c, err := x509.ParseRevocationList(block.Bytes); err == nil {
			return fmt.Sprintf("(CRL %s of %s, %d revoked, until %s)", c.Number, c.Issuer, len(c.RevokedCertificateEntries), c.NextUpdate.UTC().Format(time.RFC3339))
		}
	}
	return fmt.Sprintf("(%s in PEM, %d bytes)", what, len(value))
}

package pki

import (
	"crypto/x509"
	"encoding/pem"
	"time"

	"vpnd/internal/resource"
)

// Ends returns when the certificate runs out.
func (c *Certificate) Ends() resource.End {
	end := resource.End{Fresh: resource.Or(c.Fresh, false), Due: resource.Or(c.FreshUntil, time.Time{})}
	end.At, _ = time.Parse(time.RFC3339, resource.Or(c.NotAfter, ""))
	return end
}

// Signs says whether it is the certificate of a CA.
func (c *Certificate) Signs() bool { return resource.Or(c.Usage, usageServer) == usageCA }

// Ends returns when the next list has to be there.
func (l *CRL) Ends() resource.End {
	end := resource.End{Fresh: resource.Or(l.Fresh, false), Due: resource.Or(l.FreshUntil, time.Time{})}
	block, _ := pem.Decode([]byte(resource.Or(l.PEM, "")))
	if block == nil {
		return end
	}
	if list, err := x509.ParseRevocationList(block.Bytes); err == nil {
		end.At = list.NextUpdate
	}
	return end
}

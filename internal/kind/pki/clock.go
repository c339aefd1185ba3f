package pki

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// begun says whether something that is good from a time on may count as good.
// A host without a battery for its clock boots in the past, where everything
// is from the future: all that was made anew then would be void once the clock
// is right. So what is early waits, unless the kernel says that the clock was
// set by a time server: then it was made by a clock that was wrong itself.
func begun(s *derived.Scene, from time.Time) bool {
	return !s.Now.Before(from) || !synchronized(s)
}

// early tells of something that is good from a time on that has not come; nil
// where it has.
func early(s *derived.Scene, from time.Time) *string {
	if !s.Now.Before(from) || synchronized(s) {
		return nil
	}
	return resource.Ptr(fmt.Sprintf("says %s, and this is good from %s on: nobody can connect and nothing is renewed before the clock is set, as timedatectl set-time does",
		s.Now.Format(time.DateTime), from.UTC().Format(time.DateTime)))
}

// earlier is early for what somebody signed; where that one is early itself, it
// tells of both, and this says nothing of itself.
func earlier(s *derived.Scene, from time.Time, issuer *string) *string {
	if issuer != nil {
		if ca, err := certificateAt(s, *issuer); err == nil && early(s, ca.NotBefore) != nil && early(s, from) != nil {
			return new(string)
		}
	}
	return early(s, from)
}

func synchronized(s *derived.Scene) bool { return s.Synchronized != nil && s.Synchronized() }

// Synchronized says whether the kernel's clock was set by a time server,
// adjtimex(2).
func Synchronized() bool {
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != unix.TIME_ERROR
}

// Ends returns when the certificate runs out.
func (c *Certificate) Ends() resource.End {
	end := resource.End{Fresh: resource.Or(c.Fresh, false), Due: resource.Or(c.FreshUntil, time.Time{})}
	end.At, _ = time.Parse(time.RFC3339, resource.Or(c.NotAfter, ""))
	return end
}

// Signs says whether it is the certificate of a CA.
func (c *Certificate) Signs() bool { return resource.Or(c.Usage, policy.UsageServer) == policy.UsageCA }

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

package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/likeness"
	"vpnd/internal/kind/pki/overlap"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// suits says whether a certificate belongs to its key, comes from its issuer
// and is not revoked.
func suits(s *derived.Scene, cert *likeness.Likeness, want Certificate) (bool, error) {
	if want.Key == nil && want.Request == nil {
		return false, nil
	}
	key, err := ownerOf(s, want)
	if want.Issuer == nil && yes(want.Away) && errors.Is(err, fs.ErrNotExist) {
		return signed(s, cert, cert.Itself), nil // the certificate is all that there is to tell by
	}
	if !(yes(want.KeyAway) && errors.Is(err, fs.ErrNotExist)) && (err != nil || !key.is(cert)) {
		return false, derived.Missing(err)
	}
	if want.Issuer == nil {
		return signed(s, cert, cert.Itself), nil
	}
	if issuer, err := signerAmong(s, cert, append([]string{*want.Issuer}, want.Former...)); err != nil || issuer == nil {
		return false, derived.Missing(err)
	}
	if slices.Contains(want.Void, cert.Serial) {
		return false, nil
	}
	if want.Ledger == nil {
		return true, nil
	}
	l, err := ledgerAt(s, *want.Ledger)
	return err == nil && !l.revoked(cert.Serial), err
}

// signerAmong returns which of the CAs at those paths signed a certificate, nil for
// none.
func signerAmong(s *derived.Scene, cert *likeness.Likeness, issuers []string) (*x509.Certificate, error) {
	var errs []error
	for _, path := range issuers {
		issuer, err := certificateAt(s, path)
		if err == nil && signed(s, cert, issuer) {
			return issuer, nil
		}
		errs = append(errs, err)
	}
	return nil, errs[0]
}

// recorded says whether the ledger, where there is one, knows the certificate.
func recorded(s *derived.Scene, cert *likeness.Likeness, want Certificate) (bool, error) {
	if want.Issuer == nil || want.Ledger == nil {
		return true, nil
	}
	l, err := ledgerAt(s, *want.Ledger)
	return err == nil && l.holds(cert.Serial), err
}

// fresh says whether a certificate is not yet to be renewed.
func fresh(s *derived.Scene, cert *likeness.Likeness, want Certificate) bool {
	if want.Overlap != nil {
		return true // another one took its place
	}
	return begun(s, cert.NotBefore) && s.Now.Before(freshUntil(s, cert, want))
}

// freshUntil returns when a certificate is to be renewed. One that lasts as long
// as its issuer can't be had for longer, so not before its end.
func freshUntil(s *derived.Scene, cert *likeness.Likeness, want Certificate) time.Time {
	if want.Issuer != nil {
		if issuer, err := certificateAt(s, *want.Issuer); err == nil && !cert.NotAfter.Before(issuer.NotAfter) {
			return cert.NotAfter.UTC()
		}
	}
	window := cert.NotAfter.Sub(cert.NotBefore) / 3
	if want.RenewBefore != nil {
		window = time.Duration(*want.RenewBefore)
	}
	return cert.NotAfter.Add(-window).UTC()
}

// remains says for what a CA remains whose place another one took.
func remains(s *derived.Scene, name string, want Certificate) *string {
	if want.Overlap == nil || want.Issuer != nil {
		return nil
	}
	rest := overlap.Of(s, name, *want.Overlap)
	if rest.Over() || !rest.Known {
		return nil
	}
	text := fmt.Sprintf("for the %d certificates that it signed and that are good, the last until %s: who has one comes in as before, each new one is of the CA that took its place, and it ends by itself when none is left", rest.Good, rest.Last.Local().Format(time.DateOnly))
	if rest.Good == 1 {
		text = fmt.Sprintf("for the one certificate that it signed and that is good, until %s: who has it comes in as before, and it ends by itself then", rest.Last.Local().Format(time.DateOnly))
	}
	return &text
}

// good says whether the certificate is all that the wish asks for, apart from
// its place in the ledger.
func good(s *derived.Scene, cert *x509.Certificate, want Certificate) bool {
	is := likeness.Of(cert)
	suits, err := suits(s, is, want)
	if err != nil || !suits || !fresh(s, is, want) {
		return false
	}
	if want.outside() {
		return accepted(cert, want)
	}
	return is.Usage == resource.Or(want.Usage, policy.UsageServer) && is.Subject == *want.Subject &&
		(want.DNSNames == nil || slices.Equal(policy.SortedNames(want.DNSNames), is.DNSNames)) &&
		(want.Domains == nil || slices.Equal(policy.SortedNames(want.Domains), is.Domains)) &&
		(want.PathLength == nil || *want.PathLength == is.PathLength) &&
		(want.IPAddresses == nil || slices.Equal(policy.SortedAddresses(want.IPAddresses), is.Addresses))
}

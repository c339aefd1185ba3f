package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/resource"
)

// badAlgorithm says why there is no such algorithm.
func badAlgorithm(name string) string {
	bits, isRSA := strings.CutPrefix(name, "rsa-")
	if n, err := strconv.Atoi(bits); isRSA && err == nil && n < 2048 {
		return fmt.Sprintf("RSA of %d bits can be broken, and OpenSSL 3 refuses it", n)
	}
	return fmt.Sprintf("there is no algorithm %q", name)
}

// CheckAlgorithm returns what is wrong with the name of an algorithm for a new
// key, and what there is instead; both are empty where nothing is.
func CheckAlgorithm(name string) (summary, hint string) {
	if slices.Contains(Algorithms, name) {
		return "", ""
	}
	return badAlgorithm(name), "one of " + strings.Join(Algorithms, ", ")
}

// commonName is what OpenVPN and strongSwan take as a name without quoting.
var commonName = regexp.MustCompile(`^[A-Za-z0-9_.@ -]{1,64}$`)

// country is a code of ISO 3166.
var country = regexp.MustCompile(`^[A-Z]{2}$`)

// Validate checks the name, as a nested block that stands at a path: subject.
func (s Subject) Validate(where string) []resource.Mistake {
	var m derived.Mistakes
	if !commonName.MatchString(s.CommonName) || strings.TrimSpace(s.CommonName) != s.CommonName {
		m.Add(where+".common_name", fmt.Sprintf("%q is no common name", s.CommonName), "1 to 64 letters, digits, spaces and . _ @ -")
	}
	for _, a := range []struct{ where, text string }{
		{"organization", s.Organization},
		{"organizational_unit", s.OrganizationalUnit},
		{"province", s.Province},
		{"locality", s.Locality},
		{"email", s.Email},
	} {
		if len([]rune(a.text)) > 64 || strings.ContainsFunc(a.text, unicode.IsControl) {
			m.Add(where+"."+a.where, fmt.Sprintf("%q does not fit into a certificate", a.text), "at most 64 letters, no line break among them")
		}
	}
	if s.Country != "" && !country.MatchString(s.Country) {
		m.Add(where+".country", fmt.Sprintf("%q is no country code", s.Country), "two capital letters, as in \"US\"")
	}
	if strings.ContainsFunc(s.Email, func(r rune) bool { return r > unicode.MaxASCII }) {
		m.Add(where+".email", fmt.Sprintf("%q is no address that a certificate can hold", s.Email), "letters of ASCII only")
	}
	return m
}

// hostName is a name of RFC 1123, perhaps a wildcard.
var hostName = regexp.MustCompile(`^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// CheckHostNames returns the first of the names that is none; empty where all are.
func CheckHostNames(names []string) string {
	for _, name := range names {
		if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 || !hostName.MatchString(name) {
			return name
		}
	}
	return ""
}

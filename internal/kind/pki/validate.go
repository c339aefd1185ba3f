package pki

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"vpnd/internal/resource"
)

// mistakes gathers what is wrong with a block.
type mistakes []resource.Mistake

func (m *mistakes) add(where, summary, hint string) {
	*m = append(*m, resource.Mistake{Path: where, Summary: summary, Hint: hint})
}

// path checks an absolute path; where is empty for the label.
func (m *mistakes) path(where, p string) {
	if p == "/" || !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsFunc(p, unicode.IsControl) {
		m.add(where, fmt.Sprintf("%q is no clean absolute path of a file", p), "write the whole path, as in \"/etc/openvpn/server/ca.crt\", without a slash at its end")
	}
}

func (m *mistakes) optionalPath(where string, p *string) {
	if p != nil {
		m.path(where, *p)
	}
}

func (m *mistakes) oneOf(where string, value *string, known ...string) {
	if value != nil && !slices.Contains(known, *value) {
		m.add(where, fmt.Sprintf("%q is not one of the values it may have", *value), "one of "+strings.Join(known, ", "))
	}
}

// account is what useradd(8) accepts, or a number.
var account = regexp.MustCompile(`^([0-9]+|[A-Za-z_][A-Za-z0-9_.-]*\$?)$`)

// access checks who may use the thing; others may have nothing of a private one.
func (m *mistakes) access(a access, private bool) {
	if mode := *a.mode; private && mode != nil && *mode&0o007 != 0 {
		m.add("mode", fmt.Sprintf("mode %s lets every user of the host have it", mode), "give others nothing, as in \"0600\" or, for a group, \"0640\"")
	}
	m.account("owner", *a.owner)
	m.account("group", *a.group)
}

func (m *mistakes) account(where string, name *string) {
	if name != nil && !account.MatchString(*name) {
		m.add(where, fmt.Sprintf("%q can be no %s", *name, where), "write a name or a number, as in \"root\" or \"0\"")
	}
}

// Validate checks what needs no host.
func (k *PrivateKey) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	if k.Algorithm != nil && !slices.Contains(Algorithms, *k.Algorithm) {
		m.add("algorithm", badAlgorithm(*k.Algorithm), "one of "+strings.Join(Algorithms, ", "))
	}
	m.oneOf("format", k.Format, pkcs8, openssh)
	m.optionalPath("certificate", k.Certificate)
	m.access(access{&k.Mode, &k.Owner, &k.Group}, true)
	return m
}

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
	var m mistakes
	if !commonName.MatchString(s.CommonName) || strings.TrimSpace(s.CommonName) != s.CommonName {
		m.add(where+".common_name", fmt.Sprintf("%q is no common name", s.CommonName), "1 to 64 letters, digits, spaces and . _ @ -")
	}
	for _, a := range []struct{ where, text string }{
		{"organization", s.Organization},
		{"organizational_unit", s.OrganizationalUnit},
		{"province", s.Province},
		{"locality", s.Locality},
		{"email", s.Email},
	} {
		if len([]rune(a.text)) > 64 || strings.ContainsFunc(a.text, unicode.IsControl) {
			m.add(where+"."+a.where, fmt.Sprintf("%q does not fit into a certificate", a.text), "at most 64 letters, no line break among them")
		}
	}
	if s.Country != "" && !country.MatchString(s.Country) {
		m.add(where+".country", fmt.Sprintf("%q is no country code", s.Country), "two capital letters, as in \"US\"")
	}
	if strings.ContainsFunc(s.Email, func(r rune) bool { return r > unicode.MaxASCII }) {
		m.add(where+".email", fmt.Sprintf("%q is no address that a certificate can hold", s.Email), "letters of ASCII only")
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

// Validate checks what needs no host.
func (c *Certificate) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	m.optionalPath("key", c.Key)
	m.optionalPath("issuer", c.Issuer)
	m.optionalPath("issuer_key", c.IssuerKey)
	m.optionalPath("ledger", c.Ledger)
	m.oneOf("usage", c.Usage, usageCA, usageServer, usageClient, usageSigning)
	if (c.Issuer == nil) != (c.IssuerKey == nil) {
		m.add("issuer", "an issuer signs with its key, and one of the two is missing", "give both issuer and issuer_key, or neither for a self-signed certificate")
	}
	if c.Subject != nil {
		m = append(m, c.Subject.Validate("subject")...)
	}
	if bad := CheckHostNames(c.DNSNames); bad != "" {
		m.add("dns_names", fmt.Sprintf("%q is no host name", bad), "addresses belong into ip_addresses")
	}
	m.validity("validity", c.Validity)
	life := resource.Or(c.Validity, DefaultValidity)
	if c.RenewBefore != nil && (*c.RenewBefore <= 0 || *c.RenewBefore >= life) {
		m.add("renew_before", fmt.Sprintf("a certificate that is good for %s can't be renewed %s before its end", life, c.RenewBefore), "choose less than validity, or leave it out for a third")
	}
	m.access(access{&c.Mode, &c.Owner, &c.Group}, false)
	return m
}

// validity checks how long something is good for.
func (m *mistakes) validity(where string, d *resource.Duration) {
	if d != nil && (*d < MinValidity || *d > MaxValidity) {
		m.add(where, fmt.Sprintf("%s is no sensible life of a certificate", d), fmt.Sprintf("from %s to %s, as in \"825d\"", MinValidity, MaxValidity))
	}
}

// Validate checks what needs no host.
func (c *CRL) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	m.optionalPath("issuer", c.Issuer)
	m.optionalPath("issuer_key", c.IssuerKey)
	m.optionalPath("ledger", c.Ledger)
	m.validity("validity", c.Validity)
	m.access(access{&c.Mode, &c.Owner, &c.Group}, false)
	return m
}

// Validate checks what needs no host.
func (l *Ledger) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	m.access(access{&l.Mode, &l.Owner, &l.Group}, true)
	return m
}

// Validate checks what needs no host.
func (k *StaticKey) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	m.access(access{&k.Mode, &k.Owner, &k.Group}, true)
	return m
}

// Validate checks what needs no host.
func (k *WireGuardKey) Validate(name string) []resource.Mistake {
	return (&StaticKey{Mode: k.Mode, Owner: k.Owner, Group: k.Group}).Validate(name)
}

// Validate checks what needs no host.
func (k *WireGuardPSK) Validate(name string) []resource.Mistake {
	return (&StaticKey{Mode: k.Mode, Owner: k.Owner, Group: k.Group}).Validate(name)
}

// Validate checks what needs no host.
func (k *TLSCryptV2Key) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	m.optionalPath("server", k.Server)
	m.access(access{&k.Mode, &k.Owner, &k.Group}, true)
	return m
}

// Validate checks what needs no host.
func (p *DHParams) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	if p.Bits != nil {
		if _, ok := group(*p.Bits); !ok {
			m.add("bits", fmt.Sprintf("RFC 7919 has no group of %d bits", *p.Bits), "one of 2048, 3072, 4096, 6144, 8192")
		}
	}
	m.access(access{&p.Mode, &p.Owner, &p.Group}, false)
	return m
}

// Validate checks what needs no host.
func (f *AssembledFile) Validate(name string) []resource.Mistake {
	var m mistakes
	m.path("", name)
	for i, p := range f.Parts {
		where := fmt.Sprintf("part.%d", i)
		if (p.Text == nil) == (p.File == nil) {
			m.add(where, "a part is either text or a file", "give one of the two")
		}
		m.optionalPath(where+".file", p.File)
	}
	m.access(access{&f.Mode, &f.Owner, &f.Group}, false)
	return m
}

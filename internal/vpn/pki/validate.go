package pki

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// holderName is what can be a common name, a file name and a label at once:
// OpenVPN looks for a client's own settings in a file of that name. Dots and @
// are what OpenVPN leaves as they are, for john.doe and vpn.example.com; not at
// the beginning, where a dot hides a file.
var holderName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.@-]{0,63}$`)

// mostGenerations is how many CAs may follow each other in one PKI.
const mostGenerations = 100

// blockName is a label of the block: part of a path.
var blockName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// Validate checks what needs no host.
func (p *PKI) Validate(name string) []resource.Mistake {
	c := &check{}
	if !blockName.MatchString(name) {
		c.wrong("", fmt.Sprintf("%q can't be the name of a directory", name), "letters, digits and . _ -, at most 64 of them")
	}
	c.authority(p)
	c.parent(p)
	c.algorithm(p)
	c.lives(p)
	c.holders(p)
	c.revocations(p)
	return c.found
}

type check struct{ found []resource.Mistake }

func (c *check) wrong(where, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: where, Summary: summary, Hint: hint})
}

func (c *check) warn(where, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: where, Summary: summary, Hint: hint, Warning: true})
}

// authority checks what makes the CA.
func (c *check) authority(p *PKI) {
	c.path("directory", p.Directory)
	c.path("ca_certificate", p.CACertificate)
	c.path("ca_key", p.CAKey)
	c.path("crl", p.CRL)
	c.path("issued", p.Issued)
	if p.Issued != nil && p.CACertificate == nil {
		c.wrong("issued", "a CA that vpnd makes issued nothing before", "leave it out, or give ca_certificate and ca_key of the CA that it belongs to")
	}
	if p.CACertificate == nil && p.CAKey != nil {
		c.wrong("ca_key", "a CA that exists already has a certificate, and its path is missing", "give ca_certificate with ca_key, or neither for a new CA")
	}
	c.domains(p)
	if p.CAKeyPEM != nil && p.CAKey == nil {
		c.wrong("ca_key_pem", "without the credential nothing would tell this CA from one elsewhere", "give ca_certificate, and in ca_key the path where the key may be put as well")
	}
	if n := resource.Or(p.CAGeneration, 1); n < 1 || n > mostGenerations {
		c.wrong("ca_generation", fmt.Sprintf("%d is no number of a CA", n), fmt.Sprintf("from 1 to %d, one more for each CA that takes the place of another", mostGenerations))
	} else if n > 1 && p.CACertificate != nil {
		c.wrong("ca_generation", "a CA that exists already is not vpnd's to replace", "leave it out, and give the new one in ca_certificate and ca_key")
	}
	if p.CACertificate != nil && resource.Or(p.CAKeyAway, false) {
		c.wrong("ca_key_away", "the key of a CA that exists already may be away in any case", "leave it out")
	}
	c.requests(p)
	if p.Subject != nil {
		c.found = append(c.found, p.Subject.Validate("subject")...)
	} else if p.CACertificate == nil {
		c.wrong("subject", "the CA has no name", "add subject { common_name = \"Acme VPN CA\" }")
	}
}

func (c *check) path(where string, p *string) {
	if p != nil && (*p == "/" || !path.IsAbs(*p) || path.Clean(*p) != *p || strings.ContainsFunc(*p, unicode.IsControl)) {
		c.wrong(where, fmt.Sprintf("%q is no clean absolute path", *p), "write the whole path without a slash at its end, as in \"/var/lib/vpnd/pki/office\"")
	}
}

func (c *check) algorithm(p *PKI) {
	if p.Key == nil {
		return
	}
	if summary, hint := policy.CheckAlgorithm(*p.Key); summary != "" {
		c.wrong("key", summary, hint)
	}
	if *p.Key == "ed25519" {
		c.warn("key", "an OpenVPN that was built with mbed TLS, as on many routers, can't read Ed25519 certificates", "ecdsa-p256 is read by every client")
	}
}

// lives checks how long things are good for.
func (c *check) lives(p *PKI) {
	life := resource.Or(p.CertValidity, pki.DefaultValidity)
	c.life("ca_validity", p.CAValidity)
	c.life("cert_validity", p.CertValidity)
	c.life("crl_validity", p.CRLValidity)
	if p.CRLValidity != nil && *p.CRLValidity < resource.Week {
		c.warn("crl_validity", fmt.Sprintf("a list that is good for %s locks everybody out if vpnd stands still for half of that", p.CRLValidity), "choose 7d or more; who is revoked is listed at once whatever it says")
	}
	c.within(p, "cert_validity", life)
	c.window(p, "renew_before", life)
	for _, h := range p.holders() {
		if h.validity != nil {
			where := h.where("validity")
			c.life(where, h.validity)
			c.within(p, where, *h.validity)
			c.window(p, where, *h.validity)
		}
	}
}

func (c *check) life(where string, d *resource.Duration) {
	if d != nil && (*d < pki.MinValidity || *d > pki.MaxValidity) {
		c.wrong(where, fmt.Sprintf("%s is no sensible life", d), fmt.Sprintf("from %s to %s, as in \"825d\"", pki.MinValidity, pki.MaxValidity))
	}
}

// within warns where a certificate is to outlive the CA.
func (c *check) within(p *PKI, where string, life resource.Duration) {
	if p.CACertificate == nil && p.CAValidity != nil && life > *p.CAValidity {
		c.warn(where, fmt.Sprintf("a certificate can't outlive its CA, so this one will be good for %s at most", p.CAValidity), "choose less than ca_validity")
	}
}

// window checks that a certificate lives before it is to be renewed.
func (c *check) window(p *PKI, where string, life resource.Duration) {
	if p.RenewBefore != nil && (*p.RenewBefore <= 0 || *p.RenewBefore >= life) {
		c.wrong(where, fmt.Sprintf("a certificate that is good for %s can't be renewed %s before its end", life, p.RenewBefore), "choose a renew_before that is less, or leave it out for a third")
	}
}

func (h holder) where(attribute string) string { return h.block + "." + h.name + "." + attribute }

// holders checks the names. A host's file system and a user's eye may not tell
// upper case from lower, so names must differ in more than that.
func (c *check) holders(p *PKI) {
	names := make(map[string]string)
	commonNames := make(map[string]string)
	if p.Subject != nil {
		commonNames[strings.ToLower(p.Subject.CommonName)] = "the CA"
	}
	for _, h := range p.holders() {
		self := h.block + "." + h.name
		c.name(self, h.name)
		switch {
		case h.commonName == h.name:
		case h.revoked && p.CACertificate != nil:
			c.commonName(h.where("common_name"), h.commonName)
		default:
			c.name(h.where("common_name"), h.commonName)
		}
		c.unique(names, self, h.name, self, "label")
		c.unique(commonNames, self, h.commonName, self, "common name")
		if bad := policy.CheckHostNames(h.dnsNames); bad != "" {
			c.wrong(h.where("dns_names"), fmt.Sprintf("%q is no host name", bad), "as in \"vpn.example.com\"")
		}
	}
}

// commonName checks what another CA may have called somebody who gets no file any
// more.
func (c *check) commonName(where, name string) {
	if n := len([]rune(name)); n < 1 || n > 64 || strings.ContainsFunc(name, unicode.IsControl) {
		c.wrong(where, fmt.Sprintf("%q can be no common name", name), "write it as it stands in the certificate, at most 64 letters")
	}
}

// revocations checks the serial numbers.
func (c *check) revocations(p *PKI) {
	for i, r := range p.Revocations {
		if r.Serial == nil {
			continue // that was told
		}
		if _, ok := policy.ParseSerial(*r.Serial); !ok {
			c.wrong(fmt.Sprintf("revoke.%d.serial", i), fmt.Sprintf("%q is no serial number", *r.Serial), "hexadecimal, as openssl x509 -noout -serial -in FILE writes it: \"0A1B2C\" or \"0A:1B:2C\"")
		}
	}
}

func (c *check) name(where, name string) {
	switch {
	case !holderName.MatchString(name):
		c.wrong(where, fmt.Sprintf("%q can't be a common name and the name of a file", name), "1 to 64 letters, digits, _, -, . and @, the first no . and no @")
	case strings.EqualFold(name, "DEFAULT"):
		c.wrong(where, "DEFAULT is what OpenVPN calls the settings of everybody who has none of their own", "choose another name")
	}
}

func (c *check) unique(seen map[string]string, self, name, where, what string) {
	folded := strings.ToLower(name)
	if other, taken := seen[folded]; taken {
		c.wrong(where, fmt.Sprintf("%s has the %s %q already, apart from upper and lower case", other, what, name), "choose another name for one of the two")
		return
	}
	seen[folded] = self
}

// requests checks what goes with requests, and what does not.
func (c *check) requests(p *PKI) {
	for _, client := range p.Clients {
		if p.outside() && resource.Or(client.CSR, false) {
			c.wrong("client."+client.Name+".csr", "a CA elsewhere signs what it is asked for there, and this host would only pass the request on", "leave out csr, or leave out the client and have the CA sign for it alone")
		}
	}
}

// domains checks the name constraints of a new CA, and the names of those it signs for.
func (c *check) domains(p *PKI) {
	if p.permitted() == nil {
		return
	}
	if p.Domains != nil && p.CACertificate != nil {
		c.wrong("permitted_domains", "a CA that exists already has the constraints that it has", "leave it out")
	}
	if bad := policy.CheckHostNames(p.Domains); bad != "" || p.Domains != nil && len(p.Domains) == 0 {
		c.wrong("permitted_domains", fmt.Sprintf("%q is no domain", bad), "as in [\"example.com\"], with all below it")
		return
	}
	for _, h := range p.holders() {
		where, names := h.where("dns_names"), h.dnsNames
		if len(names) == 0 && strings.Contains(h.commonName, ".") && policy.CheckHostNames([]string{h.commonName}) == "" {
			where, names = h.where("common_name"), []string{h.commonName} // OpenSSL takes it for a host name
		}
		for _, name := range names {
			if domains := p.permitted(); len(domains) > 0 && !slices.ContainsFunc(domains, func(d string) bool { return within(name, d) }) {
				c.wrong(where, fmt.Sprintf("the CA may not sign for %q: its domains are %s", name, strings.Join(domains, ", ")), "add its domain to permitted_domains, or choose another name")
			}
		}
	}
}

// within says whether a host is in a domain, RFC 5280 section 4.2.1.10.
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

package pki

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
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
		c.Add("", "letters, digits and . _ -, at most 64 of them", "%q can't be the name of a directory", name)
	}
	c.authority(p)
	c.parent(p)
	c.algorithm(p)
	c.lives(p)
	c.holders(p)
	c.revocations(p)
	return c.Found
}

type check struct{ mistakes.Check }

// authority checks what makes the CA.
func (c *check) authority(p *PKI) {
	c.path("directory", p.Directory)
	c.path("ca_certificate", p.CACertificate)
	c.path("ca_key", p.CAKey)
	c.path("crl", p.CRL)
	c.path("issued", p.Issued)
	if p.Issued != nil && p.CACertificate == nil {
		c.Add("issued", "leave it out, or give ca_certificate and ca_key of the CA that it belongs to", "a CA that vpnd makes issued nothing before")
	}
	if p.CACertificate == nil && p.CAKey != nil {
		c.Add("ca_key", "give ca_certificate with ca_key, or neither for a new CA", "a CA that exists already has a certificate, and its path is missing")
	}
	c.domains(p)
	if p.CAKeyPEM != nil && p.CAKey == nil {
		c.Add("ca_key_pem", "give ca_certificate, and in ca_key the path where the key may be put as well", "without the credential nothing would tell this CA from one elsewhere")
	}
	if n := resource.Or(p.CAGeneration, 1); n < 1 || n > mostGenerations {
		c.Add("ca_generation", fmt.Sprintf("from 1 to %d, one more for each CA that takes the place of another", mostGenerations), "%d is no number of a CA", n)
	} else if n > 1 && p.CACertificate != nil {
		c.Add("ca_generation", "leave it out, and give the new one in ca_certificate and ca_key", "a CA that exists already is not vpnd's to replace")
	}
	if p.CACertificate != nil && resource.Or(p.CAKeyAway, false) {
		c.Add("ca_key_away", "leave it out", "the key of a CA that exists already may be away in any case")
	}
	c.requests(p)
	if p.Subject != nil {
		c.Found = append(c.Found, p.Subject.Validate("subject")...)
	} else if p.CACertificate == nil {
		c.Add("subject", "add subject { common_name = \"Acme VPN CA\" }", "the CA has no name")
	}
}

func (c *check) path(where string, p *string) {
	if p != nil && (*p == "/" || !path.IsAbs(*p) || path.Clean(*p) != *p || mistakes.HasControl(*p)) {
		c.Add(where, "write the whole path without a slash at its end, as in \"/var/lib/vpnd/pki/office\"", "%q is no clean absolute path", *p)
	}
}

func (c *check) algorithm(p *PKI) {
	if p.Key == nil {
		return
	}
	if summary, hint := policy.CheckAlgorithm(*p.Key); summary != "" {
		c.Add("key", hint, "%s", summary)
	}
	if *p.Key == "ed25519" {
		c.Warn("key", "ecdsa-p256 is read by every client", "an OpenVPN that was built with mbed TLS, as on many routers, can't read Ed25519 certificates")
	}
}

// lives checks how long things are good for.
func (c *check) lives(p *PKI) {
	life := resource.Or(p.CertValidity, pki.DefaultValidity)
	c.life("ca_validity", p.CAValidity)
	c.life("cert_validity", p.CertValidity)
	c.life("crl_validity", p.CRLValidity)
	if p.CRLValidity != nil && *p.CRLValidity < resource.Week {
		c.Warn("crl_validity", "choose 7d or more; who is revoked is listed at once whatever it says", "a list that is good for %s locks everybody out if vpnd stands still for half of that", p.CRLValidity)
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
		c.Add(where, fmt.Sprintf("from %s to %s, as in \"825d\"", pki.MinValidity, pki.MaxValidity), "%s is no sensible life", d)
	}
}

// within warns where a certificate is to outlive the CA.
func (c *check) within(p *PKI, where string, life resource.Duration) {
	if p.CACertificate == nil && p.CAValidity != nil && life > *p.CAValidity {
		c.Warn(where, "choose less than ca_validity", "a certificate can't outlive its CA, so this one will be good for %s at most", p.CAValidity)
	}
}

// window checks that a certificate lives before it is to be renewed.
func (c *check) window(p *PKI, where string, life resource.Duration) {
	if p.RenewBefore != nil && (*p.RenewBefore <= 0 || *p.RenewBefore >= life) {
		c.Add(where, "choose a renew_before that is less, or leave it out for a third", "a certificate that is good for %s can't be renewed %s before its end", life, p.RenewBefore)
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
			c.Add(h.where("dns_names"), "as in \"vpn.example.com\"", "%q is no host name", bad)
		}
	}
}

// commonName checks what another CA may have called somebody who gets no file any
// more.
func (c *check) commonName(where, name string) {
	if n := len([]rune(name)); n < 1 || n > 64 || mistakes.HasControl(name) {
		c.Add(where, "write it as it stands in the certificate, at most 64 letters", "%q can be no common name", name)
	}
}

// revocations checks the serial numbers.
func (c *check) revocations(p *PKI) {
	for i, r := range p.Revocations {
		if r.Serial == nil {
			continue // that was told
		}
		if _, ok := policy.ParseSerial(*r.Serial); !ok {
			c.Add(fmt.Sprintf("revoke.%d.serial", i), "hexadecimal, as openssl x509 -noout -serial -in FILE writes it: \"0A1B2C\" or \"0A:1B:2C\"", "%q is no serial number", *r.Serial)
		}
	}
}

func (c *check) name(where, name string) {
	switch {
	case !holderName.MatchString(name):
		c.Add(where, "1 to 64 letters, digits, _, -, . and @, the first no . and no @", "%q can't be a common name and the name of a file", name)
	case strings.EqualFold(name, "DEFAULT"):
		c.Add(where, "choose another name", "DEFAULT is what OpenVPN calls the settings of everybody who has none of their own")
	}
}

func (c *check) unique(seen map[string]string, self, name, where, what string) {
	folded := strings.ToLower(name)
	if other, taken := seen[folded]; taken {
		c.Add(where, "choose another name for one of the two", "%s has the %s %q already, apart from upper and lower case", other, what, name)
		return
	}
	seen[folded] = self
}

// requests checks what goes with requests, and what does not.
func (c *check) requests(p *PKI) {
	for _, client := range p.Clients {
		if p.outside() && resource.Or(client.CSR, false) {
			c.Add("client."+client.Name+".csr", "leave out csr, or leave out the client and have the CA sign for it alone", "a CA elsewhere signs what it is asked for there, and this host would only pass the request on")
		}
	}
}

// domains checks the name constraints of a new CA, and the names of those it signs for.
func (c *check) domains(p *PKI) {
	if p.permitted() == nil {
		return
	}
	if p.Domains != nil && p.CACertificate != nil {
		c.Add("permitted_domains", "leave it out", "a CA that exists already has the constraints that it has")
	}
	if bad := policy.CheckHostNames(p.Domains); bad != "" || p.Domains != nil && len(p.Domains) == 0 {
		c.Add("permitted_domains", "as in [\"example.com\"], with all below it", "%q is no domain", bad)
		return
	}
	for _, h := range p.holders() {
		where, names := h.where("dns_names"), h.dnsNames
		if len(names) == 0 && strings.Contains(h.commonName, ".") && policy.CheckHostNames([]string{h.commonName}) == "" {
			where, names = h.where("common_name"), []string{h.commonName} // OpenSSL takes it for a host name
		}
		for _, name := range names {
			if domains := p.permitted(); len(domains) > 0 && !slices.ContainsFunc(domains, func(d string) bool { return within(name, d) }) {
				c.Add(where, "add its domain to permitted_domains, or choose another name", "the CA may not sign for %q: its domains are %s", name, strings.Join(domains, ", "))
			}
		}
	}
}

// within says whether a host is in a domain, RFC 5280 section 4.2.1.10.
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

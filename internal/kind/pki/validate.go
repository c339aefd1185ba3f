package pki

import (
	"fmt"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// Validate checks what needs no host.
func (k *PrivateKey) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	if summary, hint := policy.CheckAlgorithm(resource.Or(k.Algorithm, policy.Algorithms[0])); summary != "" {
		m.Add("algorithm", summary, hint)
	}
	m.OneOf("format", k.Format, policy.PKCS8, policy.OpenSSH)
	m.OptionalPath("certificate", k.Certificate)
	m.Access(derived.Access{Mode: &k.Mode, Owner: &k.Owner, Group: &k.Group}, true)
	return m
}

// Validate checks what needs no host.
func (c *Certificate) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.OptionalPath("key", c.Key)
	m.OptionalPath("issuer", c.Issuer)
	m.OptionalPath("issuer_key", c.IssuerKey)
	m.OptionalPath("ledger", c.Ledger)
	m.OneOf("usage", c.Usage, policy.UsageCA, policy.UsageServer, policy.UsageClient, policy.UsageSigning)
	m.OptionalPath("request", c.Request)
	if c.Key == nil && c.Request == nil {
		m.Add("key", "a certificate is of somebody's key", "give key, or, where somebody else has it, request")
	}
	if c.Request == nil && (c.Issuer == nil) != (c.IssuerKey == nil) {
		m.Add("issuer", "an issuer signs with its key, and one of the two is missing", "give both issuer and issuer_key, or neither for a self-signed certificate")
	}
	if c.Subject != nil {
		m = append(m, c.Subject.Validate("subject")...)
	}
	if bad := policy.CheckHostNames(c.DNSNames); bad != "" {
		m.Add("dns_names", fmt.Sprintf("%q is no host name", bad), "addresses belong into ip_addresses")
	}
	if bad := policy.CheckHostNames(c.Domains); bad != "" {
		m.Add("permitted_domains", fmt.Sprintf("%q is no domain", bad), "as in \"example.com\"")
	}
	if c.Domains != nil && resource.Or(c.Usage, policy.UsageServer) != policy.UsageCA {
		m.Add("permitted_domains", "only a CA signs for others", "leave it out, or give usage = \"ca\"")
	}
	if n := resource.Or(c.PathLength, 0); n < 0 {
		m.Add("path_length", fmt.Sprintf("%d is no path length", n), "0, or how many CAs may stand below it")
	}
	if c.PathLength != nil && resource.Or(c.Usage, policy.UsageServer) != policy.UsageCA {
		m.Add("path_length", "only a CA signs for others", "leave it out, or give usage = \"ca\"")
	}
	checkValidity(&m, "validity", c.Validity)
	life := resource.Or(c.Validity, DefaultValidity)
	if c.RenewBefore != nil && (*c.RenewBefore <= 0 || *c.RenewBefore >= life) {
		m.Add("renew_before", fmt.Sprintf("a certificate that is good for %s can't be renewed %s before its end", life, c.RenewBefore), "choose less than validity, or leave it out for a third")
	}
	m.Access(derived.Access{Mode: &c.Mode, Owner: &c.Owner, Group: &c.Group}, false)
	return m
}

// checkValidity checks how long something is good for.
func checkValidity(m *derived.Mistakes, where string, d *resource.Duration) {
	if d != nil && (*d < MinValidity || *d > MaxValidity) {
		m.Add(where, fmt.Sprintf("%s is no sensible life of a certificate", d), fmt.Sprintf("from %s to %s, as in \"825d\"", MinValidity, MaxValidity))
	}
}

// Validate checks what needs no host.
func (c *CRL) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.OptionalPath("issuer", c.Issuer)
	m.OptionalPath("issuer_key", c.IssuerKey)
	m.OptionalPath("ledger", c.Ledger)
	checkValidity(&m, "validity", c.Validity)
	m.Access(derived.Access{Mode: &c.Mode, Owner: &c.Owner, Group: &c.Group}, false)
	return m
}

// Validate checks what needs no host.
func (l *Ledger) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	m.Access(derived.Access{Mode: &l.Mode, Owner: &l.Owner, Group: &l.Group}, true)
	return m
}

package pki

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// below has the certificate of a CA signed by the one above it, here or elsewhere. It
// stands in the ledger of that one, and follows its key as what people hold does. Where
// that one is elsewhere, the request to it comes back.
func (p *PKI) below(l layout, e era, made *resource.Resource, want *pki.Certificate) []resource.Resource {
	want.Issuer, want.Ledger, want.External = &p.Parent.Certificate, &p.Parent.Ledger, said(p.Parent.Imported)
	want.KeyAway, want.Away = want.Away, said(p.Parent.Away)
	want.Topmost = said(p.Parent.Imported && len(p.Parent.Above) == 0)
	made.After = append(made.After, ledger(p.Parent.Ledger))
	for i, trusted := range p.Parent.Trusted {
		made.After = append(made.After, cert(trusted))
		if i > 0 {
			want.Former = append(want.Former, trusted)
		}
	}
	if !p.Parent.Outside {
		want.IssuerKey, want.IssuerPEM = &p.Parent.Key, p.ParentKeyPEM
		made.Follow(key(p.Parent.Key))
		return nil
	}
	request := resource.Resource{
		ID: resource.ID{Kind: pki.KindRequest, Name: e.csr},
		Want: &pki.CertificateRequest{
			Key: &e.caKey, Usage: resource.Ptr("ca"), Subject: want.Subject, PathLength: p.PathLength, Domains: p.Domains,
			Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
		},
		After: []resource.ID{directory(l.dir)},
	}
	request.Follow(key(e.caKey))
	want.Request = &request.ID.Name
	made.Follow(request.ID)
	return []resource.Resource{request}
}

// above are the CAs above, the root last.
func (p *PKI) above() []pki.Level {
	if p.Parent == nil {
		return []pki.Level{}
	}
	return append([]pki.Level{p.Parent.Level()}, p.Parent.Above...)
}

// permitted are the domains of whose host names the CA may sign certificates, its own
// or those that are left to it; none where it may of any.
func (p *PKI) permitted() []string {
	if p.Domains == nil && p.Parent != nil {
		return p.Parent.Domains
	}
	return p.Domains
}

// Claims tells what only one block may have where CAs stand one below the other: readers
// find the CA that signed a certificate, and its list, by its name.
func (p *PKI) Claims(string) []resource.Claim {
	if p.CACertificate != nil || p.Subject == nil || p.Parent == nil && resource.Or(p.PathLength, 0) == 0 {
		return nil
	}
	return []resource.Claim{{Sort: "name of a CA", Value: p.Subject.String(), Path: "subject"}}
}

// mostLevels is how many CAs may stand one below the other.
const mostLevels = 8

// parent checks what goes with a CA above this one, and with those below.
func (c *check) parent(p *PKI) {
	length := resource.Or(p.PathLength, 0)
	switch {
	case length < 0 || length > mostLevels:
		c.Add("path_length", fmt.Sprintf("from 0 to %d: how many CAs may stand below this one, one below the other", mostLevels), "%d is no path length", length)
	case p.PathLength != nil && length > 0 && p.CACertificate != nil:
		c.Add("path_length", "leave it out", "a CA that exists already has the path length that it has")
	}
	if p.ParentKeyPEM != nil && (p.Parent == nil || p.Parent.Outside || p.CACertificate != nil) {
		c.Add("parent_key_pem", "leave it out, or give parent, and in the block of that the path of its key", "no CA above this one signs it here")
	}
	if p.Parent == nil || p.CACertificate != nil {
		return
	}
	if most := p.Parent.PathLength; most >= 0 && most <= length {
		summary := fmt.Sprintf("pki.%s lets no CA stand below it, its path length being 0", p.Parent.Name)
		if most > 0 {
			summary = fmt.Sprintf("pki.%s has the path length %d, so that a CA below it has %d at most", p.Parent.Name, most, most-1)
		}
		c.Add("parent", fmt.Sprintf("write path_length = %d in pki %q", length+1, p.Parent.Name), "%s", summary)
	}
	for _, l := range p.above() {
		if p.Subject != nil && l.Subject == p.Subject.String() {
			c.Add("subject", "choose another common_name", "pki.%s above it has the same name, and nobody could tell the two", l.Name)
		}
	}
	for _, d := range p.Domains {
		if len(p.Parent.Domains) > 0 && !slices.ContainsFunc(p.Parent.Domains, func(of string) bool { return within(d, of) }) {
			c.Add("permitted_domains", "choose a domain of these", "pki.%s above it may not sign for %q: its domains are %s", p.Parent.Name, d, strings.Join(p.Parent.Domains, ", "))
		}
	}
}

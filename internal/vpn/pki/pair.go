package pki

import (
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// pair is the key and the certificate of a server or client. The certificate
// follows its own key and the CA's: a CA that is renewed has the same key, and
// what it signed stands.
func (p *PKI) pair(l layout, h holder) []resource.Resource {
	at := l.pair(h)
	var all []resource.Resource
	want := p.certificate(l, h)
	made := resource.Resource{
		ID: cert(at.Certificate), Want: want,
		After: []resource.ID{directory(l.certs), ledger(l.ledger)},
	}
	if !h.keyless {
		all = append(all, resource.Resource{
			ID: key(at.Key),
			Want: &pki.PrivateKey{
				Algorithm: resource.Ptr(resource.Or(p.Key, "ecdsa-p256")), Format: resource.Ptr("pkcs8"), Keep: resource.Ptr(true),
				Mode: resource.Ptr(resource.Mode(0o600)), Owner: root(), Group: root(),
			},
			After: []resource.ID{directory(l.keys)},
		})
		made.Follow(key(at.Key))
	}
	if h.keyless || p.outside() {
		request := p.request(l, h)
		all = append(all, request)
		made.Follow(request.ID)
		want.Request = resource.Ptr(request.ID.Name)
	}
	for i := len(l.former) - 1; i >= 0; i-- {
		want.Former = append(want.Former, l.former[i].ca)
		made.After = append(made.After, cert(l.former[i].ca))
	}
	made.After = append(made.After, cert(l.ca))
	switch {
	case p.outside():
	case len(l.former) > 0: // what those before it signed stands, whatever becomes of this one
		made.After = append(made.After, key(l.caKey))
	default:
		made.Follow(key(l.caKey))
	}
	return append(all, made)
}

// certificate is what a server or client has to have signed.
func (p *PKI) certificate(l layout, h holder) *pki.Certificate {
	at := l.pair(h)
	want := &pki.Certificate{
		Usage: resource.Ptr(h.block), Subject: p.subject(h), DNSNames: h.dnsNames,
		Validity: h.validity, RenewBefore: p.RenewBefore,
		Issuer: resource.Ptr(l.ca), IssuerKey: p.caKey(l), IssuerPEM: p.CAKeyPEM, Ledger: resource.Ptr(l.ledger), External: p.external(), Away: p.away(),
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	if want.Validity == nil {
		want.Validity = p.CertValidity
	}
	for serial, name := range p.revocations() {
		if name == h.commonName {
			want.Void = append(want.Void, serial)
		}
	}
	slices.Sort(want.Void)
	if !h.keyless {
		want.Key = resource.Ptr(at.Key)
	}
	return want
}

// request is that of a key of this host to a CA elsewhere, or the one that somebody
// else has to bring.
func (p *PKI) request(l layout, h holder) resource.Resource {
	want := &pki.CertificateRequest{
		Usage: resource.Ptr(h.block), Subject: p.subject(h), DNSNames: h.dnsNames,
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	r := resource.Resource{
		ID:    resource.ID{Kind: pki.KindRequest, Name: l.request(h)},
		Want:  want,
		After: []resource.ID{directory(l.requests)},
	}
	if !h.keyless {
		made := key(l.pair(h).Key)
		want.Key = resource.Ptr(made.Name)
		r.Follow(made)
	}
	return r
}

// asks says whether any certificate is asked for by a request.
func (p *PKI) asks() bool {
	return p.outside() || slices.ContainsFunc(p.Clients, func(c Client) bool { return resource.Or(c.CSR, false) && !resource.Or(c.Revoked, false) })
}

// subject is the CA's with a common name of one's own; the CA's address is
// nobody else's.
func (p *PKI) subject(h holder) *pki.Subject {
	s := resource.Or(p.Subject, pki.Subject{})
	s.CommonName, s.Email = h.commonName, ""
	return &s
}

package pki

import (
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// authority is the CA itself, with those whose place it took, the first of them first.
// Their keys are never replaced while their certificates stand.
func (p *PKI) authority(l layout) []resource.Resource {
	var all []resource.Resource
	for i := len(l.former) - 1; i >= 0; i-- {
		former := p.signs(l, l.former[i])
		made := &former[len(former)-1]
		made.Want.(*pki.Certificate).Overlap = resource.Ptr(l.ledger)
		made.After = append(made.After, ledger(l.ledger))
		all = append(all, former...)
	}
	all = append(all, p.signs(l, l.era)...)
	eras := l.eras()
	for i, e := range eras[:len(eras)-1] {
		if e.link == "" {
			continue
		}
		all = append(all, p.link(l, e, eras[i+1]))
	}
	return append(all, p.successor(l)...)
}

// signs is the key of one CA, what asks for its certificate where that is made elsewhere,
// and the certificate, the last of them.
func (p *PKI) signs(l layout, e era) []resource.Resource {
	subject := *p.Subject
	all := []resource.Resource{{
		ID: key(e.caKey),
		Want: &pki.PrivateKey{
			Algorithm: resource.Ptr(resource.Or(p.Key, "ecdsa-p256")), Format: resource.Ptr("pkcs8"), Certificate: resource.Ptr(e.ca), Away: p.away(),
			Mode: resource.Ptr(resource.Mode(0o600)), Owner: root(), Group: root(),
		},
		After: []resource.ID{directory(l.dir)},
	}}
	want := &pki.Certificate{
		Key: resource.Ptr(e.caKey), Usage: resource.Ptr("ca"), Subject: &subject, Domains: p.Domains, PathLength: p.PathLength, Validity: p.CAValidity, Away: p.away(),
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	made := resource.Resource{ID: cert(e.ca), Want: want, After: []resource.ID{directory(l.dir)}}
	made.Follow(key(e.caKey))
	if p.CACertificate == nil {
		want.Generation = resource.Ptr(e.number)
	}
	if p.Parent != nil {
		all = append(all, p.below(l, e, &made, want)...)
	}
	return append(all, made)
}

// link is the certificate of a CA that the CA before it signed, "new with old" of RFC
// 4210 section 4.4: whoever knows the old one only trusts by it what the new one signs.
// Both have the same name, so it counts as issued to itself, and the path length of the
// old one allows it.
func (p *PKI) link(l layout, e, before era) resource.Resource {
	subject := *p.Subject
	return resource.Resource{
		ID: cert(e.link),
		Want: &pki.Certificate{
			Key: resource.Ptr(e.caKey), Usage: resource.Ptr("ca"), Subject: &subject, Domains: p.Domains, PathLength: p.PathLength, Validity: p.CAValidity, Away: p.away(),
			Issuer: resource.Ptr(before.ca), IssuerKey: resource.Ptr(before.caKey), Overlap: resource.Ptr(l.ledger),
			Generation: resource.Ptr(e.number), Link: resource.Ptr(true),
			Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
		},
		After: []resource.ID{directory(l.dir), ledger(l.ledger), key(e.caKey), cert(e.ca), cert(before.ca), key(before.caKey)},
		Triggers: []resource.Trigger{
			{On: key(e.caKey), Do: resource.Rebuild},
			{On: key(before.caKey), Do: resource.Rebuild},
		},
	}
}

// caKey is where the key of the CA is, nil where it never comes here.
func (p *PKI) caKey(l layout) *string {
	if p.outside() {
		return nil
	}
	return resource.Ptr(l.caKey)
}

// outside says whether the key of the CA never comes here.
func (p *PKI) outside() bool { return p.CACertificate != nil && p.CAKey == nil }

// external says that the CA is nobody's here to make.
func (p *PKI) external() *bool { return said(p.CACertificate != nil) }

// away says that the key of the CA may be elsewhere.
func (p *PKI) away() *bool { return said(resource.Or(p.CAKeyAway, false)) }

// said is for what is false where nothing is said of it.
func said(so bool) *bool {
	if !so {
		return nil
	}
	return &so
}

// lists are the revocation lists, of the CA that signs now and of those before it.
func (p *PKI) lists(l layout, members []string) []resource.Resource {
	all := []resource.Resource{p.list(l, l.era, members)}
	for _, e := range l.former {
		former := p.list(l, e, members)
		former.Want.(*pki.CRL).Overlap = resource.Ptr(true)
		all = append(all, former)
	}
	return all
}

func (p *PKI) list(l layout, e era, members []string) resource.Resource {
	want := &pki.CRL{
		Issuer: resource.Ptr(e.ca), Ledger: resource.Ptr(l.ledger),
		Members: append([]string{}, members...), Validity: p.CRLValidity,
		Issued: p.Issued, Refused: p.refused(), Revoke: p.revocations(), External: p.external(), Away: p.away(),
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	r := resource.Resource{
		ID:    resource.ID{Kind: pki.KindCRL, Name: e.crl},
		Want:  want,
		After: []resource.ID{directory(l.dir), ledger(l.ledger), cert(e.ca)},
	}
	if !p.outside() {
		want.IssuerKey, want.IssuerPEM = resource.Ptr(e.caKey), p.CAKeyPEM
		r.Follow(key(e.caKey))
	}
	return r
}

// refused are the common names of those who may not come in. The ledger of a CA
// of vpnd's own knows all who ever had a certificate; for one that was there
// before it takes their names.
func (p *PKI) refused() []string {
	if p.CACertificate == nil {
		return nil
	}
	var names []string
	for _, h := range p.holders() {
		if h.revoked {
			names = append(names, h.commonName)
		}
	}
	return names
}

// revocations are the serial numbers that are void in any case, with the common
// names of their holders.
func (p *PKI) revocations() map[string]string {
	var all map[string]string
	for _, r := range p.Revocations {
		if serial, ok := policy.ParseSerial(resource.Or(r.Serial, "")); ok {
			if all == nil {
				all = make(map[string]string)
			}
			all[serial] = resource.Or(r.CommonName, "")
		}
	}
	return all
}

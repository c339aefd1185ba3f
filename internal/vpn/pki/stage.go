package pki

import (
	"fmt"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Stage finds out which CA of the PKI signs. One that is to take the place of another
// begins once it has its certificate, or an apply would make that: until then all goes on
// as if there were none but its key and the request that somebody has to sign.
func (p *PKI) Stage(name string, on resource.Site) error {
	for p.signing = 1; p.signing < resource.Or(p.CAGeneration, 1); p.signing++ {
		begun, err := p.begun(p.layout(name), on)
		if err != nil {
			return fmt.Errorf("looking how far the CA number %d has come: %w", p.signing+1, err)
		}
		if !begun {
			return nil
		}
	}
	return nil
}

// begun says whether the CA that comes next has begun, or would by an apply now. That its
// list stands shows that it has, whatever else of it is lost.
func (p *PKI) begun(l layout, on resource.Site) (bool, error) {
	list, err := on.Observe(resource.Resource{ID: resource.ID{Kind: pki.KindCRL, Name: l.next.crl}})
	if err != nil || list != nil {
		return list != nil, err
	}
	for _, r := range p.successor(l) {
		if _, signed := r.Want.(*pki.Certificate); !signed {
			continue
		}
		got, err := on.Observe(r)
		if err != nil {
			return false, err
		}
		stands, _ := got.(*pki.Certificate)
		if (stands == nil || !resource.Or(stands.Current, false)) && on.Awaits(r) != "" {
			return false, nil
		}
	}
	return true, nil
}

// successor is what the CA that comes next needs before it can sign. Nothing else rests on
// it until then.
func (p *PKI) successor(l layout) []resource.Resource {
	if l.next == nil {
		return nil
	}
	all := p.signs(l, *l.next)
	if l.next.link != "" {
		all = append(all, p.link(l, *l.next, l.era))
	}
	for _, r := range all {
		switch want := r.Want.(type) {
		case *pki.PrivateKey:
			want.Succeeds = &l.ca
		case *pki.CertificateRequest:
			want.Succeeds = &l.ca
		case *pki.Certificate:
			want.Succeeds = &l.ca
		}
	}
	return all
}

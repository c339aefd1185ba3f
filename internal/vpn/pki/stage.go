package pki

import (
	"fmt"

	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// Stage finds out which CA of the PKI signs. One that is to take the place of another
// begins once it has its certificate, or an apply would make that: until then all goes on
// as if there were none but its key and the request that somebody has to sign. That the
// list of one stands shows that it has begun, whatever else is lost of it and of those
// before it.
func (p *PKI) Stage(name string, on resource.Site) error {
	last := resource.Or(p.CAGeneration, 1)
	for p.signing = last; p.signing > 1; p.signing-- {
		list, err := on.Observe(resource.Resource{ID: resource.ID{Kind: pki.KindCRL, Name: p.layout(name).crl}})
		if err != nil {
			return unknown(p.signing, err)
		}
		if list != nil {
			break
		}
	}
	for ; p.signing < last; p.signing++ {
		begun, err := p.begun(p.layout(name), on)
		if err != nil {
			return unknown(p.signing+1, err)
		}
		if !begun {
			return nil
		}
	}
	return nil
}

func unknown(number int, err error) error {
	return fmt.Errorf("looking how far the CA number %d has come: %w", number, err)
}

// begun says whether the CA that comes next has its certificate, or would have it by an
// apply now.
func (p *PKI) begun(l layout, on resource.Site) (bool, error) {
	for _, r := range p.successor(l) {
		if _, signed := r.Want.(*pki.Certificate); !signed {
			continue
		}
		got, err := on.Observe(r)
		if err != nil {
			return false, err
		}
		if stands, _ := got.(*pki.Certificate); !fits(stands) && on.Awaits(r) != "" {
			return false, nil
		}
	}
	return true, nil
}

// fits says whether what stands is the certificate of a CA and as it shall be. Somebody
// may have put there by hand what was signed for something else.
func fits(stands *pki.Certificate) bool {
	return stands != nil && resource.Or(stands.Current, false) && resource.Or(stands.Usage, "") == policy.UsageCA
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

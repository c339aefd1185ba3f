package daemon

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"slices"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// mostExpiries is how many certificates the status lists, those that run out
// first: a CA may have ten thousand.
const mostExpiries = 1000

// expiries reads the ends of certificates and lists from what was observed. How
// many there are is known after a look at everything.
func (l *look) expiries(p *engine.Plan) {
	s := &l.status
	certificates := p.Seen("certificate")
	if l.scope.whole {
		s.CertificatesInAll = len(certificates)
	}
	s.Certificates = l.expiring(s.Certificates, certificates)
	s.CRLs = l.expiring(s.CRLs, p.Seen("crl"))
}

// expiring adds what was seen to what was told before and not looked at now.
func (l *look) expiring(told []Expiry, seen []engine.Sight) []Expiry {
	all := outside(l.scope, told, func(e Expiry) resource.ID { return e.ID })
	all = append(all, expiriesOf(seen)...)
	return firstToEnd(all)
}

// firstToEnd returns those that run out first, in that order.
func firstToEnd(all []Expiry) []Expiry {
	slices.SortFunc(all, func(a, b Expiry) int { return cmp.Or(a.NotAfter.Compare(b.NotAfter), a.ID.Compare(b.ID)) })
	return all[:min(len(all), mostExpiries)]
}

// expiriesOf reads the ends of what was seen.
func expiriesOf(seen []engine.Sight) []Expiry {
	var all []Expiry
	for _, s := range seen {
		if e, ok := expiryOf(s); ok {
			all = append(all, e)
		}
	}
	return all
}

func expiryOf(s engine.Sight) (Expiry, bool) {
	e := Expiry{ID: s.ID, Block: block(s.ID, s.Owners)}
	v := reflect.ValueOf(s.Got).Elem()
	for _, f := range resource.Fields(v.Type()) {
		switch value := v.Field(f.Index).Interface().(type) {
		case *bool:
			if f.Name == "fresh" && value != nil {
				e.Fresh = *value
			}
		case *string:
			if value == nil {
				continue
			}
			if f.Name == "not_after" {
				e.NotAfter, _ = time.Parse(time.RFC3339, *value)
			} else if f.Name == "pem" && s.ID.Kind == "crl" {
				e.NotAfter = endOfList(*value)
			}
		}
	}
	return e, !e.NotAfter.IsZero()
}

func endOfList(text string) time.Time {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return time.Time{}
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return time.Time{}
	}
	return list.NextUpdate
}

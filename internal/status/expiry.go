package status

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

// Expiring returns those that run out first, in that order: what was seen now and,
// of what was not observed, what was told before.
func Expiring(told []Expiry, seen []engine.Sight, observed func(resource.ID) bool) []Expiry {
	all := slices.DeleteFunc(slices.Clone(told), func(e Expiry) bool { return observed(e.ID) })
	for _, s := range seen {
		if e, ok := expiryOf(s); ok {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Expiry) int { return cmp.Or(a.NotAfter.Compare(b.NotAfter), a.ID.Compare(b.ID)) })
	return all[:min(len(all), mostExpiries)]
}

func expiryOf(s engine.Sight) (Expiry, bool) {
	e := Expiry{ID: s.ID, Block: Block(s.ID, s.Owners)}
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

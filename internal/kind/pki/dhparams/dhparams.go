// Package dhparams converges files of Diffie-Hellman parameters.
package dhparams

import (
	"embed"
	"encoding/asn1"
	"fmt"
	"math/big"

	"vpnd/internal/kind/pki/derived"
	"vpnd/internal/kind/pki/policy"
	"vpnd/internal/resource"
)

// DHParams is a file of Diffie-Hellman parameters: a group of RFC 7919. Its
// name is the absolute path.
type DHParams struct {
	Bits  *int           `vpnd:"bits" doc:"2048, 3072, 4096, 6144 or 8192" default:"2048"`
	Mode  *resource.Mode `vpnd:"mode,meta" doc:"permissions" default:"0644"`
	Owner *string        `vpnd:"owner,meta" doc:"user that owns the file, by name or number" default:"root"`
	Group *string        `vpnd:"group,meta" doc:"group that owns the file, by name or number" default:"root"`
	PEM   *string        `vpnd:"pem,computed" doc:"the parameters themselves"`
}

const pemDH = "DH PARAMETERS"

// defaultBits is the size of a group where the wish says none.
const defaultBits = 2048

// groups has the parameters of each group of RFC 7919, appendix A, by bits, as
// openssl genpkey writes them.
//
//go:embed ffdhe
var groups embed.FS

func group(bits int) ([]byte, bool) {
	data, err := groups.ReadFile(fmt.Sprintf("ffdhe/%d.pem", bits))
	return data, err == nil
}

// NewDHParams returns the verbs of files of parameters.
func NewDHParams(h derived.Host) *derived.Verbs[DHParams] {
	return &derived.Verbs[DHParams]{Host: h, Nature: derived.Nature[DHParams]{
		Access: func(p *DHParams) derived.Access {
			return derived.Access{Mode: &p.Mode, Owner: &p.Owner, Group: &p.Group}
		},
		Kept:   func(p *DHParams) *string { return p.PEM },
		Settle: func(*derived.Scene, string, *DHParams) error { return nil },
		Waive:  func(*DHParams) {},
		Read: func(_ *derived.Scene, _ string, data []byte, _ DHParams) (*DHParams, error) {
			return &DHParams{Bits: resource.Ptr(bitsOf(data)), PEM: resource.Ptr(string(data))}, nil
		},
		Build: func(_ *derived.Scene, _ string, _ []byte, want DHParams) (derived.Product, error) {
			bits := resource.Or(want.Bits, defaultBits)
			data, ok := group(bits)
			if !ok {
				return derived.Product{}, fmt.Errorf("RFC 7919 has no group of %d bits; one of 2048, 3072, 4096, 6144, 8192", bits)
			}
			return derived.Product{Data: data}, nil
		},
	}}
}

// bitsOf returns the size of the prime in a file of parameters; 0 where there
// are none.
func bitsOf(data []byte) int {
	der, err := policy.DecodePEM(data, pemDH)
	if err != nil {
		return 0
	}
	// OpenSSL may append the length of the private value.
	var p struct {
		P, G   *big.Int
		Length int `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(der, &p); err != nil {
		return 0
	}
	return p.P.BitLen()
}

// Validate checks what needs no host.
func (p *DHParams) Validate(name string) []resource.Mistake {
	var m derived.Mistakes
	m.Path("", name)
	if p.Bits != nil {
		if _, ok := group(*p.Bits); !ok {
			m.Add("bits", fmt.Sprintf("RFC 7919 has no group of %d bits", *p.Bits), "one of 2048, 3072, 4096, 6144, 8192")
		}
	}
	m.Access(derived.Access{Mode: &p.Mode, Owner: &p.Owner, Group: &p.Group}, false)
	return m
}

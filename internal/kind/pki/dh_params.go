package pki

import (
	"embed"
	"encoding/asn1"
	"fmt"
	"math/big"

	"vpnd/internal/resource"
)

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

func newDHParams(h Host) *verbs[DHParams] {
	return &verbs[DHParams]{Host: h, nature: nature[DHParams]{
		access: func(p *DHParams) access { return access{&p.Mode, &p.Owner, &p.Group} },
		kept:   func(p *DHParams) *string { return p.PEM },
		settle: func(*scene, string, *DHParams) error { return nil },
		waive:  func(*DHParams) {},
		read: func(_ *scene, _ string, data []byte, _ DHParams) (*DHParams, error) {
			return &DHParams{Bits: resource.Ptr(bitsOf(data)), PEM: resource.Ptr(string(data))}, nil
		},
		build: func(_ *scene, _ string, _ []byte, want DHParams) (product, error) {
			bits := resource.Or(want.Bits, defaultBits)
			data, ok := group(bits)
			if !ok {
				return product{}, fmt.Errorf("RFC 7919 has no group of %d bits; one of 2048, 3072, 4096, 6144, 8192", bits)
			}
			return product{data: data}, nil
		},
	}}
}

// bitsOf returns the size of the prime in a file of parameters; 0 where there
// are none.
func bitsOf(data []byte) int {
	der, err := decodePEM(data, pemDH)
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

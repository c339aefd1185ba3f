package pki

import (
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"

	"vpnd/internal/resource"
)

const pemDH = "DH PARAMETERS"

// defaultBits is the size of a group where the wish says none.
const defaultBits = 2048

// offsetOf returns the X of RFC 7919, appendix A: the smallest number that
// makes a safe prime of the formula.
func offsetOf(bits int) (int64, bool) {
	x, ok := map[int]int64{2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}[bits]
	return x, ok
}

// dhParameter is DHParameter of PKCS #3.
type dhParameter struct{ P, G *big.Int }

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
			data, err := makeDHParams(*or(want.Bits, defaultBits))
			return product{data: data}, err
		},
	}}
}

func makeDHParams(bits int) ([]byte, error) {
	p, err := ffdhe(bits)
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(dhParameter{P: p, G: big.NewInt(2)})
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemDH, Bytes: der}), nil
}

// ffdhe returns the prime of a group of RFC 7919:
// 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1.
func ffdhe(bits int) (*big.Int, error) {
	x, ok := offsetOf(bits)
	if !ok {
		return nil, fmt.Errorf("RFC 7919 has no group of %d bits; one of 2048, 3072, 4096, 6144, 8192", bits)
	}
	one := big.NewInt(1)
	b := uint(bits)
	p := new(big.Int).Lsh(one, b)
	p.Sub(p, new(big.Int).Lsh(one, b-64))
	middle := scaledE(b - 130)
	middle.Add(middle, big.NewInt(x))
	p.Add(p, middle.Lsh(middle, 64))
	return p.Sub(p, one), nil
}

// scaledE returns floor(2^n e), summing 1/k! with 64 bits to spare, many more
// than the thousand or so roundings can touch.
func scaledE(n uint) *big.Int {
	const spare = 64
	sum := new(big.Int)
	term := new(big.Int).Lsh(big.NewInt(1), n+spare)
	for k := int64(1); term.Sign() > 0; k++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(k))
	}
	return sum.Rsh(sum, spare)
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

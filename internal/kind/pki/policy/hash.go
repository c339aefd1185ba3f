package policy

import (
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"
	"strings"
)

// canonical is an attribute of a name as OpenSSL compares them.
type canonical struct {
	Type  asn1.ObjectIdentifier
	Value string `asn1:"utf8"`
}

// Hash is what OpenSSL names the files of a directory of CAs after, openssl x509 -hash:
// the first bytes of the SHA-1 of the name as UTF-8, in small letters and without spaces
// that mean nothing, X509_NAME_hash(3).
func (s Subject) Hash() (string, error) {
	der, err := s.Marshal()
	if err != nil {
		return "", err
	}
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(der, &name); err != nil {
		return "", fmt.Errorf("reading the name %s: %w", s, err)
	}
	sum := sha1.New()
	for _, set := range name {
		var plain []canonical
		for _, a := range set {
			text, _ := a.Value.(string)
			plain = append(plain, canonical{a.Type, canonicalText(text)})
		}
		part, err := asn1.MarshalWithParams(plain, "set")
		if err != nil {
			return "", fmt.Errorf("writing the name %s: %w", s, err)
		}
		sum.Write(part)
	}
	return fmt.Sprintf("%08x", binary.LittleEndian.Uint32(sum.Sum(nil))), nil
}

// canonicalText is asn1_string_canon of OpenSSL: of letters and spaces it knows those of
// ASCII.
func canonicalText(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) })
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.Join(words, " "))
}

package policy

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
)

// Subject is a distinguished name, RFC 5280.
type Subject struct {
	CommonName         string `vpnd:"common_name,required" doc:"CN"`
	Organization       string `vpnd:"organization" doc:"O"`
	OrganizationalUnit string `vpnd:"organizational_unit" doc:"OU"`
	Country            string `vpnd:"country" doc:"C, two letters"`
	Province           string `vpnd:"province" doc:"ST"`
	Locality           string `vpnd:"locality" doc:"L"`
	Email              string `vpnd:"email" doc:"emailAddress"`
}

// attribute is one part of a distinguished name.
type attribute struct {
	oid  asn1.ObjectIdentifier
	of   func(*Subject) *string
	ia5  bool // an IA5String, RFC 5280 appendix A.1
	code string
}

// attributes are the parts in the order in which OpenSSL and easy-rsa write
// them, from the largest to the smallest.
func attributes() []attribute {
	return []attribute{
		{oid: asn1.ObjectIdentifier{2, 5, 4, 6}, code: "C", of: func(s *Subject) *string { return &s.Country }},
		{oid: asn1.ObjectIdentifier{2, 5, 4, 8}, code: "ST", of: func(s *Subject) *string { return &s.Province }},
		{oid: asn1.ObjectIdentifier{2, 5, 4, 7}, code: "L", of: func(s *Subject) *string { return &s.Locality }},
		{oid: asn1.ObjectIdentifier{2, 5, 4, 10}, code: "O", of: func(s *Subject) *string { return &s.Organization }},
		{oid: asn1.ObjectIdentifier{2, 5, 4, 11}, code: "OU", of: func(s *Subject) *string { return &s.OrganizationalUnit }},
		{oid: asn1.ObjectIdentifier{2, 5, 4, 3}, code: "CN", of: func(s *Subject) *string { return &s.CommonName }},
		{oid: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, code: "emailAddress", ia5: true, of: func(s *Subject) *string { return &s.Email }},
	}
}

// Marshal writes the name as DER.
func (s Subject) Marshal() ([]byte, error) {
	var name pkix.RDNSequence
	for _, a := range attributes() {
		text := *a.of(&s)
		if text == "" {
			continue
		}
		var value any = text
		if a.ia5 {
			value = asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(text)}
		}
		name = append(name, pkix.RelativeDistinguishedNameSET{{Type: a.oid, Value: value}})
	}
	return asn1.Marshal(name)
}

// String writes the name as openssl x509 -subject does by default.
func (s Subject) String() string {
	var parts []string
	for _, a := range attributes() {
		if text := *a.of(&s); text != "" {
			parts = append(parts, a.code+" = "+text)
		}
	}
	return strings.Join(parts, ", ")
}

// SubjectOf reads the name of a certificate. What occurs twice is joined.
func SubjectOf(cert *x509.Certificate) Subject { return subjectOf(cert.Subject) }

func subjectOf(dn pkix.Name) Subject {
	var s Subject
	for _, name := range dn.Names {
		text, ok := name.Value.(string)
		if !ok {
			continue
		}
		for _, a := range attributes() {
			if !a.oid.Equal(name.Type) {
				continue
			}
			if field := a.of(&s); *field == "" {
				*field = text
			} else {
				*field += ", " + text
			}
		}
	}
	return s
}

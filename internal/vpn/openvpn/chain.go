package openvpn

import (
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// anchor is whom people trust: the CA, or the root above it, to which the server itself
// leads. One in between that is renewed or succeeded leaves their profiles as they are.
func (s *settings) anchor() pki.Level {
	if n := len(s.PKI.Above); n > 0 {
		return s.PKI.Above[n-1]
	}
	return s.PKI.Level()
}

// addChain puts the certificate of the server with what leads from it to the CAs that
// people know. Where CAs stand one below the other, all that the root vouches for is
// vouched for here too, and only what this PKI itself signed is to come in.
func (e *expansion) addChain() {
	files := append([]string{e.pair.Certificate}, e.PKI.Links...)
	if len(e.PKI.Above) > 0 {
		files = slices.Concat(files, e.PKI.Trusted, e.PKI.CertificatesAbove())
	}
	e.gather(e.cert(), append(e.PKI.ChainParts(e.pair.Certificate), e.PKI.ChainAbove()...), kinds(pki.KindCertificate, files...), resource.Restart)
	if e.levels() {
		e.gather(e.issuers(), e.vouched(), kinds(pki.KindCertificate, e.PKI.Trusted...), resource.Restart)
	}
}

// levels says whether there are CAs above that of the server, or may be below it.
func (s *settings) levels() bool {
	return !s.fingerprints() && (len(s.PKI.Above) > 0 || s.PKI.PathLength > 0)
}

// vouched names the CAs that have to have signed who comes in, by their fingerprints.
// openvpn(8) calls verify-hash deprecated in favour of ca with that CA alone, which
// OpenSSL takes for no end of a chain (measured with 2.6.14).
func (s *settings) vouched() []pki.Part {
	parts := []pki.Part{{Text: resource.Ptr("<verify-hash>\n")}}
	for i := range s.PKI.Trusted {
		parts = append(parts, pki.Part{Fingerprint: &s.PKI.Trusted[i]})
	}
	return append(parts, pki.Part{Text: resource.Ptr("</verify-hash>\n")})
}

package trust

import (
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Anchor is whom people trust: the CA, or the root above it, to which the server itself
// leads. One in between that is renewed or succeeded leaves their profiles as they are.
func (t Trust) Anchor() pki.Level {
	all := t.levels()
	return all[len(all)-1]
}

// Chain is the certificate of the server with what leads from it to the CAs that people
// know.
func (t Trust) Chain(to, certificate string) File {
	of := append([]string{certificate}, t.Links...)
	if len(t.Above) > 0 {
		of = slices.Concat(of, t.Trusted, t.CertificatesAbove())
	}
	return File{to, append(t.ChainParts(certificate), t.ChainAbove()...), of, resource.Restart}
}

// Narrow says whether there are CAs above that of the server, or may be below it. Then
// OpenSSL takes all that the root vouches for, and only what this PKI itself signed is
// to come in.
func (t Trust) Narrow() bool { return len(t.Above) > 0 || t.PathLength > 0 }

// Issuers is a part of the configuration that names the CAs that have to have signed who
// comes in, by their fingerprints. openvpn(8) calls verify-hash deprecated in favour of ca
// with that CA alone, which OpenSSL takes for no end of a chain (measured with 2.6.14).
func (t Trust) Issuers() File {
	f := File{Path: t.In + "/issuers.conf", Parts: []pki.Part{{Text: resource.Ptr("<verify-hash>\n")}}, Of: t.Trusted, Effect: resource.Restart}
	for i := range t.Trusted {
		f.Parts = append(f.Parts, pki.Part{Fingerprint: &t.Trusted[i]})
	}
	f.Parts = append(f.Parts, pki.Part{Text: resource.Ptr("</verify-hash>\n")})
	return f
}

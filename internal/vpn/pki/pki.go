// Package pki expands a public key infrastructure: a CA, the certificates of
// servers and clients, and the list of those that are revoked.
package pki

import (
	"maps"
	"path"
	"slices"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// parent is the directory of all PKIs that have no directory of their own choice.
const parent = "/var/lib/vpnd/pki"

// PKI is a CA and those it vouches for. Its label is a name of the user's
// choice.
type PKI struct {
	Subject       *pki.Subject       `vpnd:"subject,block" doc:"the distinguished name of the CA; servers and clients have all of it but the common name"`
	Key           *string            `vpnd:"key" doc:"algorithm of new keys; those that stand keep theirs until vpnd pki rekey, and the CA its own until vpnd pki rekey --ca: ecdsa-p256, ecdsa-p384, ecdsa-p521, ed25519, rsa-2048, rsa-3072 or rsa-4096" default:"ecdsa-p256"`
	Domains       []string           `vpnd:"permitted_domains" doc:"the only domains of whose host names the CA may sign certificates: name constraints, which readers hold it to, whoever has its key"`
	Parent        *pki.Authority     `vpnd:"parent,exports" doc:"the pki block of the CA above this one, which signs its certificate; one of a CA elsewhere takes a request and brings what came back. Readers trust the one at the top and want a list of each"`
	ParentKeyPEM  *resource.Secret   `vpnd:"parent_key_pem" doc:"the private key of the CA above this one, as credential() has it, where it is to sign this one and is not on this host: for the one apply, and never written down"`
	PathLength    *int               `vpnd:"path_length" doc:"how many CAs may stand between this one and whoever holds a certificate; 1 where another pki block has it for its parent; left out, none below a new one"`
	Directory     *string            `vpnd:"directory" doc:"directory of the PKI; left out, /var/lib/vpnd/pki and the block's label"`
	CAValidity    *resource.Duration `vpnd:"ca_validity" doc:"how long the CA is good for; it is renewed, with the same key, when a third of that is left" default:"3650d"`
	CertValidity  *resource.Duration `vpnd:"cert_validity" doc:"how long a certificate is good for" default:"825d"`
	RenewBefore   *resource.Duration `vpnd:"renew_before" doc:"how long before its end a certificate is renewed; left out, a third of its life"`
	CRLValidity   *resource.Duration `vpnd:"crl_validity" doc:"how long a revocation list is good for; it is renewed when half of that is gone" default:"180d"`
	CAGeneration  *int               `vpnd:"ca_generation" doc:"which CA of this PKI signs now: one more, as vpnd pki rekey --ca writes it, begins a new one with a new key, beside the one before, whose certificates stand until they run out; that one signs until the new one has its certificate" default:"1"`
	CACertificate *string            `vpnd:"ca_certificate" doc:"path of the certificate of a CA that exists already and is left as it is, instead of a new one; without ca_key that CA is elsewhere, is asked by requests, and what it signs is brought"`
	CAKey         *string            `vpnd:"ca_key" doc:"path of the private key of that CA; it need be there only while something is to be signed, and what needs it waits"`
	CAKeyPEM      *resource.Secret   `vpnd:"ca_key_pem" doc:"that private key itself, as credential() has it: it is there for the one apply and never written down, and the agent, which goes on without it, tells in time what waits for it"`
	CAKeyAway     *bool              `vpnd:"ca_key_away" doc:"of a new CA: whether its key, ca.key in the directory of the PKI, may be taken away, and be brought back only while something is to be signed" default:"false"`
	Issued        *string            `vpnd:"issued" doc:"path of what that CA issued before: its index.txt, as OpenSSL and easy-rsa keep it, or a directory of certificates; without it nobody can be revoked whose certificate vpnd did not make"`
	CRL           *string            `vpnd:"crl" doc:"path of the revocation list; what one that stands there lists stays revoked. Left out, crl.pem in the directory of the PKI"`
	Servers       []Server           `vpnd:"server,block" doc:"a server that gets a key and a certificate"`
	Clients       []Client           `vpnd:"client,block" doc:"a client that gets a key and a certificate"`
	Revocations   []Revocation       `vpnd:"revoke,block" doc:"a certificate that is void, by its serial number; it stays so when the block goes"`

	signing int // which CA signs, as Stage found out; 0 for the one that ca_generation says
}

// Revocation is a certificate that is void, whoever holds it.
type Revocation struct {
	Serial     *string `vpnd:"serial,required" doc:"its serial number in hexadecimal, as openssl x509 -serial and index.txt write it"`
	CommonName *string `vpnd:"common_name" doc:"whose it is; who is no client of this block is disconnected too"`
}

// Server is a server that gets a key and a certificate.
type Server struct {
	Name       string             `vpnd:"name,label" doc:"name of its files and, unless it has another, its common name"`
	CommonName *string            `vpnd:"common_name" doc:"CN; left out, the label"`
	DNSNames   []string           `vpnd:"dns_names" doc:"host names that it goes by"`
	Validity   *resource.Duration `vpnd:"validity" doc:"how long its certificate is good for; left out, cert_validity"`
}

// Client is a client that gets a key and a certificate. Where it is revoked,
// or its block is dropped, every certificate that it ever had is revoked for
// good; if it comes back it gets a new one.
type Client struct {
	Name       string             `vpnd:"name,label" doc:"name of its files and, unless it has another, its common name"`
	CommonName *string            `vpnd:"common_name" doc:"CN; left out, the label"`
	DNSNames   []string           `vpnd:"dns_names" doc:"host names that it goes by"`
	Validity   *resource.Duration `vpnd:"validity" doc:"how long its certificate is good for; left out, cert_validity"`
	Revoked    *bool              `vpnd:"revoked" doc:"whether it may not come in any more" default:"false"`
	CSR        *bool              `vpnd:"csr" doc:"whether its key never comes here: vpnd pki sign --csr takes the request of whoever has it, and the profile is without a key" default:"false"`
}

// Expand returns the directories, the CA unless it exists already, the revocation
// list, and a key and a certificate for everyone who is not revoked.
func (p *PKI) Expand(name string) ([]resource.Resource, error) {
	l := p.layout(name)
	all := p.directories(l)
	if p.CACertificate == nil {
		all = append(all, p.authority(l)...)
	}
	members := make(map[string]bool)
	for _, h := range p.holders() {
		if !h.revoked {
			members[h.commonName] = true
			all = append(all, p.pair(l, h)...)
		}
	}
	return append(all, p.lists(l, slices.Sorted(maps.Keys(members)))...), nil
}

func (p *PKI) directories(l layout) []resource.Resource {
	private := resource.Ptr(resource.Mode(0o700))
	var all []resource.Resource
	add := func(dir string, after ...resource.ID) {
		all = append(all, resource.Resource{
			ID:    directory(dir),
			Want:  &file.Directory{Mode: private, Owner: root(), Group: root(), Alone: resource.Ptr(true)},
			After: after,
		})
	}
	if p.Directory == nil {
		add(parent)
	}
	add(l.dir, directory(path.Dir(l.dir)))
	add(l.keys, directory(l.dir))
	add(l.certs, directory(l.dir))
	if p.asks() {
		add(l.requests, directory(l.dir))
	}
	return append(all, resource.Resource{
		ID:    resource.ID{Kind: pki.KindLedger, Name: l.ledger},
		Want:  &pki.Ledger{Mode: private, Owner: root(), Group: root()},
		After: []resource.ID{directory(l.dir)},
	})
}

func root() *string                    { return resource.Ptr("root") }
func directory(dir string) resource.ID { return resource.ID{Kind: "directory", Name: dir} }
func key(path string) resource.ID      { return resource.ID{Kind: pki.KindPrivateKey, Name: path} }
func cert(path string) resource.ID     { return resource.ID{Kind: pki.KindCertificate, Name: path} }
func ledger(path string) resource.ID   { return resource.ID{Kind: pki.KindLedger, Name: path} }

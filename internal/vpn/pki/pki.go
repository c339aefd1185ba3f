// Package pki expands a public key infrastructure: a CA, the certificates of
// servers and clients, and the list of those that are revoked.
package pki

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pki"
	"vpnd/internal/kind/pki/policy"
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
	Directory     *string            `vpnd:"directory" doc:"directory of the PKI; left out, /var/lib/vpnd/pki and the block's label"`
	CAValidity    *resource.Duration `vpnd:"ca_validity" doc:"how long the CA is good for; it is renewed, with the same key, when a third of that is left" default:"3650d"`
	CertValidity  *resource.Duration `vpnd:"cert_validity" doc:"how long a certificate is good for" default:"825d"`
	RenewBefore   *resource.Duration `vpnd:"renew_before" doc:"how long before its end a certificate is renewed; left out, a third of its life"`
	CRLValidity   *resource.Duration `vpnd:"crl_validity" doc:"how long a revocation list is good for; it is renewed when half of that is gone" default:"180d"`
	CAGeneration  *int               `vpnd:"ca_generation" doc:"which CA of this PKI signs now: one more, as vpnd pki rekey --ca writes it, begins a new one with a new key, beside the one before, whose certificates stand until they run out" default:"1"`
	CACertificate *string            `vpnd:"ca_certificate" doc:"path of the certificate of a CA that exists already and is left as it is, instead of a new one; without ca_key that CA is elsewhere, is asked by requests, and what it signs is brought"`
	CAKey         *string            `vpnd:"ca_key" doc:"path of the private key of that CA; it need be there only while something is to be signed, and what needs it waits"`
	CAKeyPEM      *resource.Secret   `vpnd:"ca_key_pem" doc:"that private key itself, as credential() has it: it is there for the one apply and never written down, and the agent, which goes on without it, tells in time what waits for it"`
	CAKeyAway     *bool              `vpnd:"ca_key_away" doc:"of a new CA: whether its key, ca.key in the directory of the PKI, may be taken away, and be brought back only while something is to be signed" default:"false"`
	Issued        *string            `vpnd:"issued" doc:"path of what that CA issued before: its index.txt, as OpenSSL and easy-rsa keep it, or a directory of certificates; without it nobody can be revoked whose certificate vpnd did not make"`
	CRL           *string            `vpnd:"crl" doc:"path of the revocation list; what one that stands there lists stays revoked. Left out, crl.pem in the directory of the PKI"`
	Servers       []Server           `vpnd:"server,block" doc:"a server that gets a key and a certificate"`
	Clients       []Client           `vpnd:"client,block" doc:"a client that gets a key and a certificate"`
	Revocations   []Revocation       `vpnd:"revoke,block" doc:"a certificate that is void, by its serial number; it stays so when the block goes"`
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

// holder is a server or a client.
type holder struct {
	block      string // "server" or "client"
	name       string
	commonName string
	dnsNames   []string
	validity   *resource.Duration
	revoked    bool
	keyless    bool // its key never comes here
}

// holders returns servers and clients, in the order of the configuration.
func (p *PKI) holders() []holder {
	var all []holder
	for _, s := range p.Servers {
		all = append(all, holder{"server", s.Name, resource.Or(s.CommonName, s.Name), s.DNSNames, s.Validity, false, false})
	}
	for _, c := range p.Clients {
		all = append(all, holder{"client", c.Name, resource.Or(c.CommonName, c.Name), c.DNSNames, c.Validity, resource.Or(c.Revoked, false), resource.Or(c.CSR, false)})
	}
	return all
}

// layout is where the files of a PKI are.
type layout struct {
	era
	former                             []era // CAs whose place this one took, the last first
	dir, ledger, keys, certs, requests string
}

// era is where the files of one CA of a PKI are.
type era struct {
	ca, caKey, crl string
	link           string // its certificate as the CA before it signed it; the first has none
}

// era returns where the files of the CA of that number are; those of the first have
// no number.
func (p *PKI) era(dir string, number int) era {
	numbered := func(file string) string {
		if number == 1 {
			return file
		}
		ext := path.Ext(file)
		return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(file, ext), number, ext)
	}
	e := era{
		ca:    resource.Or(p.CACertificate, numbered(path.Join(dir, "ca.crt"))),
		caKey: resource.Or(p.CAKey, numbered(path.Join(dir, "ca.key"))),
		crl:   numbered(resource.Or(p.CRL, path.Join(dir, "crl.pem"))),
	}
	if number > 1 {
		e.link = numbered(path.Join(dir, "link.crt"))
	}
	return e
}

func (p *PKI) layout(name string) layout {
	dir := resource.Or(p.Directory, path.Join(parent, name))
	now := max(resource.Or(p.CAGeneration, 1), 1)
	var former []era
	for number := now - 1; number >= 1; number-- {
		former = append(former, p.era(dir, number))
	}
	return layout{
		era: p.era(dir, now), former: former,
		dir:    dir,
		ledger: path.Join(dir, "issued"),
		keys:   path.Join(dir, "keys"),
		certs:  path.Join(dir, "certs"),

		requests: path.Join(dir, "requests"),
	}
}

func (l layout) pair(h holder) pki.Pair {
	p := pki.Pair{
		CommonName:  h.commonName,
		Certificate: path.Join(l.certs, h.name+".crt"),
		CA:          l.ca,
		CRL:         l.crl,
	}
	if !h.keyless {
		p.Key = path.Join(l.keys, h.name+".key")
	}
	for _, e := range l.former {
		p.Former, p.FormerLists = append(p.Former, e.ca), append(p.FormerLists, e.crl)
	}
	return p
}

// eras are all CAs of the PKI, the one that signs now first.
func (l layout) eras() []era { return append([]era{l.era}, l.former...) }

// request is where the request for somebody's certificate is.
func (l layout) request(h holder) string { return path.Join(l.requests, h.name+".csr") }

// outside says whether the key of the CA never comes here.
func (p *PKI) outside() bool { return p.CACertificate != nil && p.CAKey == nil }

// asks says whether any certificate is asked for by a request.
func (p *PKI) asks() bool {
	return p.outside() || slices.ContainsFunc(p.Clients, func(c Client) bool { return resource.Or(c.CSR, false) && !resource.Or(c.Revoked, false) })
}

// Enrolled tells who is a client.
func (p *PKI) Enrolled() resource.Enrollment {
	people := make(map[string]bool)
	for _, c := range p.Clients {
		people[c.Name] = !resource.Or(c.Revoked, false)
	}
	return resource.Enrollment{Block: "client", Revoked: "revoked", People: people}
}

// Exports tells other blocks where things are and whom the PKI knows.
func (p *PKI) Exports(name string) any {
	l := p.layout(name)
	a := pki.Authority{
		Name: name, Directory: l.dir, Certificate: l.ca, CRL: l.crl, Ledger: l.ledger, Links: []string{},
		Servers: make(map[string]pki.Pair), Clients: make(map[string]pki.Pair), Revoked: []string{}, Refused: p.strangers(),
		Imported: p.CACertificate != nil, Outside: p.outside(),
	}
	for _, e := range l.eras() {
		a.Trusted, a.Lists = append(a.Trusted, e.ca), append(a.Lists, e.crl)
		if e.link != "" {
			a.Links = append(a.Links, e.link)
		}
	}
	for _, h := range p.holders() {
		switch {
		case h.revoked:
			a.Revoked, a.Refused = append(a.Revoked, h.name), append(a.Refused, h.commonName)
		case h.block == "server":
			a.Servers[h.name] = l.pair(h)
		default:
			a.Clients[h.name] = l.pair(h)
		}
	}
	a.Server = a.Servers
	slices.Sort(a.Revoked)
	slices.Sort(a.Refused)
	a.Refused = slices.Compact(a.Refused)
	return a
}

// Moves tells on which files of others the PKI rests, and which keys need not be here.
func (p *PKI) Moves(name string) resource.Luggage {
	var m resource.Luggage
	for _, file := range []*string{p.CACertificate, p.Issued} {
		if file != nil {
			m.Files = append(m.Files, *file)
		}
	}
	if p.CAKey != nil || resource.Or(p.CAKeyAway, false) {
		for _, e := range p.layout(name).eras() {
			m.Away = append(m.Away, e.caKey)
		}
	}
	return m
}

// strangers returns the common names of revoked certificates that are nobody's
// of the block.
func (p *PKI) strangers() []string {
	names := []string{}
	for _, r := range p.Revocations {
		name := resource.Or(r.CommonName, "")
		if name != "" && !slices.ContainsFunc(p.holders(), func(h holder) bool { return h.commonName == name }) {
			names = append(names, name)
		}
	}
	return names
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

func root() *string { return resource.Ptr("root") }

func directory(dir string) resource.ID { return resource.ID{Kind: "directory", Name: dir} }
func key(path string) resource.ID      { return resource.ID{Kind: pki.KindPrivateKey, Name: path} }
func cert(path string) resource.ID     { return resource.ID{Kind: pki.KindCertificate, Name: path} }
func ledger(path string) resource.ID   { return resource.ID{Kind: pki.KindLedger, Name: path} }

// authority is the CA itself, with those whose place it took, the first of them first.
// Their keys are never replaced while their certificates stand.
func (p *PKI) authority(l layout) []resource.Resource {
	var all []resource.Resource
	for i := len(l.former) - 1; i >= 0; i-- {
		former := p.signs(l, l.former[i])
		former[1].Want.(*pki.Certificate).Overlap = resource.Ptr(l.ledger)
		former[1].After = append(former[1].After, ledger(l.ledger))
		all = append(all, former...)
	}
	all = append(all, p.signs(l, l.era)...)
	eras := l.eras()
	for i, e := range eras[:len(eras)-1] {
		all = append(all, p.link(l, e, eras[i+1]))
	}
	return all
}

// signs is the key and the certificate of one CA.
func (p *PKI) signs(l layout, e era) []resource.Resource {
	subject := *p.Subject
	return []resource.Resource{
		{
			ID: key(e.caKey),
			Want: &pki.PrivateKey{
				Algorithm: resource.Ptr(resource.Or(p.Key, "ecdsa-p256")), Format: resource.Ptr("pkcs8"), Certificate: resource.Ptr(e.ca), Away: p.away(),
				Mode: resource.Ptr(resource.Mode(0o600)), Owner: root(), Group: root(),
			},
			After: []resource.ID{directory(l.dir)},
		},
		{
			ID: cert(e.ca),
			Want: &pki.Certificate{
				Key: resource.Ptr(e.caKey), Usage: resource.Ptr("ca"), Subject: &subject, Domains: p.Domains, Validity: p.CAValidity, Away: p.away(),
				Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
			},
			After:    []resource.ID{directory(l.dir), key(e.caKey)},
			Triggers: []resource.Trigger{{On: key(e.caKey), Do: resource.Rebuild}},
		},
	}
}

// link is the certificate of a CA that the CA before it signed, "new with old" of RFC
// 4210 section 4.4: whoever knows the old one only trusts by it what the new one signs.
// Both have the same name, so it counts as issued to itself, and the path length of the
// old one allows it.
func (p *PKI) link(l layout, e, before era) resource.Resource {
	subject := *p.Subject
	return resource.Resource{
		ID: cert(e.link),
		Want: &pki.Certificate{
			Key: resource.Ptr(e.caKey), Usage: resource.Ptr("ca"), Subject: &subject, Domains: p.Domains, Validity: p.CAValidity, Away: p.away(),
			Issuer: resource.Ptr(before.ca), IssuerKey: resource.Ptr(before.caKey), Overlap: resource.Ptr(l.ledger),
			Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
		},
		After: []resource.ID{directory(l.dir), ledger(l.ledger), key(e.caKey), cert(e.ca), cert(before.ca), key(before.caKey)},
		Triggers: []resource.Trigger{
			{On: key(e.caKey), Do: resource.Rebuild},
			{On: key(before.caKey), Do: resource.Rebuild},
		},
	}
}

// pair is the key and the certificate of a server or client. The certificate
// follows its own key and the CA's: a CA that is renewed has the same key, and
// what it signed stands.
func (p *PKI) pair(l layout, h holder) []resource.Resource {
	at := l.pair(h)
	var all []resource.Resource
	want := p.certificate(l, h)
	made := resource.Resource{
		ID: cert(at.Certificate), Want: want,
		After: []resource.ID{directory(l.certs), ledger(l.ledger)},
	}
	follows := func(id resource.ID) {
		made.After = append(made.After, id)
		made.Triggers = append(made.Triggers, resource.Trigger{On: id, Do: resource.Rebuild})
	}
	if !h.keyless {
		all = append(all, resource.Resource{
			ID: key(at.Key),
			Want: &pki.PrivateKey{
				Algorithm: resource.Ptr(resource.Or(p.Key, "ecdsa-p256")), Format: resource.Ptr("pkcs8"), Keep: resource.Ptr(true),
				Mode: resource.Ptr(resource.Mode(0o600)), Owner: root(), Group: root(),
			},
			After: []resource.ID{directory(l.keys)},
		})
		follows(key(at.Key))
	}
	if h.keyless || p.outside() {
		request := p.request(l, h)
		all = append(all, request)
		follows(request.ID)
		want.Request = resource.Ptr(request.ID.Name)
	}
	for i := len(l.former) - 1; i >= 0; i-- {
		want.Former = append(want.Former, l.former[i].ca)
		made.After = append(made.After, cert(l.former[i].ca))
	}
	made.After = append(made.After, cert(l.ca))
	switch {
	case p.outside():
	case len(l.former) > 0: // what those before it signed stands, whatever becomes of this one
		made.After = append(made.After, key(l.caKey))
	default:
		follows(key(l.caKey))
	}
	return append(all, made)
}

// certificate is what a server or client has to have signed.
func (p *PKI) certificate(l layout, h holder) *pki.Certificate {
	at := l.pair(h)
	want := &pki.Certificate{
		Usage: resource.Ptr(h.block), Subject: p.subject(h), DNSNames: h.dnsNames,
		Validity: h.validity, RenewBefore: p.RenewBefore,
		Issuer: resource.Ptr(l.ca), IssuerKey: p.caKey(l), IssuerPEM: p.CAKeyPEM, Ledger: resource.Ptr(l.ledger), External: p.external(), Away: p.away(),
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	if want.Validity == nil {
		want.Validity = p.CertValidity
	}
	for serial, name := range p.revocations() {
		if name == h.commonName {
			want.Void = append(want.Void, serial)
		}
	}
	slices.Sort(want.Void)
	if !h.keyless {
		want.Key = resource.Ptr(at.Key)
	}
	return want
}

// request is that of a key of this host to a CA elsewhere, or the one that somebody
// else has to bring.
func (p *PKI) request(l layout, h holder) resource.Resource {
	want := &pki.CertificateRequest{
		Usage: resource.Ptr(h.block), Subject: p.subject(h), DNSNames: h.dnsNames,
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	r := resource.Resource{
		ID:    resource.ID{Kind: pki.KindRequest, Name: l.request(h)},
		Want:  want,
		After: []resource.ID{directory(l.requests)},
	}
	if !h.keyless {
		made := key(l.pair(h).Key)
		want.Key, r.After = resource.Ptr(made.Name), append(r.After, made)
		r.Triggers = []resource.Trigger{{On: made, Do: resource.Rebuild}}
	}
	return r
}

// caKey is where the key of the CA is, nil where it never comes here.
func (p *PKI) caKey(l layout) *string {
	if p.outside() {
		return nil
	}
	return resource.Ptr(l.caKey)
}

// subject is the CA's with a common name of one's own; the CA's address is
// nobody else's.
func (p *PKI) subject(h holder) *pki.Subject {
	s := resource.Or(p.Subject, pki.Subject{})
	s.CommonName, s.Email = h.commonName, ""
	return &s
}

// external says that the CA is nobody's here to make.
func (p *PKI) external() *bool {
	if p.CACertificate == nil {
		return nil
	}
	return resource.Ptr(true)
}

// away says that the key of the CA may be elsewhere.
func (p *PKI) away() *bool {
	if !resource.Or(p.CAKeyAway, false) {
		return nil
	}
	return resource.Ptr(true)
}

// refused are the common names of those who may not come in. The ledger of a CA
// of vpnd's own knows all who ever had a certificate; for one that was there
// before it takes their names.
func (p *PKI) refused() []string {
	if p.CACertificate == nil {
		return nil
	}
	var names []string
	for _, h := range p.holders() {
		if h.revoked {
			names = append(names, h.commonName)
		}
	}
	return names
}

// revocations are the serial numbers that are void in any case, with the common
// names of their holders.
func (p *PKI) revocations() map[string]string {
	var all map[string]string
	for _, r := range p.Revocations {
		if serial, ok := policy.ParseSerial(resource.Or(r.Serial, "")); ok {
			if all == nil {
				all = make(map[string]string)
			}
			all[serial] = resource.Or(r.CommonName, "")
		}
	}
	return all
}

// lists are the revocation lists, of the CA that signs now and of those before it.
func (p *PKI) lists(l layout, members []string) []resource.Resource {
	all := []resource.Resource{p.list(l, l.era, members)}
	for _, e := range l.former {
		former := p.list(l, e, members)
		former.Want.(*pki.CRL).Overlap = resource.Ptr(true)
		all = append(all, former)
	}
	return all
}

func (p *PKI) list(l layout, e era, members []string) resource.Resource {
	want := &pki.CRL{
		Issuer: resource.Ptr(e.ca), Ledger: resource.Ptr(l.ledger),
		Members: append([]string{}, members...), Validity: p.CRLValidity,
		Issued: p.Issued, Refused: p.refused(), Revoke: p.revocations(), External: p.external(), Away: p.away(),
		Mode: resource.Ptr(resource.Mode(0o644)), Owner: root(), Group: root(),
	}
	r := resource.Resource{
		ID:    resource.ID{Kind: pki.KindCRL, Name: e.crl},
		Want:  want,
		After: []resource.ID{directory(l.dir), ledger(l.ledger), cert(e.ca)},
	}
	if !p.outside() {
		want.IssuerKey, want.IssuerPEM = resource.Ptr(e.caKey), p.CAKeyPEM
		r.After = append(r.After, key(e.caKey))
		r.Triggers = []resource.Trigger{{On: key(e.caKey), Do: resource.Rebuild}}
	}
	return r
}

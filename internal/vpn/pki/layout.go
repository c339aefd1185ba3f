package pki

import (
	"fmt"
	"path"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

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
	former                             []era       // CAs whose place this one took, the last first
	next                               *era        // the CA that is to take the place of this one and has not begun; nil for none
	above                              []pki.Level // CAs above this one, the root last
	given                              bool        // the CA existed before
	dir, ledger, keys, certs, requests string
}

// era is where the files of one CA of a PKI are.
type era struct {
	number         int // from 1 on
	ca, caKey, crl string
	csr            string // the request for its certificate, to a CA elsewhere that is above it
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
		number: number,
		ca:     resource.Or(p.CACertificate, numbered(path.Join(dir, "ca.crt"))),
		caKey:  resource.Or(p.CAKey, numbered(path.Join(dir, "ca.key"))),
		crl:    numbered(resource.Or(p.CRL, path.Join(dir, "crl.pem"))),
	}
	e.csr = numbered(path.Join(dir, path.Base(dir)+"-ca.csr"))
	if number > 1 && p.Parent == nil { // the one above signs both
		e.link = numbered(path.Join(dir, "link.crt"))
	}
	return e
}

func (p *PKI) layout(name string) layout {
	dir := resource.Or(p.Directory, path.Join(parent, name))
	last := max(resource.Or(p.CAGeneration, 1), 1)
	now := last
	if p.signing > 0 {
		now = min(p.signing, last)
	}
	var former []era
	for number := now - 1; number >= 1; number-- {
		former = append(former, p.era(dir, number))
	}
	var next *era
	if now < last {
		next = resource.Ptr(p.era(dir, now+1))
	}
	return layout{
		era: p.era(dir, now), former: former, next: next, above: p.above(), given: p.CACertificate != nil,
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
	if l.given {
		p.Given = l.ledger
	}
	if !h.keyless {
		p.Key = path.Join(l.keys, h.name+".key")
	}
	for _, e := range l.former {
		p.Former, p.FormerLists = append(p.Former, e.ca), append(p.FormerLists, e.crl)
	}
	for _, above := range l.above {
		p.Above, p.AboveLists = append(p.Above, above.Trusted...), append(p.AboveLists, above.Lists...)
	}
	return p
}

// eras are all CAs of the PKI, the one that signs now first.
func (l layout) eras() []era { return append([]era{l.era}, l.former...) }

// request is where the request for somebody's certificate is.
func (l layout) request(h holder) string { return path.Join(l.requests, h.name+".csr") }

package pki

import (
	"maps"
	"slices"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Enrolled tells who is a client.
func (p *PKI) Enrolled() resource.Enrollment {
	people := make(map[string]bool)
	for _, c := range p.Clients {
		people[c.Name] = !resource.Or(c.Revoked, false)
	}
	return resource.Enrollment{Block: "client", Revoked: "revoked", People: people, Apart: true}
}

// Exports tells other blocks where things are and whom the PKI knows.
func (p *PKI) Exports(name string) any {
	l := p.layout(name)
	a := pki.Authority{
		Name: name, Directory: l.dir, Certificate: l.ca, CRL: l.crl, Ledger: l.ledger, Links: []string{},
		Servers: make(map[string]pki.Pair), Clients: make(map[string]pki.Pair), Revoked: []string{}, Refused: p.strangers(),
		Imported: p.CACertificate != nil, Outside: p.outside(),
		Key: resource.Or(p.caKey(l), ""), Away: p.CACertificate != nil || resource.Or(p.CAKeyAway, false),
		PathLength: resource.Or(p.PathLength, 0), Domains: append([]string{}, p.permitted()...), Above: l.above,
	}
	if p.CACertificate != nil {
		a.PathLength = -1
	} else if p.Subject != nil {
		a.Subject = p.Subject.String()
	}
	if p.CACertificate == nil && p.Subject != nil {
		a.Hash, _ = p.Subject.Hash() // a name that can't be written is told with the block
	}
	if l.next != nil {
		a.Next = l.next.ca
	}
	for _, e := range l.eras() {
		a.Trusted, a.Lists = append(a.Trusted, e.ca), append(a.Lists, e.crl)
		if e.link != "" {
			a.Links = append(a.Links, e.link)
		}
	}
	a.Void = append([]string{}, slices.Sorted(maps.Keys(p.revocations()))...)
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
		l := p.layout(name)
		for _, e := range l.eras() {
			m.Away = append(m.Away, e.caKey)
		}
		if l.next != nil {
			m.Away = append(m.Away, l.next.caKey)
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

// Package clients tells of the people of a host: who has a certificate and until
// when, who was given which profile, who is connected, and who was shut out. It puts
// together what the records and the servers say, and decides nothing.
package clients

import (
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/seen"
	"vpnd/internal/status"
)

// FormatVersion is the version of what the commands about people and certificates
// tell in JSON. The first number grows when something is taken away or changes its
// meaning.
const FormatVersion = "1.0"

// A Client is a person, by their name.
type Client struct {
	Name     string    `json:"name"`
	Blocks   []string  `json:"blocks"`              // that let them in, or did
	Revoked  bool      `json:"revoked"`             // nothing that they have is good any more
	NotAfter time.Time `json:"not_after,omitzero"`  // the last day of their certificate
	Serial   string    `json:"serial,omitempty"`    // of it, in hexadecimal
	Profiles []Profile `json:"profiles,omitempty"`  // what they dial with
	Sessions []Session `json:"connected,omitempty"` // now

	Seen *seen.Sighting `json:"last_seen,omitempty"` // last, now included; nil where nobody remembers
}

// A Term is until when a certificate is good, its serial number, and who signed it;
// nothing of what is none.
type Term struct {
	NotAfter time.Time
	Serial   string // in hexadecimal
	Issuer   string // common name of the CA that signed it; empty where it did itself
}

// A List is the JSON form of all.
type List struct {
	FormatVersion string    `json:"format_version"`
	Remembered    time.Time `json:"remembered_since,omitzero"` // who was seen last is known since; zero where no agent remembers
	Clients       []Client  `json:"clients"`
}

// A Single is the JSON form of one.
type Single struct {
	FormatVersion string    `json:"format_version"`
	Remembered    time.Time `json:"remembered_since,omitzero"`
	Client        Client    `json:"client"`
}

// A Profile is what a person dials with.
type Profile struct {
	Path    string    `json:"path"`
	Server  string    `json:"server"` // the block, and which of its processes that it is for
	Void    []string  `json:"void,omitempty"`
	Since   time.Time `json:"void_since,omitzero"`
	GivenAt time.Time `json:"given_at,omitzero"`
	GivenBy string    `json:"given_by,omitempty"`
}

// A Session is a person connected to a server.
type Session struct {
	Server  string    `json:"server"` // the block, and which of its processes
	Socket  string    `json:"-"`      // by which it can be ended; empty where it can't
	From    string    `json:"from"`
	By      string    `json:"transport,omitempty"` // udp or tcp, where OpenVPN says it
	Address string    `json:"address"`
	Since   time.Time `json:"since,omitzero"` // where that is known
	In      uint64    `json:"in_bytes"`
	Out     uint64    `json:"out_bytes"`
}

// Of puts together what the records of a host and its servers tell, sorted by name.
// Of the certificates of which the lists do not tell yet, terms is asked, all at once.
func Of(e *engine.Engine, now status.VPNs, m seen.Memory, terms func(paths []string) []Term) []Client {
	l, others, paths := list{}, make(map[string]bool), make(map[string]string)
	for _, c := range e.Certificates() {
		if !c.Person {
			others[c.Name] = true
			continue
		}
		l.client(c.Name, c.Blocks...)
		paths[c.Name] = c.ID.Name
	}
	for _, r := range e.Rolls() {
		r.Holders = slices.DeleteFunc(r.Holders, func(h resource.Holder) bool { return others[h.Name] && l[h.Name] == nil })
		l.enter(r)
	}
	l.ask(paths, terms)
	for _, g := range e.Gifts() {
		c := l.client(g.Holder, g.Blocks()...)
		c.Revoked = false
		c.Profiles = append(c.Profiles, profile(g))
	}
	l.connect(now)
	l.remember(m, seen.Sightings(e.Now(), now))
	all := make([]Client, 0, len(l))
	for _, c := range l {
		slices.Sort(c.Blocks)
		c.Blocks = slices.Compact(c.Blocks)
		all = append(all, *c)
	}
	resource.Sort(all, func(a, b Client) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Serving are the servers on record, and the tunnels by which people dial in that are
// given profiles. Nobody has asked them yet.
func Serving(e *engine.Engine) status.VPNs {
	var v status.VPNs
	for id, block := range e.Serving(resource.Servers) {
		v.Servers = append(v.Servers, status.Server{Block: block, Socket: id.Name})
	}
	giving := make(map[string]bool)
	for _, g := range e.Gifts() {
		for _, block := range g.Blocks() {
			giving[block] = true
		}
	}
	for id, block := range e.Serving(resource.Tunnels) {
		if giving[block] {
			v.Tunnels = append(v.Tunnels, status.Tunnel{ID: id, Block: block})
		}
	}
	resource.Sort(v.Servers, func(a, b status.Server) int { return strings.Compare(a.Name(), b.Name()) })
	return v
}

type list map[string]*Client

func (l list) client(name string, blocks ...string) *Client {
	c := l[name]
	if c == nil {
		c = &Client{Name: name}
		l[name] = c
	}
	c.Blocks = append(c.Blocks, blocks...)
	return c
}

// enter takes the holders of a CA in. Who has one certificate that stands is not
// revoked, whatever became of earlier ones.
func (l list) enter(r engine.Roll) {
	stands := make(map[string]bool)
	for _, h := range r.Holders {
		stands[h.Name] = stands[h.Name] || !h.Revoked
	}
	for _, h := range r.Holders {
		if h.Revoked && stands[h.Name] || h.Name == "" {
			continue
		}
		c := l.client(h.Name, r.Blocks...)
		if c.Revoked = h.Revoked; h.NotAfter.After(c.NotAfter) {
			c.NotAfter, c.Serial = h.NotAfter, h.Serial
		}
	}
}

// ask asks for the terms of those certificates of which no list tells.
func (l list) ask(paths map[string]string, terms func(paths []string) []Term) {
	var untold []*Client
	var of []string
	for name, path := range paths {
		if c := l[name]; c.NotAfter.IsZero() {
			untold, of = append(untold, c), append(of, path)
		}
	}
	for i, t := range terms(of) {
		untold[i].Revoked = false
		untold[i].NotAfter, untold[i].Serial = t.NotAfter, t.Serial
	}
}

// connect tells who is connected now.
func (l list) connect(now status.VPNs) {
	for _, s := range now.Servers {
		for _, one := range s.Clients {
			c := l.client(one.Name)
			c.Sessions = append(c.Sessions, Session{s.Name(), s.Socket, one.From, one.By, one.Address, one.Began, one.In, one.Out})
		}
	}
	for _, t := range now.Tunnels {
		if c := l[t.Name]; c != nil && t.Up && slices.Contains(c.Blocks, t.Block) {
			one := seen.Of(t, t.Since)
			c.Sessions = append(c.Sessions, Session{t.Block, "", one.From, "", one.Address, one.Since, one.In, one.Out})
		}
	}
}

// remember tells when everybody was seen last, in any block: as it is remembered, and
// as it is now.
func (l list) remember(m seen.Memory, now []seen.Sighting) {
	later := func(s seen.Sighting) {
		c := l[s.Name]
		if c == nil || len(c.Sessions) == 0 && !slices.Contains(c.Blocks, s.Block) {
			return // somebody else, of a block that is gone
		}
		if c.Seen == nil || !s.At.Before(c.Seen.At) {
			c.Seen = &s
		}
	}
	for _, s := range m.People {
		later(s)
	}
	for _, s := range now {
		later(s)
	}
}

func profile(g engine.Gift) Profile {
	p := Profile{Path: g.ID.Name}
	if blocks := g.Blocks(); len(blocks) > 0 {
		p.Server = blocks[0]
	}
	if void := g.Void(); void != nil {
		p.Void, p.Since = void.Why, void.Since
	}
	if given := g.Given(); given != nil {
		p.GivenAt, p.GivenBy = given.At, given.By
	}
	return p
}

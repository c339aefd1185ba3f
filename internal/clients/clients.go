// Package clients tells of the people of a host: who has a certificate and until
// when, who was given which profile, who is connected, and who was shut out. It puts
// together what the records and the servers say, and decides nothing.
package clients

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// A Client is a person, by their name.
type Client struct {
	Name     string    `json:"name"`
	Blocks   []string  `json:"blocks"`              // that let them in, or did
	Revoked  bool      `json:"revoked"`             // nothing that they have is good any more
	NotAfter time.Time `json:"not_after,omitzero"`  // the last day of their certificate
	Serial   string    `json:"serial,omitempty"`    // of it, in hexadecimal
	Profiles []Profile `json:"profiles,omitempty"`  // what they dial with
	Sessions []Session `json:"connected,omitempty"` // now
}

// A Profile is what a person dials with.
type Profile struct {
	Path    string    `json:"path"`
	Server  string    `json:"server"` // the block that it is for
	Void    []string  `json:"void,omitempty"`
	Since   time.Time `json:"void_since,omitzero"`
	GivenAt time.Time `json:"given_at,omitzero"`
	GivenBy string    `json:"given_by,omitempty"`
}

// A Session is a person connected to a server.
type Session struct {
	Server string `json:"server"`
	Socket string `json:"-"`
	status.Client
}

// Of puts together what the records of a host and its servers tell, sorted by name.
// Certificates of which the lists do not tell yet are read.
func Of(e *engine.Engine, servers []status.Server, read func(path string) ([]byte, error)) []Client {
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
	for name, path := range paths {
		if c := l[name]; c.NotAfter.IsZero() {
			c.Revoked = false
			c.NotAfter, c.Serial = Ends(read(path))
		}
	}
	for _, g := range e.Gifts() {
		c := l.client(g.Holder, g.Blocks()...)
		c.Revoked = false
		c.Profiles = append(c.Profiles, profile(g))
	}
	for _, s := range servers {
		for _, one := range s.Clients {
			c := l.client(one.Name)
			c.Sessions = append(c.Sessions, Session{s.Block, s.Socket, one})
		}
	}
	all := make([]Client, 0, len(l))
	for _, c := range l {
		slices.Sort(c.Blocks)
		c.Blocks = slices.Compact(c.Blocks)
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b Client) int { return strings.Compare(a.Name, b.Name) })
	return all
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

// Ends returns when a certificate ends, and its serial number; nothing of what is none.
func Ends(data []byte, err error) (time.Time, string) {
	block, _ := pem.Decode(data)
	if err != nil || block == nil {
		return time.Time{}, ""
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return time.Time{}, ""
	}
	return c.NotAfter, fmt.Sprintf("%x", c.SerialNumber)
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

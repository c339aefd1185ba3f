package wireguard

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

// Normalize says who carries the packets, sorts what has no order, and adds whom
// nobody may let in again.
func (v Verbs) Normalize(_ context.Context, wants map[string]*Interface) (map[string]*Interface, error) {
	links, err := link.Interfaces()
	if err != nil {
		return nil, err
	}
	normal := make(map[string]*Interface, len(wants))
	for name, want := range wants {
		w := *want
		if w.Backend != nil && *w.Backend == auto {
			w.Backend = resource.Ptr(v.backend(links[name]))
		}
		if w.Key != nil {
			w.Keyed = resource.Ptr(true)
		}
		if w.Addresses != nil {
			w.Addresses = slices.Clone(w.Addresses)
			resource.Sort(w.Addresses, netip.Prefix.Compare)
			w.Addresses = slices.Compact(w.Addresses)
		}
		w.bar()
		w.Admitted = []string{}
		if w.Peers != nil {
			w.Peers = w.settled()
		}
		normal[name] = &w
	}
	return normal, nil
}

// backend says who carries the packets where nobody said: whoever does so, and
// else the kernel where it can.
func (v Verbs) backend(is link.Interface) string {
	switch {
	case is.Alias == link.Mark && is.Type == "wireguard":
		return Kernel
	case is.Alias == link.Mark && is.Type != "", !v.Kernel():
		return Userspace
	default:
		return Kernel
	}
}

// bar adds who is revoked now to those who were.
func (i *Interface) bar() {
	barred := maps.Clone(i.Barred)
	for _, said := range i.Revoked {
		key, err := parseKey(said)
		if strings.HasPrefix(said, "/") {
			key, err = readKey(said)
		}
		if err != nil { // nobody has got a profile yet, or it is on record
			continue
		}
		if barred == nil {
			barred = make(map[string]string)
		}
		barred[key.String()] = said
	}
	i.Barred = barred
}

// readmits says why a peer is not let in whose key was revoked; nil where it was not.
// An undo leaves them out, and a configuration that asks for it is refused. Where one
// that an undo put in force does, everything but that is done. A key that is made here
// is another one by then.
func (i *Interface) readmits(p Peer, plan resource.Prospect) *resource.Mistake {
	key, err := p.public()
	if err != nil || i.Barred[key.String()] == "" {
		return nil
	}
	m := resource.Mistake{
		Path: "peer." + p.Name, Summary: fmt.Sprintf("the peer %s was revoked, and its key stays so", p.Name),
		Hint: "use another name or key for who comes back, or delete the block, apply, and add it again, which makes a new key",
	}
	if p.KeyFile == nil {
		return &m
	}
	return plan.Lacking(m, resource.ID{Kind: resource.Path, Name: *p.KeyFile})
}

// settled returns the peers as they will be seen, by name.
func (i *Interface) settled() []Peer {
	peers := make([]Peer, 0, len(i.Peers))
	for _, p := range i.Peers {
		p.Preshared = resource.Ptr(pskNone)
		if p.PSKFile != nil {
			p.Preshared = resource.Ptr(pskCurrent)
		}
		p.Networks = canonical(p.Networks)
		p.Keepalive = resource.Ptr(resource.Or(p.Keepalive, 0))
		peers = append(peers, p)
	}
	resource.Sort(peers, byName)
	return peers
}

// Recall keeps whom the interface was told to keep out for good: an undo does not
// let them in.
func (Verbs) Recall(want, was Interface) Interface {
	barred := maps.Clone(was.Barred)
	if barred == nil {
		return want
	}
	maps.Copy(barred, want.Barred)
	want.Barred = barred
	return want
}

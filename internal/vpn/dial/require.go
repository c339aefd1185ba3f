package dial

import (
	"context"
	"net/netip"
	"time"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
)

// requirements are what a client needs of its host: accounts, an interface that is
// nobody else's, certificates that are valid now, and networks that are not here.
func (s *settings) requirements() []resource.Requirement {
	var all []resource.Requirement
	add := func(path string, met func(plan resource.Prospect) *resource.Mistake) {
		all = append(all, resource.Requirement{Path: path, Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake { return met(plan) }})
	}
	if user := resource.Or(s.User, "nobody"); user != "root" {
		add("user", func(plan resource.Prospect) *resource.Mistake { return file.User(user, plan) })
		add("group", func(plan resource.Prospect) *resource.Mistake {
			return file.Group(resource.Or(s.Group, "nogroup"), plan)
		})
	}
	add("dev", func(plan resource.Prospect) *resource.Mistake {
		return link.Unused(s.dev(), []string{s.place.Unit()}, plan)
	})
	for _, f := range s.Files {
		if f.Directive == "cert" || f.Directive == "ca" {
			add(s.attribute(f.Line, f.Directive), func(resource.Prospect) *resource.Mistake { return openvpn.InForce(f.Document.Reveal(), time.Now()) })
		}
	}
	if resource.Or(s.Guard, true) {
		for _, p := range s.networksBehindServer() {
			add("routes", func(plan resource.Prospect) *resource.Mistake { return s.elsewhere(p, plan) })
		}
	}
	return all
}

// attribute is where a file is named.
func (s *settings) attribute(line int, name string) string {
	if path, ok := s.at[line]; ok {
		return path
	}
	if s.reading.profile {
		return "profile"
	}
	return name
}

// elsewhere wants a network that is guarded to be nowhere but behind the tunnel: the rules
// that keep its packets from leaving in clear would cut it off here.
func (s *settings) elsewhere(network netip.Prefix, plan resource.Prospect) *resource.Mistake {
	m := link.Free(network, s.dev(), []string{s.place.Unit()}, plan)
	if m != nil {
		m.Hint = "name smaller networks in routes, or write guard = false, with which the more specific route decides"
	}
	return m
}

package openvpn

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/link"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// requirements are what a process needs of its host: an OpenVPN that knows its
// words, accounts, an address, a port, a device and a network that nobody else
// has.
func (i *instance) requirements() []resource.Requirement {
	r := &requirements{}
	if i == i.instances[0] {
		i.requireWords(r)
	}
	i.requireHost(r)
	i.requireNetworks(r)
	if i.shared() {
		r.add("processes", func(ctx context.Context, _ resource.Prospect) *resource.Mistake { return kindopenvpn.Sockets(ctx) })
	}
	if i.fingerprints() {
		r.add("peer_fingerprint", func(ctx context.Context, _ resource.Prospect) *resource.Mistake {
			return kindopenvpn.Readable(ctx, strings.TrimSpace(pki.NoPeer))
		})
	}
	r.all = append(r.all, i.auth().Requirements()...)
	return r.all
}

type requirements struct{ all []resource.Requirement }

// add asks for something; the mistake is nil where it is so.
func (r *requirements) add(path string, met func(ctx context.Context, plan resource.Prospect) *resource.Mistake) {
	r.all = append(r.all, resource.Requirement{Path: path, Met: met})
}

func (s *settings) requireWords(r *requirements) {
	v := new(kindopenvpn.Vocabulary)
	know := func(path string, word kindopenvpn.Word, name string) {
		r.add(path, func(ctx context.Context, _ resource.Prospect) *resource.Mistake { return v.Knows(ctx, word, name) })
	}
	each := func(path string, word kindopenvpn.Word, names []string) {
		for i, name := range names {
			know(fmt.Sprintf("%s[%d]", path, i), word, name)
		}
	}
	for i, name := range s.DataCiphers {
		if !strings.HasPrefix(name, "?") { // which may be missing
			know(fmt.Sprintf("data_ciphers[%d]", i), kindopenvpn.Cipher, name)
		}
	}
	for path, name := range map[string]*string{"data_ciphers_fallback": s.DataCiphersFallback, "cipher": s.Cipher} {
		if name != nil {
			know(path, kindopenvpn.Cipher, *name)
		}
	}
	if s.Digest != nil {
		know("digest", kindopenvpn.Digest, *s.Digest)
	}
	t := s.tls()
	each("tls.ciphers", kindopenvpn.TLSWord, t.Ciphers)
	each("tls.ciphersuites", kindopenvpn.TLSSuite, t.Ciphersuites)
	each("tls.groups", kindopenvpn.TLSGroup, t.Groups)
	for i, line := range s.Options {
		r.add(fmt.Sprintf("options[%d]", i), func(ctx context.Context, _ resource.Prospect) *resource.Mistake {
			return kindopenvpn.Readable(ctx, line)
		})
		if names := named(line); names != nil {
			r.add(fmt.Sprintf("options[%d]", i), names)
		}
	}
}

// named returns what a directive wants to be there when OpenVPN starts: an
// account, or a file that it shall run, load or read; nil where it wants nothing.
func named(line string) func(ctx context.Context, plan resource.Prospect) *resource.Mistake {
	list, err := kindopenvpn.Directive(line)
	if err != nil || len(list) < 2 {
		return nil
	}
	if list[0] == "port-share" && len(list) > 2 {
		return func(ctx context.Context, _ resource.Prospect) *resource.Mistake {
			return kindopenvpn.Shared(ctx, list[1], list[2])
		}
	}
	name, check := list[1], file.There
	switch directive := list[0]; {
	case directive == "management-client-user":
		check = file.User
	case directive == "management-client-group":
		check = file.Group
	case directive == "plugin", inputs[directive]:
	case programs[directive]: // with its arguments
		if list, err = kindopenvpn.Words(name); err != nil || len(list) == 0 {
			return nil
		}
		name = list[0]
	default:
		return nil
	}
	return func(_ context.Context, plan resource.Prospect) *resource.Mistake { return check(name, plan) }
}

func (i *instance) requireHost(r *requirements) {
	if user := resource.Or(i.User, "nobody"); user != "root" {
		r.add("user", func(_ context.Context, plan resource.Prospect) *resource.Mistake { return file.User(user, plan) })
		r.add("group", func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return file.Group(resource.Or(i.Group, "nogroup"), plan)
		})
	}
	for path, name := range map[string]*string{"log": i.log(), "status": i.status()} {
		if name != nil {
			r.add(path, func(_ context.Context, plan resource.Prospect) *resource.Mistake { return file.Into(*name, plan) })
		}
	}
	units := i.units()[:i.index+1] // those before it are started anew before it is
	for _, l := range i.listeners {
		if l.Address.IsValid() {
			r.add("listen", func(_ context.Context, plan resource.Prospect) *resource.Mistake { return link.Local(l.Address, plan) })
		}
		r.add("listen", func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return link.Port(l.Transport(), l.Address, l.Port, strings.HasSuffix(l.Protocol, "6"), units, plan)
		})
	}
	r.add("dev", func(_ context.Context, plan resource.Prospect) *resource.Mistake {
		m := link.Unused(i.device, units, plan)
		if m != nil && i.several() {
			m.Hint += fmt.Sprintf("; a listener keeps the one that it has, as listen changes, with dev in a block listener %q", i.listeners[0])
		}
		return m
	})
}

func (i *instance) requireNetworks(r *requirements) {
	free := func(path string, network netip.Prefix) {
		r.add(path, func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return link.Free(network, i.device, i.units(), plan)
		})
	}
	if i.Network != nil {
		free("network", i.network)
	}
	if i.network6 != nil {
		free("network6", *i.network6)
	}
	for _, m := range i.members {
		for _, network := range i.behind(m) {
			free("client."+m.CommonName+".routes", network)
		}
	}
}

package wireguard

import (
	"context"
	"net/netip"
	"slices"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/pki"
	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

// Expand returns the keys, the rules, the interface with its routes, the switch that
// turns forwarding on, and the profiles.
func (w *WireGuard) Expand(name string) ([]resource.Resource, error) {
	e := &expansion{settings: settings{w, name}}
	e.addPackages()
	e.addKeys()
	e.addWalls()
	e.addInterface()
	e.addRoutes()
	e.addForwarding()
	e.addProfiles()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	settings
	resources []resource.Resource
	packages  []resource.ID
	walls     map[bool][]resource.ID // chains, by whether they are of IPv6
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) *resource.Resource {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
	return &e.resources[len(e.resources)-1]
}

func (e *expansion) device() resource.ID { return id(kind.Kind, e.name) }

func (e *expansion) addPackages() {
	var names []string
	if resource.Or(e.Backend, "auto") == kind.Userspace {
		names = append(names, "wireguard-go")
	}
	if resource.Or(e.Tools, false) {
		names = append(names, "wireguard-tools")
	}
	for _, name := range names {
		e.add(id("package", name), &pkg.Package{Installed: resource.Ptr(true)})
		e.packages = append(e.packages, id("package", name))
	}
}

func private() *resource.Mode { return resource.Ptr(resource.Mode(0o600)) }

// addKeys makes the keys of this host and of those who have none of their own. Those
// of who is revoked stay, so that it is known whom to keep out, until they come in again.
func (e *expansion) addKeys() {
	e.add(id("directory", vaultRoot), file.DirectoryOfRoot(0o700))
	e.add(id("directory", e.vault()), file.DirectoryOfRoot(0o700), id("directory", vaultRoot))
	if e.Key == nil {
		e.addKey(e.key(), e.vault(), nil)
	}
	e.add(id("directory", e.peers()), file.DirectoryOfRoot(0o700), id("directory", e.vault()))
	for _, p := range e.Peers {
		if p.madeHere() {
			e.addKey(e.peerKey(p), e.peers(), p.Revoked)
		}
		if e.sharesOurs(p) && !p.revoked() {
			e.add(id(pki.KindWireGuardPSK, *e.psk(p)), &pki.WireGuardPSK{Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}, id("directory", e.peers()))
		}
	}
}

func (e *expansion) addKey(path, in string, revoked *bool) {
	e.add(id(pki.KindWireGuardKey, path), &pki.WireGuardKey{Revoked: revoked, Mode: private(), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}, id("directory", in))
}

// addInterface comes after the rules, so that nothing gets through that they would
// not let.
func (e *expansion) addInterface() {
	want := &kind.Interface{
		Key: resource.Ptr(e.key()), Backend: resource.Ptr(resource.Or(e.Backend, "auto")), Listen: resource.Ptr(e.listen()), Mark: e.Mark,
		Addresses: e.Addresses, MTU: e.MTU, Up: resource.Ptr(true), Peers: []kind.Peer{},
	}
	for _, p := range e.Peers {
		switch {
		case p.revoked():
			want.Revoked = append(want.Revoked, resource.Or(p.PublicKey, e.peerKey(p)+".pub"))
		case p.welcome():
			want.Peers = append(want.Peers, e.peer(p))
		}
	}
	r := e.add(e.device(), want, slices.Concat(e.packages, e.walls[false], e.walls[true])...)
	if e.Key != nil {
		r.After = append(r.After, id(pki.KindWireGuardKey, *e.Key))
	}
	r.Requires = e.requirements()
}

func (e *expansion) peer(p Peer) kind.Peer {
	one := kind.Peer{Name: p.Name, PublicKey: p.PublicKey, PSKFile: e.psk(p), Endpoint: p.Endpoint, Networks: slices.Concat(p.addresses(), p.Networks)}
	if p.madeHere() {
		one.KeyFile = resource.Ptr(e.peerKey(p) + ".pub")
	}
	if p.Endpoint != nil {
		one.Keepalive = resource.Ptr(e.keepalive(p))
	}
	return one
}

// addRoutes leads to the networks behind peers, as wg-quick(8) does. What lies in the
// networks of the interface itself has a route by its address.
func (e *expansion) addRoutes() {
	if !resource.Or(e.Routes, true) {
		return
	}
	for _, n := range e.behind("") {
		if !slices.ContainsFunc(e.own(), func(o netip.Prefix) bool { return resource.Within(n, o) }) {
			e.add(id("route", n.String()), &link.Route{Dev: &e.name}, e.device())
		}
	}
}

// requirements are what the interface needs of its host: keys that are kept, networks
// that nobody else has, and room for its packets.
func (e *expansion) requirements() []resource.Requirement {
	var all []resource.Requirement
	free := func(path string, network netip.Prefix) {
		all = append(all, resource.Requirement{Path: path, Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return link.Free(network, e.name, nil, plan)
		}})
	}
	given := func(path string, name *string) {
		if name != nil {
			all = append(all, resource.Requirement{Path: path, Met: func(context.Context, resource.Prospect) *resource.Mistake { return exposed(*name) }})
		}
	}
	given("private_key", e.Key)
	for _, p := range e.Peers {
		given("peer."+p.Name+".psk_file", p.PSKFile)
	}
	for _, n := range e.own() {
		free("addresses", n)
	}
	for _, p := range e.Peers {
		for _, n := range p.Networks {
			if n.Bits() > 0 {
				free("peer."+p.Name+".networks", n)
			}
		}
	}
	return append(all, resource.Requirement{Path: "mtu", Met: func(context.Context, resource.Prospect) *resource.Mistake {
		return link.Room(resource.Or(e.MTU, inside), around4, around6)
	}})
}

// exposed warns of a key that others can read, as wg-quick(8) does: systemd-networkd
// wants a group of its own to read it.
func exposed(name string) *resource.Mistake {
	m := file.Exposed(name)
	if m != nil {
		m.Warning = true
	}
	return m
}

// Headers around a packet: IP, UDP, and 32 bytes of WireGuard.
const (
	around4 = 20 + 8 + 32
	around6 = 40 + 8 + 32
	inside  = 1500 - around6 // what WireGuard takes by itself
)

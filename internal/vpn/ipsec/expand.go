package ipsec

import (
	"context"
	"slices"

	"vpnd/internal/kind/ipsec"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

// Names of kinds and things that the tunnel stands for.
const (
	kindConnection = "ipsec_connection"
	kindInterface  = "xfrm_interface"
)

// service is charon-systemd, on Debian and on Fedora.
var service = id("unit", "strongswan.service")

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

// Expand returns all that the tunnel needs. The rules stand before it is loaded, and
// before anything is forwarded.
func (t *Tunnel) Expand(name string) ([]resource.Resource, error) {
	e := &expansion{Tunnel: t, name: name}
	e.addPackages()
	if err := e.addWalls(); err != nil {
		return nil, err
	}
	e.addUnit()
	e.resources = append(e.resources, e.credentials(name).Copies(e.packages...)...)
	if err := e.addConnection(); err != nil {
		return nil, err
	}
	e.addRoutes()
	e.addForwarding()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	*Tunnel
	name      string
	resources []resource.Resource
	packages  []resource.ID
	walls     map[bool][]resource.ID // chains, by whether they are of IPv6
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) *resource.Resource {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
	return &e.resources[len(e.resources)-1]
}

func (e *expansion) addPackages() {
	for _, name := range e.Packages {
		e.add(id("package", name), &pkg.Package{Installed: resource.Ptr(true)})
		e.packages = append(e.packages, id("package", name))
	}
}

// addWalls puts up the chains, which all else comes after.
func (e *expansion) addWalls() error {
	w, err := e.wall(e.name)
	if err != nil {
		return err
	}
	chains := w.Chains()
	e.resources = append(e.resources, chains...)
	e.walls = map[bool][]resource.ID{false: walls.Of(false, chains), true: walls.Of(true, chains)}
	return nil
}

func (e *expansion) addUnit() {
	e.add(service, &unit.Unit{Enabled: resource.Ptr(true), Active: resource.Ptr(true)}, slices.Concat(e.packages, e.walls[false], e.walls[true])...)
}

// addConnection comes last of what makes the tunnel: loading it may start it.
func (e *expansion) addConnection() error {
	want, err := e.connection()
	if err != nil {
		return err
	}
	after := slices.Concat([]resource.ID{service}, e.walls[false], e.walls[true])
	if e.mode() == route {
		after = append(after, id(kindInterface, e.Interface.Name))
	}
	r := e.add(id(kindConnection, e.name), want, after...)
	if addr := e.bound(); addr.IsValid() {
		r.Requires = append(r.Requires, resource.Requirement{
			Path: "local.address",
			Met:  func(_ context.Context, plan resource.Prospect) *resource.Mistake { return link.Local(addr, plan) },
		})
	}
	return nil
}

// connection is the connection as strongSwan shall have it.
func (e *expansion) connection() (*ipsec.Connection, error) {
	ike, err := words(useIKE, e.ike())
	if err != nil {
		return nil, err
	}
	who := e.credentials(e.name)
	c := &ipsec.Connection{
		Version: resource.Ptr(resource.Or(e.Version, 2)), Proposals: ike,
		RemoteAddrs: []string{*e.Remote.Address},
		Aggressive:  resource.Ptr(resource.Or(e.Aggressive, false)),
		Encap:       resource.Ptr(resource.Or(e.Encap, false)),
		MOBIKE:      resource.Ptr(resource.Or(e.MOBIKE, !e.fixed())),
		Fragment:    resource.Ptr(resource.Or(e.Fragmentation, "yes")),
		Unique:      resource.Ptr("replace"), // a peer that was started anew has no use for its old SA
		KeyingTries: resource.Ptr(0),
		RekeyTime:   e.IKERekeyTime, ReauthTime: e.ReauthTime,
		PSK: e.secret(), PSKFile: e.PSKFile,
		Local: who.Local(e.localID()), Remote: who.Remote(e.remoteID()),
	}
	if addr := e.bound(); addr.IsValid() {
		c.LocalAddrs = []string{addr.String()}
	}
	if e.asks() {
		c.DPDDelay, c.DPDTimeout = e.DPDDelay, e.DPDTimeout
	}
	for _, child := range e.children(e.name) {
		made, err := e.child(child)
		if err != nil {
			return nil, err
		}
		c.Children = append(c.Children, made)
	}
	return c, nil
}

// asks says whether a silent peer is asked if it lives.
func (t *Tunnel) asks() bool { return t.DPDDelay != nil && *t.DPDDelay > 0 }

func (e *expansion) child(c Child) (ipsec.Child, error) {
	esp, err := words(useESP, c.ESP)
	if err != nil {
		return ipsec.Child{}, err
	}
	made := ipsec.Child{
		Name: c.Name, Mode: resource.Ptr("tunnel"), Proposals: esp,
		LocalTS: selectors(c.Local), RemoteTS: selectors(c.Remote),
		StartAction: resource.Ptr(e.start(c)), CloseAction: resource.Ptr(resource.Or(e.Close, "none")),
		RekeyTime: c.RekeyTime, ReplayWindow: resource.Ptr(resource.Or(e.ReplayWindow, 32)),
	}
	if e.mode() == transport {
		made.Mode = resource.Ptr("transport")
	}
	if e.asks() {
		made.DPDAction = resource.Ptr(e.dpd(c))
	}
	if e.mode() == route {
		made.IfID = e.Interface.IfID
	}
	return made, nil
}

// addRoutes leads what is for the other side to the interface. What comes in by it
// may have been routed another way, so that only an address that nobody has is
// refused there; see rp_filter in ip-sysctl of the kernel.
func (e *expansion) addRoutes() {
	if e.mode() != route {
		return
	}
	device := id(kindInterface, e.Interface.Name)
	for _, n := range e.destinations() {
		e.add(id("route", n.String()), &link.Route{Dev: &e.Interface.Name, Metric: e.Metric}, device)
	}
	key := id("sysctl", "net.ipv4.conf."+sysctlName(e.Interface.Name)+".rp_filter")
	e.add(key, &sysctl.Sysctl{Value: resource.Ptr("2")}).Follow(device)
}

func (e *expansion) addForwarding() {
	for i, key := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if six := i == 1; e.forwards(e.name, six) {
			e.add(id("sysctl", key), &sysctl.Sysctl{Value: resource.Ptr("1")}, e.walls[six]...)
		}
	}
}

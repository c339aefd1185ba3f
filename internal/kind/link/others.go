package link

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"vpnd/internal/resource"
)

// What kinds of interfaces that live elsewhere have in common with those here.

// An Interface is what every interface has.
type Interface struct {
	Type      string // as ip -details link names it
	Alias     string
	MTU       int
	Up        bool
	Addresses []netip.Prefix // sorted, without the link-local ones of the kernel
}

// Interfaces returns all interfaces by their names.
func Interfaces() (map[string]Interface, error) {
	all, err := devices()
	if err != nil {
		return nil, err
	}
	addrs, err := addresses()
	if err != nil {
		return nil, err
	}
	found := make(map[string]Interface, len(all))
	for _, d := range all {
		has := addrs[d.index()]
		if has == nil {
			has = []netip.Prefix{}
		}
		found[d.name()] = Interface{Type: d.Type(), Alias: d.Attrs().Alias, MTU: d.Attrs().MTU, Up: d.up(), Addresses: has}
	}
	return found, nil
}

// KeepRoutes does what may take an interface away and make it anew, or switch it off
// and on, and makes the routes by it again.
func KeepRoutes(name string, change func() error) error {
	by, err := routesBy(name)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return putBack(name, by)
}

// Add makes an interface of a type that needs no more than its name, marked as
// vpnd's.
func Add(name, kind string) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.GenericLink{LinkAttrs: attrs, LinkType: kind}); err != nil {
		return fmt.Errorf("making the interface: %w", err)
	}
	return Configure(name, Settings{Alias: resource.Ptr(Mark)})
}

// Delete takes an interface of any type away. That it is not there is no error.
func Delete(name string) error {
	all, err := devices()
	if err != nil {
		return err
	}
	if _, there := named(all, name); !there {
		return nil
	}
	return remove(name)
}

// Room wants packets of a tunnel to fit into those of the interface that the
// default route uses, whose headers around them have so many bytes. tight is less,
// where it depends on the peer; between both is a warning.
func Room(mtu, tight, headers int) *resource.Mistake {
	all, err := devices()
	if err != nil {
		return nil
	}
	by := defaultDevices(all)
	if len(by) == 0 {
		return nil
	}
	d, ok := named(all, by[0])
	if !ok || mtu+headers <= d.Attrs().MTU {
		return nil
	}
	return &resource.Mistake{
		Summary: fmt.Sprintf("packets of %d bytes do not fit through %s, which takes %d, with %d bytes of headers around them", mtu, by[0], d.Attrs().MTU, headers),
		Hint:    fmt.Sprintf("write mtu = %d, or leave more room on %s", d.Attrs().MTU-headers, by[0]),
		Warning: mtu+tight <= d.Attrs().MTU,
	}
}

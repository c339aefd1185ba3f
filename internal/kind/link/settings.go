package link

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"vpnd/internal/resource"
)

// Settings are what can be changed on an interface that is there, whatever it is.
type Settings struct {
	Alias     *string
	MTU       *int
	Up        *bool
	Addresses []netip.Prefix
}

// Configure sets those that are given, on an interface of any type. Addresses come
// last: switching an interface off takes its IPv6 addresses away.
func Configure(name string, want Settings) error {
	all, err := devices()
	if err != nil {
		return err
	}
	d, ok := named(all, name)
	if !ok {
		return missing(name)
	}
	if want.Alias != nil && *want.Alias != d.Attrs().Alias {
		if err := netlink.LinkSetAlias(d, *want.Alias); err != nil {
			return fmt.Errorf("setting the alias: %w", err)
		}
	}
	if want.MTU != nil && *want.MTU != d.Attrs().MTU {
		if err := netlink.LinkSetMTU(d, *want.MTU); err != nil {
			return fmt.Errorf("setting the mtu to %d: %w", *want.MTU, err)
		}
	}
	if want.Up != nil && *want.Up != d.up() {
		if err := setUp(d, *want.Up); err != nil {
			return err
		}
	}
	if want.Addresses == nil {
		return nil
	}
	return setAddresses(d, want.Addresses)
}

func setUp(d device, up bool) error {
	set, how := netlink.LinkSetDown, "off"
	if up {
		set, how = netlink.LinkSetUp, "on"
	}
	if err := set(d); err != nil {
		return fmt.Errorf("switching the interface %s: %w", how, err)
	}
	return nil
}

// sorted returns addresses in the order in which they are observed, each once.
func sorted(addresses []netip.Prefix) []netip.Prefix {
	if addresses == nil {
		return nil
	}
	list := slices.Clone(addresses)
	resource.Sort(list, netip.Prefix.Compare)
	return slices.Compact(list)
}

// arrivals are an interface and the networks that it is in.
func arrivals(name string, addresses []netip.Prefix) []resource.ID {
	things := []resource.ID{{Kind: resource.Interface, Name: name}}
	for _, p := range addresses {
		things = append(things, resource.ID{Kind: resource.Network, Name: p.String()})
	}
	return things
}

// parts says whether an address goes with the change.
func parts(got, want []netip.Prefix) bool {
	return want != nil && slices.ContainsFunc(got, func(p netip.Prefix) bool { return !slices.Contains(want, p) })
}

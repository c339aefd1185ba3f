package link

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// routesBy returns the routes that go by an interface and that nobody would
// make again: all but those of the kernel and of router advertisements.
func routesBy(name string) ([]netlink.Route, error) {
	all, err := devices()
	if err != nil {
		return nil, err
	}
	d, ok := named(all, name)
	if !ok {
		return nil, nil
	}
	var by []netlink.Route
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		found, err := routes(family)
		if err != nil {
			return nil, err
		}
		for _, group := range found {
			for _, r := range group {
				if r.LinkIndex == d.index() && r.Protocol != unix.RTPROT_KERNEL && r.Protocol != unix.RTPROT_RA {
					by = append(by, r)
				}
			}
		}
	}
	return by, nil
}

// putBack makes the routes again that the kernel took away with the interface,
// with one of its addresses or while it was off. Those that lead nowhere any
// more stay away.
func putBack(name string, before []netlink.Route) error {
	if len(before) == 0 {
		return nil
	}
	all, err := devices()
	if err != nil {
		return err
	}
	d, ok := named(all, name)
	if !ok || !d.up() {
		return nil
	}
	// A next hop is found by a route without one.
	resource.SortStable(before, func(a, b netlink.Route) int { return cmp.Compare(len(a.Gw), len(b.Gw)) })
	for _, r := range before {
		r.LinkIndex = d.index()
		r.Flags &= unix.RTNH_F_ONLINK // the others tell how it was, and aren't accepted
		err := netlink.RouteAdd(&r)
		switch {
		case err == nil, errors.Is(err, unix.EEXIST), errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EINVAL):
		default:
			return fmt.Errorf("making the route to %s again, which went with the old interface: %w", prefixOf(r.Dst), err)
		}
	}
	return nil
}

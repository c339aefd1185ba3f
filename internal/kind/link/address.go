package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// addresses returns the addresses of every interface by its index, sorted,
// without those that the kernel gives each IPv6 interface by itself.
func addresses() (map[int][]netip.Prefix, error) {
	all, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("listing the addresses: %w", err)
	}
	found := make(map[int][]netip.Prefix)
	for _, a := range all {
		if p := prefixOf(a.IPNet); !p.Addr().Is6() || !p.Addr().IsLinkLocalUnicast() {
			found[a.LinkIndex] = append(found[a.LinkIndex], p)
		}
	}
	for _, list := range found {
		resource.Sort(list, netip.Prefix.Compare)
	}
	return found, nil
}

// setAddresses gives a device these addresses and no others. New ones come
// before old ones go, so that a service stays reachable. With the first address
// of a network the kernel may take the others of that network away, and an
// IPv6 address can't be there twice with different lengths: so it looks again
// and adds what is missing then.
func setAddresses(d device, want []netip.Prefix) error {
	got, err := addressesOf(d)
	if err != nil {
		return err
	}
	if err := addMissing(d, got, want, unix.EEXIST); err != nil {
		return err
	}
	for _, a := range got {
		if p := prefixOf(a.IPNet); slices.Contains(want, p) {
			continue
		}
		// The flags of an address that is there aren't accepted in a request.
		gone := netlink.Addr{IPNet: a.IPNet, Peer: a.Peer}
		if err := netlink.AddrDel(d, &gone); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("taking the address %s away: %w", a.IPNet, err)
		}
	}
	if got, err = addressesOf(d); err != nil {
		return err
	}
	return addMissing(d, got, want, nil)
}

// addMissing adds what is wished and not there; one error may be passed over.
func addMissing(d device, got []netlink.Addr, want []netip.Prefix, passOver error) error {
	for _, p := range want {
		if slices.ContainsFunc(got, func(a netlink.Addr) bool { return prefixOf(a.IPNet) == p }) {
			continue
		}
		err := netlink.AddrAdd(d, &netlink.Addr{IPNet: ipNet(p)})
		if err != nil && !errors.Is(err, passOver) {
			return fmt.Errorf("adding the address %s: %w", p, err)
		}
	}
	return nil
}

// addressesOf returns the addresses of a device that count.
func addressesOf(d device) ([]netlink.Addr, error) {
	all, err := dump(func() ([]netlink.Addr, error) { return netlink.AddrList(d, netlink.FAMILY_ALL) })
	if err != nil {
		return nil, fmt.Errorf("listing the addresses: %w", err)
	}
	return slices.DeleteFunc(all, func(a netlink.Addr) bool { return a.IP.To4() == nil && a.IP.IsLinkLocalUnicast() }), nil
}

func prefixOf(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, length := n.Mask.Size()
	if length == 32 {
		// The library's 0.0.0.0 has sixteen bytes.
		addr = addr.Unmap()
	}
	return netip.PrefixFrom(addr, bits)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

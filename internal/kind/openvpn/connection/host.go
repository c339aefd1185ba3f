package connection

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A device is what the kernel has of the interface.
type device struct {
	there, up bool
	addresses []netip.Addr
	routes    []netip.Prefix // that lead through it, of the main table

	networks []netip.Prefix            // those of its addresses
	others   map[string][]netip.Prefix // the same of other interfaces but tunnels, by their names
}

// look reads what the kernel has of an interface.
func look(name string) (device, error) {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return device{}, nil
	}
	if err != nil {
		return device{}, fmt.Errorf("looking at the interface %s: %w", name, err)
	}
	d := device{there: true, up: link.Attrs().Flags&net.FlagUp != 0, others: make(map[string][]netip.Prefix)}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return device{}, fmt.Errorf("listing the addresses of this host: %w", err)
	}
	for _, a := range addrs {
		addr, ok := netip.AddrFromSlice(a.IP)
		if !ok {
			continue
		}
		if a.LinkIndex == link.Attrs().Index {
			d.addresses, d.networks = append(d.addresses, addr.Unmap()), append(d.networks, network(a))
		} else if other := elsewhere(a.LinkIndex); other != "" {
			d.others[other] = append(d.others[other], network(a))
		}
	}
	routes, err := netlink.RouteList(link, netlink.FAMILY_ALL)
	if err != nil {
		return device{}, fmt.Errorf("listing the routes of %s: %w", name, err)
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		ones, _ := r.Dst.Mask.Size()
		if addr, ok := netip.AddrFromSlice(r.Dst.IP); ok {
			d.routes = append(d.routes, netip.PrefixFrom(addr.Unmap(), ones))
		}
	}
	return d, nil
}

// network is the one that an address brings a route to: of a link with two ends, the
// other end.
func network(a netlink.Addr) netip.Prefix {
	to := a.IPNet
	if a.Peer != nil && a.Peer.IP != nil {
		to = a.Peer
	}
	addr, _ := netip.AddrFromSlice(to.IP)
	bits, _ := to.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits).Masked()
}

// elsewhere is the name of an interface that is neither a tunnel of a program nor the
// loopback; empty for those.
func elsewhere(index int) string {
	link, err := netlink.LinkByIndex(index)
	if err != nil || link.Type() == "tuntap" || link.Attrs().Flags&net.FlagLoopback != 0 {
		return ""
	}
	return link.Attrs().Name
}

// lacking are the networks whose route is gone.
func (d device) lacking(wanted []netip.Prefix) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range wanted {
		if !slices.Contains(d.routes, p.Masked()) {
			all = append(all, p.Masked())
		}
	}
	return all
}

// add makes routes through an interface: there is one peer behind it, so that none needs
// a next hop.
func add(name string, routes []netip.Prefix) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("looking at the interface %s: %w", name, err)
	}
	for _, p := range routes {
		r := netlink.Route{LinkIndex: link.Attrs().Index, Dst: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
		switch err := netlink.RouteAdd(&r); {
		case errors.Is(err, unix.EEXIST):
			return fmt.Errorf("adding the route to %s: another one is there already, see ip route show %[1]s; remove that, or take %[1]s out of routes", p)
		case err != nil:
			return fmt.Errorf("adding the route to %s: %w", p, err)
		}
	}
	return nil
}

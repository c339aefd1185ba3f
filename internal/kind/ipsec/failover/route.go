package failover

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

// protocol marks the routes of failovers. It is not that of the kind route, which has
// one route to each destination. No program is listed with it in the rt_protos of
// iproute2.
const protocol = 143

// A way is a route to a network through an interface.
type way struct {
	to      netip.Prefix
	through string
	metric  int
}

// ways are the routes that there shall be where the connection with that index carries:
// that one's first, and the others' after it.
func (f Failover) ways(carrier int) []way {
	var all []way
	for _, to := range f.Networks {
		next := resource.Or(f.Metric, metric)
		all = append(all, way{to.Masked(), f.Interfaces[carrier], next})
		for i, through := range f.Interfaces {
			if i != carrier {
				next++
				all = append(all, way{to.Masked(), through, next})
			}
		}
	}
	return all
}

// carries returns the index of the connection that packets are routed to, as far as all
// networks go the same way; -1 where they do not.
func (f Failover) carries(there []way) int {
	return slices.IndexFunc(f.Interfaces, func(through string) bool {
		return !slices.ContainsFunc(f.Networks, func(to netip.Prefix) bool {
			return !slices.Contains(there, way{to.Masked(), through, resource.Or(f.Metric, metric)})
		})
	})
}

// laid returns the routes of failovers through these interfaces.
func laid(interfaces []string) ([]way, error) {
	indexes := make(map[int]string)
	for _, name := range interfaces {
		if link, err := net.InterfaceByName(name); err == nil {
			indexes[link.Index] = name
		}
	}
	all, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return nil, fmt.Errorf("listing the routes: %w", err)
	}
	var there []way
	for _, r := range all {
		if name, ours := indexes[r.LinkIndex]; ours {
			there = append(there, way{prefixOf(r), name, r.Priority})
		}
	}
	return there, nil
}

// prefixOf is where a route leads; the library leaves out the whole world.
func prefixOf(r netlink.Route) netip.Prefix {
	if r.Dst != nil {
		if addr, ok := netip.AddrFromSlice(r.Dst.IP); ok {
			ones, _ := r.Dst.Mask.Size()
			return netip.PrefixFrom(addr.Unmap(), ones)
		}
	}
	if r.Family == unix.AF_INET6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

// lay makes the routes be these, where those are there. A route that has the same
// metric is replaced in one go, so that no packet goes astray.
func lay(ways, there []way) error {
	for _, w := range ways {
		if slices.Contains(there, w) {
			continue
		}
		r, err := w.route()
		if err != nil {
			return err
		}
		if err := netlink.RouteReplace(&r); err != nil {
			return fmt.Errorf("routing %s through %s: %w", w.to, w.through, err)
		}
	}
	return unroute(slices.DeleteFunc(slices.Clone(there), func(w way) bool {
		// One with that metric was replaced.
		return slices.ContainsFunc(ways, func(o way) bool { return o.to == w.to && o.metric == w.metric })
	}))
}

// unroute takes routes away. That one is not there is no error.
func unroute(ways []way) error {
	var errs []error
	for _, w := range ways {
		r, err := w.route()
		if err != nil { // its interface is gone, and it with it
			continue
		}
		if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("removing the route to %s through %s: %w", w.to, w.through, err))
		}
	}
	return errors.Join(errs...)
}

func (w way) route() (netlink.Route, error) {
	link, err := net.InterfaceByName(w.through)
	if err != nil {
		return netlink.Route{}, fmt.Errorf("looking for the interface %s: %w", w.through, err)
	}
	dst := &net.IPNet{IP: w.to.Addr().AsSlice(), Mask: net.CIDRMask(w.to.Bits(), w.to.Addr().BitLen())}
	r := netlink.Route{Dst: dst, LinkIndex: link.Index, Priority: w.metric, Protocol: protocol}
	if w.to.Addr().Is4() {
		r.Scope = netlink.SCOPE_LINK
	}
	return r, nil
}

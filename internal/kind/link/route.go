package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/resource"
)

// RouteTraits are what routes are.
var RouteTraits = resource.Traits{NeedsHost: true, Guards: true}

// Protocol marks the routes that vpnd makes. No program is listed with it in
// the rt_protos of iproute2.
const Protocol = 142

// RouteVerbs converge routes in the network namespace of the caller.
type RouteVerbs struct{}

// Observe reads one list of interfaces, and one of the routes of each family
// that is asked for.
func (RouteVerbs) Observe(ctx context.Context, wants map[string]*Route) (map[string]*Route, error) {
	all, err := devices()
	if err != nil {
		return nil, err
	}
	tables := make(map[int]map[target][]netlink.Route)
	return resource.ObserveEach(ctx, wants, func(name string, _ *Route) (*Route, error) {
		to, bad := parseTarget(name)
		if bad != nil {
			return nil, bad
		}
		family := to.family()
		if tables[family] == nil {
			if tables[family], err = routes(family); err != nil {
				return nil, err
			}
		}
		if r, ok := itself(to, tables[family][to]); ok {
			return shapeOf(r, all), nil
		}
		return nil, nil
	})
}

// routes returns the routes of all tables by where they lead.
func routes(family int) (map[target][]netlink.Route, error) {
	all, err := dump(func() ([]netlink.Route, error) {
		// The filter on table 0 is the library's word for all of them.
		return netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, fmt.Errorf("listing the routes: %w", err)
	}
	found := make(map[target][]netlink.Route)
	for _, r := range all {
		to := target{prefixOf(r.Dst), r.Table}
		found[to] = append(found[to], r)
	}
	return found, nil
}

// itself returns the route that the target's name stands for: see [Route].
func itself(to target, there []netlink.Route) (netlink.Route, bool) {
	var found []netlink.Route
	for _, r := range there {
		if ours(r) {
			found = append(found, r)
		}
	}
	if found == nil && to.dst.Bits() > 0 {
		for _, r := range there {
			if handMade(r) && r.Priority == to.metric() {
				found = append(found, r)
			}
		}
	}
	if found == nil {
		return netlink.Route{}, false
	}
	return slices.MinFunc(found, func(a, b netlink.Route) int { return a.Priority - b.Priority }), true
}

func ours(r netlink.Route) bool { return int(r.Protocol) == Protocol }

// handMade says whether somebody typed the route or wrote it into a
// configuration, and the shape can hold all of it, so that it can be given back.
func handMade(r netlink.Route) bool {
	byHand := r.Protocol == unix.RTPROT_BOOT || r.Protocol == unix.RTPROT_STATIC
	return byHand && r.Type == unix.RTN_UNICAST && r.Tos == 0 && r.MultiPath == nil && r.Src == nil && r.Encap == nil &&
		r.Via == nil && r.MTU == 0 && r.AdvMSS == 0 && r.Flags&unix.RTNH_F_ONLINK == 0
}

func shapeOf(r netlink.Route, all []device) *Route {
	var dev string
	for _, d := range all {
		if d.index() == r.LinkIndex {
			dev = d.name()
		}
	}
	via, _ := netip.AddrFromSlice(r.Gw)
	return &Route{Via: &via, Dev: &dev, Metric: &r.Priority, Table: &r.Table, Protocol: resource.Ptr(int(r.Protocol))}
}

// Check refuses a route that the kernel can't hold beside one of somebody else.
func (RouteVerbs) Check(_ context.Context, name string, want Route) error {
	to, bad := parseTarget(name)
	if bad != nil {
		return bad
	}
	there, err := routes(to.family())
	if err != nil {
		return err
	}
	_, err = plan(to, there[to], want)
	return err
}

// A move is what makes a route as it shall be.
type move struct {
	metric int             // of the new one
	gone   []netlink.Route // those that it takes the place of, with other metrics
}

// plan says how to make the route, or why it can't be.
func plan(to target, there []netlink.Route, want Route) (move, error) {
	it, found := itself(to, there)
	m := move{metric: to.metric()}
	if found {
		m.metric = it.Priority
	}
	if want.Metric != nil {
		m.metric = *want.Metric
	}
	for _, r := range there {
		mine := ours(r) || found && r.Equal(it)
		switch {
		case mine && r.Priority != m.metric:
			m.gone = append(m.gone, r)
		case !mine && r.Priority == m.metric && r.Tos == 0:
			return m, fmt.Errorf("another route to %s with metric %d is there already, made by %s; remove it, or give this one another metric", to, m.metric, r.Protocol)
		}
	}
	return m, nil
}

// Apply makes each as its item says.
func (RouteVerbs) Apply(_ context.Context, items []resource.Item[Route]) error {
	return resource.ApplyEach(items, func(i resource.Item[Route]) error { return applyRoute(i.Name, i.Got, i.Want) })
}

// Remove takes away what vpnd made and nothing else.
func (RouteVerbs) Remove(_ context.Context, names []string) error {
	return resource.RemoveEach(names, removeRoute)
}

// applyRoute makes the new route before it takes the old one away, or changes it in
// place, so that no packet goes astray.
func applyRoute(name string, got *Route, want Route) error {
	to, bad := parseTarget(name)
	if bad != nil {
		return bad
	}
	there, err := routes(to.family())
	if err != nil {
		return err
	}
	m, err := plan(to, there[to], want)
	if err != nil {
		return err
	}
	r, err := kernelRoute(to, got, want)
	if err != nil {
		return err
	}
	r.Priority = m.metric
	if err := netlink.RouteReplace(&r); err != nil {
		return explain(err, want)
	}
	for i := range m.gone {
		if err := netlink.RouteDel(&m.gone[i]); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("removing the route with metric %d: %w", m.gone[i].Priority, err)
		}
	}
	return nil
}

// kernelRoute says the wish in the kernel's words. Next hop and interface
// belong together: where one of them changes, the other isn't kept.
func kernelRoute(to target, got *Route, want Route) (netlink.Route, error) {
	r := netlink.Route{Dst: ipNet(to.dst), Table: to.table, Protocol: Protocol}
	if want.Protocol != nil {
		r.Protocol = netlink.RouteProtocol(*want.Protocol)
	}
	via, dev := want.Via, want.Dev
	if got != nil && !differs(got.Via, via) && !differs(got.Dev, dev) {
		via, dev = got.Via, got.Dev
	}
	if via != nil && via.IsValid() {
		r.Gw = net.IP(via.AsSlice())
	}
	if dev == nil || *dev == "" {
		return r, nil
	}
	all, err := devices()
	if err != nil {
		return r, err
	}
	d, ok := named(all, *dev)
	if !ok {
		return r, missing(*dev)
	}
	r.LinkIndex = d.index()
	if r.Gw == nil && to.family() == netlink.FAMILY_V4 {
		r.Scope = unix.RT_SCOPE_LINK
	}
	return r, nil
}

// explain adds the way out to what the kernel says.
func explain(err error, want Route) error {
	switch {
	case errors.Is(err, unix.ENETDOWN) && want.Dev != nil:
		return fmt.Errorf("adding the route: %w: the interface %s is switched off; set up = true in its block, or wait for what makes it", err, *want.Dev)
	case errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH):
		if want.Via != nil {
			return fmt.Errorf("adding the route: %w: no interface has a network with the next hop %s in it; give that interface an address first", err, *want.Via)
		}
	}
	return fmt.Errorf("adding the route: %w", err)
}

// removeRoute takes away what vpnd made and nothing else.
func removeRoute(name string) error {
	to, bad := parseTarget(name)
	if bad != nil {
		return bad
	}
	there, err := routes(to.family())
	if err != nil {
		return err
	}
	for _, r := range there[to] {
		if !ours(r) {
			continue
		}
		if err := netlink.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("removing the route: %w", err)
		}
	}
	return nil
}

// Cost is a tunnel's where traffic that has a way loses it or gets another.
func (RouteVerbs) Cost(_ string, got, want *Route) resource.Effect {
	if got == nil {
		return resource.None
	}
	if want == nil || differs(got.Via, want.Via) || differs(got.Dev, want.Dev) {
		return resource.Tunnel
	}
	return resource.None
}

// Marked says whether the route bears vpnd's protocol number.
func (RouteVerbs) Marked(_ string, got *Route) bool { return *got.Protocol == Protocol }

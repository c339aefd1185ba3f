package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/process"
	"vpnd/internal/resource"
)

// What blocks may require of the interfaces and routes of the host. Each returns
// nil where the host is as it has to be. What can't be read is no objection: the
// plan tells of that elsewhere.

// later begins the names of interfaces that come and go with a connection.
var later = []string{"tun", "tap", "ppp", "wg", "wwan", "ipsec", "xfrm", "vti", "gre"}

// Present wants an interface to be there, or to be made by the plan.
func Present(name string, plan resource.Prospect) *resource.Mistake {
	all, err := devices()
	if _, there := named(all, name); err != nil || there || plan.Comes(resource.Interface, name) {
		return nil
	}
	m := &resource.Mistake{Summary: fmt.Sprintf("no interface %s here", name), Hint: "write one that ip -brief link lists"}
	switch by := defaultDevices(all); {
	case slices.ContainsFunc(later, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
		m.Warning, m.Hint = true, "nothing goes through it before it comes"
	case len(by) > 0:
		m.Summary += "; the default route uses " + strings.Join(by, " and ")
		m.Hint = "write " + by[0] + ", or another one that ip -brief link lists"
	}
	return m
}

// defaultDevices returns the interfaces of the default routes, the preferred first.
func defaultDevices(all []device) []string {
	var found []netlink.Route
	for _, to := range []target{{defaultRoute, unix.RT_TABLE_MAIN}, {netip.MustParsePrefix("::/0"), unix.RT_TABLE_MAIN}} {
		if there, err := routes(to.family()); err == nil {
			found = append(found, there[to]...)
		}
	}
	resource.SortStable(found, func(a, b netlink.Route) int { return a.Priority - b.Priority })
	var names []string
	for _, r := range found {
		for _, d := range all {
			if d.index() == r.LinkIndex && !slices.Contains(names, d.name()) {
				names = append(names, d.name())
			}
		}
	}
	return names
}

// Local wants an interface to have an address, or one that the plan makes.
func Local(addr netip.Addr, plan resource.Prospect) *resource.Mistake {
	if addr.IsLoopback() || addr.IsUnspecified() {
		return nil
	}
	all, err := addresses()
	if err != nil || addr.IsLinkLocalUnicast() {
		return nil
	}
	var same []string
	for _, list := range all {
		for _, p := range list {
			switch {
			case p.Addr() == addr:
				return nil
			case p.Addr().Is4() == addr.Is4() && !p.Addr().IsLoopback():
				same = append(same, p.Addr().String())
			}
		}
	}
	slices.Sort(same)
	hint := "give it to one first, or choose another one"
	if len(same) > 0 && len(same) <= 8 {
		hint = "this host has " + strings.Join(same, ", ")
	}
	m := resource.Mistake{Summary: fmt.Sprintf("no interface has the address %s", addr), Hint: hint}
	return plan.Lacking(m, inNetworks(plan, func(p netip.Prefix) bool { return p.Addr() == addr })...)
}

// Free wants nobody else to use a network that shall be behind an interface which
// one of the units makes; what the others of them make is theirs as well.
func Free(network netip.Prefix, dev string, units []string, plan resource.Prospect) *resource.Mistake {
	all, err := devices()
	if err != nil {
		return nil
	}
	addrs, err := addresses()
	if err != nil {
		return nil
	}
	mine := make(map[int]bool)            // interfaces that are its own, or go
	given := make(map[int][]netip.Prefix) // networks that an interface gives up
	for _, d := range all {
		mine[d.index()] = d.name() == dev || leaves(d.name(), plan) || goes(d, units, plan)
	}
	for _, d := range all {
		for _, p := range addrs[d.index()] {
			switch {
			case mine[d.index()] || !p.Overlaps(network):
			case givesUp(d.name(), p, plan):
				given[d.index()] = append(given[d.index()], p.Masked())
			default:
				return taken(network, p.Masked(), "the network of "+d.name(), true)
			}
		}
	}
	there, err := routes(target{dst: network}.family())
	if err != nil {
		return nil
	}
	var worst *resource.Mistake
	for to, some := range there {
		if to.table != unix.RT_TABLE_MAIN || to.dst.Bits() == 0 || !to.dst.Overlaps(network) {
			continue
		}
		for _, r := range some {
			if mine[r.LinkIndex] || slices.Contains(given[r.LinkIndex], to.dst) || r.Type != unix.RTN_UNICAST || ours(r) {
				continue
			}
			m := taken(network, to.dst, "a route of this host", to.dst == network)
			if worst == nil || worst.Warning && !m.Warning {
				worst = m
			}
		}
	}
	return worst
}

// leaves says whether the plan takes an interface away, which makes room for another.
func leaves(name string, plan resource.Prospect) bool {
	return slices.ContainsFunc(kinds, func(kind string) bool { return plan.Leaves(kind, name) })
}

// kinds are those whose things are interfaces with addresses.
var kinds = []string{"tun", "xfrm_interface", "wireguard_interface"}

// givesUp says whether the plan takes an address from an interface: it changes the
// interface, and that does not bring the address.
func givesUp(name string, addr netip.Prefix, plan resource.Prospect) bool {
	return slices.ContainsFunc(kinds, func(kind string) bool {
		change, changes := plan.Coming[resource.ID{Kind: kind, Name: name}]
		arrival, comes := plan.Coming[resource.ID{Kind: resource.Network, Name: addr.String()}]
		return changes && !(comes && arrival.Step == change.Step)
	})
}

// goes says whether whoever holds a tun interface ends, or is started anew.
func goes(d device, units []string, plan resource.Prospect) bool {
	if d.offloads() {
		return process.Running(func(unit string) bool { return slices.Contains(units, unit) || plan.Leaves("unit", unit) })
	}
	if d.tun == nil {
		return false
	}
	held := process.Attached(d.name())
	return len(held) > 0 && !slices.ContainsFunc(held, func(h process.Holder) bool {
		return !slices.Contains(units, h.Unit) && !plan.Leaves("unit", h.Unit)
	})
}

// offloads says whether an OpenVPN has the kernel carry its data by the interface (DCO):
// by the module ovpn-dco-v2, or ovpn from Linux 6.16 on. Whose it is nobody tells.
func (d device) offloads() bool { return d.Type() == "ovpn-dco" || d.Type() == "ovpn" }

func taken(network, other netip.Prefix, what string, fatal bool) *resource.Mistake {
	how := "overlaps with"
	switch {
	case network == other:
		how = "is"
	case other.Contains(network.Addr()) && other.Bits() < network.Bits():
		how = "lies inside of"
	}
	m := &resource.Mistake{
		Summary: fmt.Sprintf("%s %s %s, %s", network, how, other, what),
		Hint:    "packets of one would go to the other; choose a network that nobody here uses",
		Warning: !fatal,
	}
	if m.Warning {
		m.Hint = "what that leads to can't be reached where both have the same addresses"
	}
	return m
}

// Unused wants an interface name to be free for a unit: not there, or there as a
// tun that the unit has itself or can attach to.
func Unused(dev string, units []string, plan resource.Prospect) *resource.Mistake {
	all, err := devices()
	if err != nil {
		return nil
	}
	d, there := named(all, dev)
	if !there {
		return nil
	}
	const hint = "give the server another dev, as in tun7"
	if d.offloads() {
		if goes(d, units, plan) {
			return nil
		}
		return &resource.Mistake{Summary: fmt.Sprintf("the interface %s is taken by another OpenVPN", dev), Hint: hint + ", or stop that one first"}
	}
	if d.tun == nil {
		return &resource.Mistake{Summary: fmt.Sprintf("there is an interface %s already, which is no tun but a %s", dev, d.Type()), Hint: hint}
	}
	if d.tun.tap {
		return &resource.Mistake{Summary: fmt.Sprintf("there is an interface %s already, which is no tun but a tap", dev), Hint: hint}
	}
	for _, h := range process.Attached(dev) {
		if !slices.Contains(units, h.Unit) && !plan.Leaves("unit", h.Unit) && !d.tun.multiQueue {
			return &resource.Mistake{Summary: fmt.Sprintf("the interface %s is taken by %s", dev, h), Hint: hint + ", or stop that one first"}
		}
	}
	return nil
}

// inNetworks are the networks that come with the plan and fit, or else any.
func inNetworks(plan resource.Prospect, fits func(netip.Prefix) bool) []resource.ID {
	all := []resource.ID{{Kind: resource.Network}}
	for id := range plan.Coming {
		if p, err := netip.ParsePrefix(id.Name); id.Kind == resource.Network && err == nil && fits(p) {
			all = append(all, id)
		}
	}
	return all
}

// Preflight wants the way that a route shall go to be there: its interface, and
// the next hop on one of the networks of the host.
func (RouteVerbs) Preflight(_ context.Context, name string, want Route, plan resource.Prospect) error {
	to, bad := parseTarget(name)
	if bad != nil {
		return bad
	}
	all, err := devices()
	if err != nil {
		return err
	}
	out := 0
	if want.Dev != nil && *want.Dev != "" {
		d, there := named(all, *want.Dev)
		if !there {
			if m := comes(*want.Dev, plan); m != nil {
				return m
			}
			out = noInterface
		} else {
			out = d.index()
		}
	}
	if want.Via == nil || !want.Via.IsValid() {
		return nil
	}
	on, err := onLink(*want.Via, out, to.family())
	if err != nil || on {
		return err
	}
	m := resource.Mistake{
		Path: "via", Summary: fmt.Sprintf("no interface has a network with the next hop %s in it", *want.Via),
		Hint: "give that interface an address first, or name a next hop on a network that ip -brief address lists",
	}
	return plan.Lacking(m, inNetworks(plan, func(p netip.Prefix) bool { return p.Contains(*want.Via) })...).Err()
}

// noInterface is the index of an interface that is not there yet.
const noInterface = -1

// comes wants an interface that is not there to come with the plan.
func comes(dev string, plan resource.Prospect) *resource.Mistake {
	m := resource.Mistake{
		Path: "dev", Summary: "there is no interface " + dev,
		Hint: "name one that ip -brief link lists, or add the block that makes it",
	}
	return plan.Lacking(m, resource.ID{Kind: resource.Interface, Name: dev})
}

// onLink says whether an address is on a network of an interface, of any where
// out is 0.
func onLink(addr netip.Addr, out, family int) (bool, error) {
	there, err := routes(family)
	if err != nil {
		return false, err
	}
	if addr.IsLinkLocalUnicast() {
		return out != 0, nil
	}
	for to, some := range there {
		if !to.dst.Contains(addr) {
			continue
		}
		for _, r := range some {
			if r.Gw == nil && r.Via == nil && r.Type == unix.RTN_UNICAST && (out == 0 || r.LinkIndex == out) {
				return true, nil
			}
		}
	}
	return false, nil
}

// Preflight wants who may attach to be known.
func (TunVerbs) Preflight(_ context.Context, _ string, want Tun, plan resource.Prospect) error {
	names, err := atomic.ReadNames("/")
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range []struct {
		kind   string
		name   *string
		number func(string) (int, error)
	}{{resource.User, want.User, names.UID}, {resource.Group, want.Group, names.GID}} {
		if a.name == nil || *a.name == "" {
			continue
		}
		if _, err := a.number(*a.name); err != nil {
			m := resource.Mistake{Path: a.kind, Summary: fmt.Sprintf("this host has no %s %q", a.kind, *a.name), Hint: "create it first, or give a number"}
			errs = append(errs, plan.Lacking(m, resource.ID{Kind: a.kind, Name: *a.name}).Err())
		}
	}
	return errors.Join(errs...)
}

// Brings is the interface, and the networks that it is in.
func (TunVerbs) Brings(name string, _, want *Tun) (things []resource.ID, may []string) {
	return arrivals(name, want.Addresses), nil
}

// Brings is a network that next hops may be in, where there is none on the way.
func (RouteVerbs) Brings(name string, _, want *Route) (things []resource.ID, may []string) {
	if to, bad := parseTarget(name); bad == nil && (want.Via == nil || !want.Via.IsValid()) {
		things = []resource.ID{{Kind: resource.Network, Name: to.dst.String()}}
	}
	return things, nil
}

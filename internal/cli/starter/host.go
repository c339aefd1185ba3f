package starter

import (
	"net/netip"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// surroundings are what a host has that a starter has to fit.
type surroundings struct {
	defaults []route // default routes, the best first, IPv4 before IPv6
	used     []netip.Prefix
	own      map[string][]netip.Prefix // addresses by interface
	virtual  map[string]bool           // interfaces that other programs made: bridges of containers, tunnels
}

type route struct {
	dev    string
	via    netip.Addr
	metric int
	six    bool
	ra     bool // the kernel has it from a router advertisement
}

// look reads what the kernel knows.
func look() (surroundings, error) {
	s := surroundings{own: make(map[string][]netip.Prefix), virtual: make(map[string]bool)}
	links, err := netlink.LinkList()
	if err != nil {
		return s, err
	}
	names := make(map[int]string)
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		s.virtual[l.Attrs().Name] = !slices.Contains([]string{"device", "vlan", "bond"}, l.Type())
	}
	addrs, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return s, err
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.IPNet.String()); err == nil {
			s.own[names[a.LinkIndex]] = append(s.own[names[a.LinkIndex]], p)
			s.used = append(s.used, p.Masked())
		}
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteList(nil, family)
		if err != nil {
			return s, err
		}
		s.routes(routes, names, family == netlink.FAMILY_V6)
	}
	return s, nil
}

// routes sorts routes of one family into those to everywhere and others.
func (s *surroundings) routes(routes []netlink.Route, names map[int]string, six bool) {
	var defaults []route
	for _, r := range routes {
		if r.Dst != nil {
			if p, err := netip.ParsePrefix(r.Dst.String()); err == nil && p.Bits() > 0 {
				s.used = append(s.used, p)
				continue
			}
		}
		hops := []netlink.NexthopInfo{{LinkIndex: r.LinkIndex, Gw: r.Gw}}
		for _, hop := range r.MultiPath {
			hops = append(hops, *hop)
		}
		for _, hop := range hops {
			if via, _ := netip.AddrFromSlice(hop.Gw); names[hop.LinkIndex] != "" {
				dev := names[hop.LinkIndex]
				defaults = append(defaults, route{dev, via.Unmap(), r.Priority, six, r.Protocol == unix.RTPROT_RA && accepts(dev)})
			}
		}
	}
	sort.SliceStable(defaults, func(i, j int) bool { return defaults[i].metric < defaults[j].metric })
	s.defaults = append(s.defaults, defaults...)
}

// accepts says whether the kernel itself heeds router advertisements there.
func accepts(dev string) bool {
	value, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + dev + "/accept_ra")
	return err == nil && strings.TrimSpace(string(value)) != "0"
}

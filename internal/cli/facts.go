package cli

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// facts are what a starter configuration says of this host.
type facts struct {
	uplink  string         // the interface of the default route
	address netip.Addr     // what clients dial; invalid where only a name will do
	network netip.Prefix   // of the VPN, which nothing here uses
	behind  []netip.Prefix // what clients reach; none for the whole world
	ra      bool           // the kernel learns the default route from router advertisements
	says    []string       // what people should know
}

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

// candidates are networks for a VPN, in the order in which they are proposed.
func candidates() []netip.Prefix {
	all := []netip.Prefix{}
	for _, pattern := range []string{"10.%d.0.0/24", "172.27.%d.0/24", "192.168.%d.0/24"} {
		for n := 8; n < 256; n++ {
			all = append(all, netip.MustParsePrefix(fmt.Sprintf(pattern, n)))
		}
	}
	return all
}

// starterFor chooses what a starter says of a host.
func starterFor(s surroundings) facts {
	f := facts{uplink: "eth0", network: candidates()[0]}
	for _, network := range candidates() {
		if !slices.ContainsFunc(s.used, network.Overlaps) {
			f.network = network
			break
		}
	}
	if f.network != candidates()[0] {
		f.says = append(f.says, fmt.Sprintf("%s is in use on this host, so the VPN has %s", candidates()[0], f.network))
	}
	if len(s.defaults) == 0 {
		f.says = append(f.says, "this host has no default route, so the uplink in the file is a guess")
		return f
	}
	best := s.defaults[0]
	f.uplink, f.ra = best.dev, best.ra
	f.says = append(f.says, others(s.defaults)...)
	for _, addr := range s.own[best.dev] {
		if addr.Addr().Is6() == best.six && addr.Addr().IsGlobalUnicast() {
			f.address = addr.Addr()
			break
		}
	}
	if f.address.IsPrivate() {
		f.says = append(f.says, fmt.Sprintf("%s is a private address; where clients come from elsewhere, write the public name or address for remote, and forward the port to this host", f.address))
	}
	f.behind = s.private(best.dev)
	return f
}

// others tells of the default routes that were not taken.
func others(defaults []route) []string {
	best := defaults[0]
	var words []string
	for _, r := range defaults[1:] {
		if r.dev != best.dev && r.six == best.six && !slices.Contains(words, r.String()) {
			words = append(words, r.String())
		}
	}
	if len(words) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("this host has several default routes; the uplink in the file is that of the best one, %s, and not %s", best, strings.Join(words, ", "))}
}

func (r route) String() string {
	if !r.via.IsValid() {
		return fmt.Sprintf("dev %s metric %d", r.dev, r.metric)
	}
	return fmt.Sprintf("dev %s via %s metric %d", r.dev, r.via, r.metric)
}

// private are the private IPv4 networks that the host is in by a cable: what a
// VPN into an office is for.
func (s surroundings) private(uplink string) []netip.Prefix {
	var all []netip.Prefix
	for dev, addrs := range s.own {
		if s.virtual[dev] && dev != uplink {
			continue
		}
		for _, a := range addrs {
			if a.Addr().Is4() && a.Addr().IsPrivate() && a.Bits() < 32 && !slices.Contains(all, a.Masked()) {
				all = append(all, a.Masked())
			}
		}
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return all
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
	slices.SortStableFunc(defaults, func(a, b route) int { return a.metric - b.metric })
	s.defaults = append(s.defaults, defaults...)
}

// accepts says whether the kernel itself heeds router advertisements there.
func accepts(dev string) bool {
	value, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + dev + "/accept_ra")
	return err == nil && strings.TrimSpace(string(value)) != "0"
}

// resolver is whom clients ask for names where all that they send comes through
// here: whom this host asks, unless that is itself.
func resolver(resolvConf string, six bool) netip.Addr {
	data, _ := os.ReadFile(resolvConf)
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil && addr.IsGlobalUnicast() && addr.Is6() == six && addr.Zone() == "" {
			return addr
		}
	}
	if six {
		return netip.MustParseAddr("2620:fe::fe")
	}
	return netip.MustParseAddr("9.9.9.9")
}

package starter

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// Facts are what a starter configuration says of this host.
type Facts struct {
	uplink  string         // the interface of the default route
	address netip.Addr     // what clients dial; invalid where only a name will do
	network netip.Prefix   // of the VPN, which nothing here uses
	behind  []netip.Prefix // what clients reach; none for the whole world
	routed  bool           // there is a default route
	ra      bool           // the kernel learns the default route from router advertisements
	Says    []string       // what people should know
	dialed  []string       // what they should know where others dial in
}

// About returns what people should know of a starter of that kind.
func (f Facts) About(kind string) []string {
	if kind == "openvpn" || kind == "wireguard" {
		return append(slices.Clone(f.Says), f.dialed...)
	}
	return f.Says
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

// choose chooses what a starter says of a host.
func choose(s surroundings) Facts {
	f := Facts{uplink: "eth0", network: candidates()[0]}
	for _, network := range candidates() {
		if !slices.ContainsFunc(s.used, network.Overlaps) {
			f.network = network
			break
		}
	}
	if f.network != candidates()[0] {
		f.dialed = append(f.dialed, fmt.Sprintf("%s is in use on this host, so the VPN has %s", candidates()[0], f.network))
	}
	if len(s.defaults) == 0 {
		f.Says = append(f.Says, "this host has no default route, so the uplink in the file is a guess")
		return f
	}
	best := s.defaults[0]
	f.uplink, f.ra, f.routed = best.dev, best.ra, true
	f.Says = append(f.Says, others(s.defaults)...)
	for _, addr := range s.own[best.dev] {
		if addr.Addr().Is6() == best.six && addr.Addr().IsGlobalUnicast() {
			f.address = addr.Addr()
			break
		}
	}
	if f.address.IsPrivate() {
		f.dialed = append(f.dialed, fmt.Sprintf("%s is a private address; where clients come from elsewhere, write the public name or address for remote, and forward the port to this host", f.address))
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
	sort.Slice(all, func(i, j int) bool { return all[i].Addr().Less(all[j].Addr()) })
	return all
}

package confirm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// gateways returns probes of the default gateways: that one answers a ping, and
// that its link address is known, for many don't answer pings.
func gateways() []Probe {
	var probes []Probe
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if err != nil {
			continue // then nobody knows of a gateway that works
		}
		for _, r := range routes {
			if r.Dst != nil && !r.Dst.IP.IsUnspecified() {
				continue
			}
			for _, hop := range hops(r) {
				probes = append(probes, gateway(hop)...)
			}
		}
	}
	return probes
}

// A hop is a neighbour that packets are handed to.
type hop struct {
	addr netip.Addr
	link int
}

func hops(r netlink.Route) []hop {
	var all []hop
	add := func(ip net.IP, link int) {
		if addr, ok := netip.AddrFromSlice(ip); ok {
			all = append(all, hop{addr.Unmap(), link})
		}
	}
	add(r.Gw, r.LinkIndex)
	for _, next := range r.MultiPath {
		add(next.Gw, next.LinkIndex)
	}
	return all
}

func gateway(h hop) []Probe {
	addr := h.addr
	if link, err := net.InterfaceByIndex(h.link); err == nil && addr.IsLinkLocalUnicast() && addr.Is6() {
		addr = addr.WithZone(link.Name)
	}
	return []Probe{
		pingProbe("the gateway", addr),
		{Name: fmt.Sprintf("the gateway %s was there on its link", addr), Try: func(context.Context) error { return h.present(addr) }},
	}
}

// present makes the kernel look for the neighbour and says what it knows of it
// so far.
func (h hop) present(addr netip.Addr) error {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9))) // discard, RFC 863
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("vpnd")); err != nil {
		return err
	}
	neighbours, err := netlink.NeighList(h.link, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("listing neighbours: %w", err)
	}
	for _, n := range neighbours {
		if known, _ := netip.AddrFromSlice(n.IP); known.Unmap() == h.addr && n.State&(unix.NUD_FAILED|unix.NUD_INCOMPLETE) == 0 {
			return nil
		}
	}
	return errors.New("it does not tell its link address")
}

package confirm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

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
		{Name: fmt.Sprintf("the gateway %s was there on its link", addr), Try: func(ctx context.Context) error { return h.present(ctx, addr) }},
	}
}

// present makes the kernel look for the neighbour, and waits until it is found.
func (h hop) present(ctx context.Context, addr netip.Addr) error {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, 9))) // discard, RFC 863
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("vpnd")); err != nil {
		return err
	}
	for {
		if known, err := h.known(); known || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.New("it does not tell its link address")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// known says whether the kernel has the neighbour's link address.
func (h hop) known() (bool, error) {
	neighbours, err := netlink.NeighList(h.link, netlink.FAMILY_ALL)
	if err != nil {
		return false, fmt.Errorf("listing neighbours: %w", err)
	}
	for _, n := range neighbours {
		if addr, _ := netip.AddrFromSlice(n.IP); addr.Unmap() == h.addr {
			return n.State&(unix.NUD_FAILED|unix.NUD_INCOMPLETE) == 0, nil
		}
	}
	return false, nil
}

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A nic is one end of a link: what is needed to plug it in again after its host
// was started anew.
type nic struct {
	name  string
	addrs []netip.Prefix
}

// Link joins two hosts with a cable (a veth pair): an interface on each, up
// and addressed. The interfaces survive Stop and Start, as cards and cables do:
// the other end just loses its carrier meanwhile.
func (l *Lab) Link(a *Host, ifA string, addrA netip.Prefix, b *Host, ifB string, addrB netip.Prefix) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := pair(a.ns, ifA, b.ns, ifB); err != nil {
		return fmt.Errorf("linking %s of %s with %s of %s: %w", ifA, a.name, ifB, b.name, err)
	}
	return errors.Join(a.plug(nic{ifA, []netip.Prefix{addrA}}), b.plug(nic{ifB, []netip.Prefix{addrB}}))
}

// Join plugs the host into a switch, which is made when it is first named: a
// network of as many hosts as one likes. The interface on the host is up, has
// the addresses, and survives Stop and Start.
func (l *Lab) Join(network string, h *Host, ifname string, addrs ...netip.Prefix) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.join(network, h, ifname); err != nil {
		return fmt.Errorf("joining %s of %s to the network %s: %w", ifname, h.name, network, err)
	}
	return h.plug(nic{ifname, addrs})
}

func (l *Lab) join(network string, h *Host, ifname string) error {
	s := l.switches[network]
	if s == nil {
		var err error
		if s, err = newSwitch(); err != nil {
			return err
		}
		l.switches[network] = s
	}
	links, err := s.link.LinkList()
	if err != nil {
		return err
	}
	port := fmt.Sprintf("port%d", len(links))
	if err := pair(h.ns, ifname, s, port); err != nil {
		return err
	}
	p, err := s.link.LinkByName(port)
	if err != nil {
		return err
	}
	bridge, err := s.link.LinkByName("bridge")
	if err != nil {
		return err
	}
	return errors.Join(s.link.LinkSetMaster(p, bridge), s.link.LinkSetUp(p))
}

// newSwitch makes a network namespace with nothing but a bridge in it.
func newSwitch() (*netns, error) {
	s, err := newNetns()
	if err != nil {
		return nil, err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge"}}
	if err := errors.Join(s.link.LinkAdd(bridge), s.link.LinkSetUp(bridge)); err != nil {
		s.close()
		return nil, fmt.Errorf("making a bridge: %w", err)
	}
	return s, nil
}

// pair makes a veth pair right inside the two namespaces, so that neither end
// ever has a name on the machine.
func pair(a *netns, ifA string, b *netns, ifB string) error {
	return a.link.LinkAdd(&netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: ifA},
		PeerName:      ifB,
		PeerNamespace: netlink.NsFd(b.fd()),
	})
}

// Route adds a route to dst through the neighbour via, now and after each
// Start.
func (h *Host) Route(dst netip.Prefix, via netip.Addr) error {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	r := route{dst, via}
	if err := h.ns.addRoute(r); err != nil {
		return fmt.Errorf("adding to %s: %w", h.name, err)
	}
	h.routes = append(h.routes, r)
	return nil
}

type route struct {
	dst netip.Prefix
	via netip.Addr
}

func (n *netns) addRoute(r route) error {
	err := n.link.RouteAdd(&netlink.Route{Dst: ipNet(r.dst.Masked()), Gw: r.via.AsSlice()})
	if err != nil {
		return fmt.Errorf("the route to %s via %s: %w", r.dst, r.via, err)
	}
	return nil
}

// plug addresses an interface that is there, sets it up and remembers it.
func (h *Host) plug(n nic) error {
	if err := h.ns.configure(n); err != nil {
		return fmt.Errorf("configuring %s of %s: %w", n.name, h.name, err)
	}
	h.nics = append(h.nics, n)
	return nil
}

func (n *netns) configure(c nic) error {
	link, err := n.link.LinkByName(c.name)
	if err != nil {
		return err
	}
	for _, p := range c.addrs {
		// Without duplicate address detection an IPv6 address serves at once.
		addr := &netlink.Addr{IPNet: ipNet(p), Flags: unix.IFA_F_NODAD}
		if p.Addr().Is4() {
			addr.Flags = 0
		}
		if err := n.link.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("adding %s: %w", p, err)
		}
	}
	return n.link.LinkSetUp(link)
}

// unplug takes the carrier off the other ends of the host's links.
func (h *Host) unplug() error {
	var errs []error
	for _, c := range h.nics {
		link, err := h.ns.link.LinkByName(c.name)
		if err == nil {
			err = h.ns.link.LinkSetDown(link)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("unplugging %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// renew gives the host a fresh network namespace with its interfaces as they
// were plugged in: addresses, rules and sysctls that were set since are gone,
// as after a reboot.
func (h *Host) renew() error {
	fresh, err := newNetns()
	if err != nil {
		return err
	}
	for _, c := range h.nics {
		if err := h.ns.move(c.name, fresh); err != nil {
			fresh.close()
			return fmt.Errorf("plugging %s in again: %w", c.name, err)
		}
		if err := fresh.configure(c); err != nil {
			fresh.close()
			return fmt.Errorf("configuring %s: %w", c.name, err)
		}
	}
	h.ns.close()
	h.ns = fresh
	for _, r := range h.routes {
		if err := h.ns.addRoute(r); err != nil {
			return err
		}
	}
	return nil
}

func (n *netns) move(name string, to *netns) error {
	link, err := n.link.LinkByName(name)
	if err != nil {
		return err
	}
	return n.link.LinkSetNsFd(link, to.fd())
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

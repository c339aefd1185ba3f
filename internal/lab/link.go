package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// A nic is a host's end of a link: what is needed to plug it in again after the
// host was started anew.
type nic struct {
	name  string
	addrs []netip.Prefix
}

type route struct {
	dst netip.Prefix
	via netip.Addr
}

// Link joins two hosts with a cable (a veth pair): an interface on each, up and
// addressed. The interfaces survive Stop and Start, as cards and cables do; the
// other end just loses its carrier meanwhile.
func (l *Lab) Link(a *Host, ifA string, addrA netip.Prefix, b *Host, ifB string, addrB netip.Prefix) error {
	l.wires.Lock()
	defer l.wires.Unlock()
	if err := pair(a.ns, ifA, b.ns, ifB); err != nil {
		return fmt.Errorf("linking %s of %s with %s of %s: %w", ifA, a.name, ifB, b.name, err)
	}
	return errors.Join(a.plug(ifA, addrA), b.plug(ifB, addrB))
}

// Join plugs the host into a network (a bridge with any number of ports), which
// is made when it is first named. The interface on the host is up, has the
// addresses, and survives Stop and Start.
func (l *Lab) Join(network string, h *Host, ifname string, addrs ...netip.Prefix) error {
	l.wires.Lock()
	defer l.wires.Unlock()
	if err := l.join(network, h, ifname); err != nil {
		return fmt.Errorf("joining %s of %s to the network %s: %w", ifname, h.name, network, err)
	}
	return h.plug(ifname, addrs...)
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
	return s.connect(h.ns, ifname)
}

// Address adds addresses to an interface that Link or Join made, now and after
// each Start.
func (h *Host) Address(ifname string, addrs ...netip.Prefix) error {
	h.lab.wires.Lock()
	defer h.lab.wires.Unlock()
	i := slices.IndexFunc(h.nics, func(n *nic) bool { return n.name == ifname })
	if i < 0 {
		return fmt.Errorf("addressing %s of %s: the lab has made no such interface", ifname, h.name)
	}
	if err := h.ns.configure(ifname, addrs); err != nil {
		return fmt.Errorf("addressing %s of %s: %w", ifname, h.name, err)
	}
	h.nics[i].addrs = append(h.nics[i].addrs, addrs...)
	return nil
}

// Route adds a route to dst through the neighbour via, now and after each
// Start.
func (h *Host) Route(dst netip.Prefix, via netip.Addr) error {
	h.lab.wires.Lock()
	defer h.lab.wires.Unlock()
	r := route{dst, via}
	if err := h.ns.addRoute(r); err != nil {
		return fmt.Errorf("adding to %s %w", h.name, err)
	}
	h.routes = append(h.routes, r)
	return nil
}

// plug configures an interface that was just made and remembers it.
func (h *Host) plug(ifname string, addrs ...netip.Prefix) error {
	if err := h.ns.configure(ifname, addrs); err != nil {
		return fmt.Errorf("configuring %s of %s: %w", ifname, h.name, err)
	}
	h.nics = append(h.nics, &nic{ifname, addrs})
	return nil
}

// unplug takes the carrier off the other ends of the host's links: the network
// namespace of a host that is down would go on answering pings. Interfaces that
// the host itself removed are not missed.
func (h *Host) unplug() error {
	h.lab.wires.Lock()
	defer h.lab.wires.Unlock()
	links, err := h.ns.link.LinkList()
	if err != nil {
		return fmt.Errorf("unplugging %s: %w", h.name, err)
	}
	for _, link := range links {
		if err := h.ns.link.LinkSetDown(link); err != nil {
			return fmt.Errorf("unplugging %s of %s: %w", link.Attrs().Name, h.name, err)
		}
	}
	return nil
}

// renew gives the host a fresh network namespace with its interfaces as they
// were plugged in: rules, sysctls and addresses that were set since are gone,
// as after a reboot. The interfaces move, because a pair dies with either end.
func (h *Host) renew() error {
	fresh, err := newNetns()
	if err != nil {
		return err
	}
	old := h.ns
	defer old.close()
	h.ns = fresh
	for _, n := range h.nics {
		link, err := old.link.LinkByName(n.name)
		if err != nil {
			return fmt.Errorf("plugging %s in again: %w", n.name, err)
		}
		if err := errors.Join(old.link.LinkSetNsFd(link, fresh.fd()), fresh.configure(n.name, n.addrs)); err != nil {
			return fmt.Errorf("plugging %s in again: %w", n.name, err)
		}
	}
	for _, r := range h.routes {
		if err := fresh.addRoute(r); err != nil {
			return fmt.Errorf("adding %w", err)
		}
	}
	return nil
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

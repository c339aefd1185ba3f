package confirm

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"vpnd/internal/process"
	"vpnd/internal/resource"
)

// A Listener is a TCP socket of this host that waits for connections which may
// come from elsewhere.
type Listener struct {
	At    netip.AddrPort // where it can be tried; of one that listens everywhere, an address of this host
	Link  string         // that has the address; empty where it listens everywhere
	Units []string       // of systemd, whose processes hold it; init.scope where systemd itself listens
	name  string         // of a process that holds it

	link string // of the descriptors that hold it
}

// mostListeners is how many are watched; those of low ports come first.
const mostListeners = 64

// Listeners returns what listens, by port.
func Listeners() []Listener {
	places := addresses()
	var all []Listener
	for _, socket := range process.Listening("tcp") {
		all = append(all, places.reach(socket)...)
	}
	resource.Sort(all, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.At.Port(), b.At.Port()), a.At.Compare(b.At))
	})
	all = slices.CompactFunc(all, func(a, b Listener) bool { return a.At == b.At })
	all = all[:min(len(all), mostListeners)]
	hold(all)
	return all
}

// reach returns where a socket can be tried.
func (p places) reach(socket process.Socket) []Listener {
	at, link := socket.At, socket.Link
	switch {
	case at.Addr().IsLoopback(), at.Addr().IsLinkLocalUnicast(): // the last can't be told from the table
		return nil
	case !at.Addr().IsUnspecified():
		return []Listener{{At: at, Link: p.links[at.Addr()], link: link}}
	}
	var all []Listener
	if p.four.IsValid() { // most that listen on all of IPv6 listen on all of IPv4 as well
		all = append(all, Listener{At: netip.AddrPortFrom(p.four, at.Port()), link: link})
	}
	if at.Addr().Is6() && p.six.IsValid() {
		all = append(all, Listener{At: netip.AddrPortFrom(p.six, at.Port()), link: link})
	}
	return all
}

// places are the addresses of this host.
type places struct {
	links     map[netip.Addr]string
	four, six netip.Addr // the first that others may know it by
}

func addresses() places {
	p := places{links: make(map[netip.Addr]string)}
	links, _ := net.Interfaces()
	for _, link := range links {
		addrs, err := link.Addrs()
		if err != nil || link.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			addr := prefix.Addr().Unmap()
			p.links[addr] = link.Name
			// A tunnel may come and go with the very plan.
			known := addr.IsGlobalUnicast() && link.Flags&(net.FlagLoopback|net.FlagPointToPoint) == 0
			if known && addr.Is4() && !p.four.IsValid() {
				p.four = addr
			}
			if known && addr.Is6() && !p.six.IsValid() {
				p.six = addr
			}
		}
	}
	return p
}

// hold finds out who holds the sockets, as far as that is not hidden.
func hold(all []Listener) {
	var links []string
	for _, l := range all {
		links = append(links, l.link)
	}
	held := process.Holding(links)
	for i := range all {
		l := &all[i]
		for _, h := range held[l.link] {
			if !slices.Contains(l.Units, h.Unit) {
				l.Units = append(l.Units, h.Unit)
			}
			l.name = cmp.Or(l.name, h.Name)
		}
	}
}

// String names a listener for people.
func (l Listener) String() string {
	return fmt.Sprintf("%s on %s", cmp.Or(l.name, "a service"), l.At)
}

package link

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/vishvananda/netlink/nl"

	"vpnd/internal/attribution"
	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// by names who made a change, as far as the kernel tells: the port of the
// socket that asked for it is by default the number of its process.
func by(m notice.Message) string { return attribution.Program(int(int32(m.Header.Pid))) }

// A linkNews is a message about an interface.
type linkNews struct {
	index int
	name  string
	up    bool
	gone  bool
}

func parseLink(m notice.Message) (linkNews, error) {
	head := nl.DeserializeIfInfomsg(m.Data)
	name, err := child(m.Data[unix.SizeofIfInfomsg:], unix.IFLA_IFNAME)
	return linkNews{
		index: int(head.Index),
		name:  unix.ByteSliceToString(name),
		up:    head.Flags&unix.IFF_UP != 0,
		gone:  m.Header.Type == unix.RTM_DELLINK,
	}, err
}

// Watch hears of changes of the interfaces and of their addresses.
func (TunVerbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	return Listen(ctx, names, kick)
}

// Listen hears of changes of interfaces with these names and of their addresses.
func Listen(ctx context.Context, names []string, kick func(resource.Hint)) error {
	var known map[int]string // of the interfaces with those names, by their index
	return notice.Netlink{
		Protocol: unix.NETLINK_ROUTE,
		Groups:   []int{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR},
		Begin: func() error {
			all, err := devices()
			if err != nil {
				return err
			}
			known = make(map[int]string)
			for _, d := range all {
				if slices.Contains(names, d.name()) {
					known[d.index()] = d.name()
				}
			}
			kick(resource.Hint{})
			return nil
		},
		Hear: func(m notice.Message) error {
			concerned, err := whom(m, names, known)
			for _, name := range concerned {
				kick(resource.Hint{Name: name, By: by(m)})
			}
			return err
		},
	}.Listen(ctx)
}

// whom returns which of the names a message is about, two where one was renamed
// to the other.
func whom(m notice.Message, names []string, known map[int]string) ([]string, error) {
	var concerned []string
	switch m.Header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, err := parseLink(m)
		if err != nil {
			return nil, err
		}
		if was, ok := known[l.index]; ok && was != l.name {
			concerned = append(concerned, was)
		}
		delete(known, l.index)
		if slices.Contains(names, l.name) {
			concerned = append(concerned, l.name)
			if !l.gone {
				known[l.index] = l.name
			}
		}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if name, ok := known[int(nl.DeserializeIfAddrmsg(m.Data).Index)]; ok {
			concerned = append(concerned, name)
		}
	}
	return concerned, nil
}

// Watch hears of changes of the routes. IPv4 routes go without a word when
// their interface does, is switched off or loses its last address, so that
// interfaces and their addresses are watched too; an interface that comes up, or
// gets an address, may let a route be made that couldn't be.
func (RouteVerbs) Watch(ctx context.Context, names []string, kick func(resource.Hint)) error {
	w := &routeWatch{wished: make(map[target]string), kick: kick}
	for _, name := range names {
		if to, bad := parseTarget(name); bad == nil {
			w.wished[to] = name
		}
	}
	return notice.Netlink{
		Protocol: unix.NETLINK_ROUTE,
		Groups:   []int{unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR},
		Begin:    w.begin,
		Hear:     w.hear,
	}.Listen(ctx)
}

// A routeWatch knows enough to pass over what happens to interfaces that no
// wished route needs, as where containers come and go.
type routeWatch struct {
	wished   map[target]string // names
	standing map[target]int    // the interfaces that they lead through
	links    map[int]linkNews
	kick     func(resource.Hint)
}

func (w *routeWatch) begin() error {
	w.standing, w.links = make(map[target]int), make(map[int]linkNews)
	all, err := devices()
	if err != nil {
		return err
	}
	for _, d := range all {
		w.links[d.index()] = linkNews{index: d.index(), name: d.name(), up: d.up()}
	}
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		there, err := routes(family)
		if err != nil {
			return err
		}
		for to := range w.wished {
			if r, ok := itself(to, there[to]); ok {
				w.standing[to] = r.LinkIndex
			}
		}
	}
	w.kick(resource.Hint{})
	return nil
}

func (w *routeWatch) hear(m notice.Message) error {
	switch m.Header.Type {
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return w.route(m)
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		l, err := parseLink(m)
		if err != nil || w.links[l.index] == l {
			return err
		}
		w.links[l.index] = l
		if l.gone {
			delete(w.links, l.index)
		}
		if w.needs(l) {
			w.kick(resource.Hint{By: by(m)})
		}
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		l, known := w.links[int(nl.DeserializeIfAddrmsg(m.Data).Index)]
		l.up = l.up && m.Header.Type == unix.RTM_NEWADDR // it may have been the last one
		if known && w.needs(l) {
			w.kick(resource.Hint{By: by(m)})
		}
	}
	return nil
}

func (w *routeWatch) route(m notice.Message) error {
	to, through, err := parseRoute(m)
	name, wished := w.wished[to]
	if err != nil || !wished {
		return err
	}
	if delete(w.standing, to); m.Header.Type == unix.RTM_NEWROUTE {
		w.standing[to] = through
	}
	w.kick(resource.Hint{Name: name, By: by(m)})
	return nil
}

// needs says whether a wished route is missing or leads through the interface,
// and takes those for missing that a switched off one takes away.
func (w *routeWatch) needs(l linkNews) bool {
	needs := len(w.standing) < len(w.wished)
	for to, through := range w.standing {
		if through == l.index {
			needs = true
			if l.gone || !l.up {
				delete(w.standing, to)
			}
		}
	}
	return needs
}

// parseRoute returns where a route leads, and through which interface.
func parseRoute(m notice.Message) (to target, through int, err error) {
	head := nl.DeserializeRtMsg(m.Data)
	attrs, err := nl.ParseRouteAttr(m.Data[unix.SizeofRtMsg:])
	if err != nil {
		return to, 0, err
	}
	to.table = int(head.Table)
	var dst *net.IPNet
	for _, a := range attrs {
		switch a.Attr.Type {
		case unix.RTA_DST:
			dst = &net.IPNet{IP: a.Value, Mask: net.CIDRMask(int(head.Dst_len), 8*len(a.Value))}
		case unix.RTA_TABLE:
			to.table = int(binary.NativeEndian.Uint32(a.Value))
		case unix.RTA_OIF:
			through = int(binary.NativeEndian.Uint32(a.Value))
		}
	}
	switch {
	case dst != nil:
		to.dst = prefixOf(dst)
	case head.Family == unix.AF_INET:
		to.dst = defaultRoute
	default:
		to.dst = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return to, through, nil
}

package sysctl

import (
	"context"
	"encoding/binary"
	"net"
	"strings"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/notice"
	"vpnd/internal/resource"
)

// From linux/netconf.h.
const (
	netconfHead       = 4 // struct netconfmsg, aligned
	netconfIndex      = 1 // NETCONFA_IFINDEX
	netconfForwarding = 2 // NETCONFA_FORWARDING
	indexAll          = -1
	indexDefault      = -2
)

// A link is an interface as one of the two versions of IP knows it.
type link struct {
	version string // net/ipv4/ or net/ipv6/
	index   int
}

// watchNetwork hears what the network tells of its keys, whoever changed them
// and by whatever name, and of interfaces, which bring keys with them.
func (k *keys) watchNetwork(ctx context.Context, begin func()) error {
	return notice.Netlink{
		Protocol: unix.NETLINK_ROUTE,
		Groups:   []int{unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF},
		Begin: func() error {
			k.know()
			begin()
			return nil
		},
		Hear: k.hear,
	}.Listen(ctx)
}

// know finds the interfaces that have keys of interest.
func (k *keys) know() {
	k.links = make(map[link]string)
	for _, name := range k.names {
		parts := strings.Split(fileOf(name), "/")
		if len(parts) != 5 || parts[2] != "conf" {
			continue
		}
		if i, err := net.InterfaceByName(parts[3]); err == nil {
			k.links[link{parts[0] + "/" + parts[1] + "/", i.Index}] = i.Name
		}
	}
}

func (k *keys) hear(m notice.Message) error {
	if len(m.Data) < netconfHead {
		return nil
	}
	attrs, err := nl.ParseRouteAttr(m.Data[netconfHead:])
	if err != nil {
		return err
	}
	l, forwarding := link{version: "net/ipv4/"}, false
	if m.Data[0] == unix.AF_INET6 {
		l.version = "net/ipv6/"
	}
	for _, a := range attrs {
		switch a.Attr.Type {
		case netconfIndex:
			l.index = int(int32(binary.NativeEndian.Uint32(a.Value)))
		case netconfForwarding:
			forwarding = true
		}
	}
	switch {
	case l.index == indexAll && forwarding:
		// The kernel resets other keys with it.
		if k.concerned(l.version) != nil {
			k.kick(resource.Hint{})
		}
	case l.index == indexAll:
		k.changed(l.version + "conf/all/")
	case l.index == indexDefault:
		k.changed(l.version + "conf/default/")
	case m.Header.Type == unix.RTM_DELNETCONF:
		if name, ok := k.links[l]; ok {
			delete(k.links, l)
			k.changed(l.version + "conf/" + name + "/")
		}
	default:
		k.interfaced(l)
	}
	return nil
}

// interfaced is about the keys of one interface, which may be new.
func (k *keys) interfaced(l link) {
	i, err := net.InterfaceByIndex(l.index)
	if err != nil {
		return // gone already, of which the next message tells
	}
	if k.changed(l.version+"conf/"+i.Name+"/") && k.links[l] != i.Name {
		k.links[l] = i.Name
		k.renew()
	}
}

// concerned returns the keys below a directory.
func (k *keys) concerned(dir string) []string {
	var names []string
	for _, name := range k.names {
		if strings.HasPrefix(fileOf(name), dir) {
			names = append(names, name)
		}
	}
	return names
}

// changed hints at the keys below a directory, and says whether there are any.
func (k *keys) changed(dir string) bool {
	names := k.concerned(dir)
	for _, name := range names {
		k.kick(resource.Hint{Name: name})
	}
	return names != nil
}

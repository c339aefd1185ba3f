package link

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attempts is how often a list is read that the kernel changes meanwhile.
const attempts = 5

// dump reads a whole list of the kernel. One that changed while it was read
// may lack entries: it is read again, and in the end is an error rather than
// a guess.
func dump[T any](list func() ([]T, error)) ([]T, error) {
	for range attempts {
		got, err := list()
		if err == nil {
			return got, nil
		}
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the list changed each of the %d times it was read; try again when the network is quieter", attempts)
}

// device is an interface with what only a tun has.
type device struct {
	netlink.Link
	tun *tunAttrs // nil where it is none
}

func (d device) index() int   { return d.Attrs().Index }
func (d device) name() string { return d.Attrs().Name }
func (d device) up() bool     { return d.Attrs().Flags&net.FlagUp != 0 }

// tunAttrs are the attributes of a tun. The library can't tell an owner that
// isn't set from user 0; the kernel can, and lets nobody else attach then.
type tunAttrs struct {
	tap        bool
	multiQueue bool
	owner      *uint32
	group      *uint32
}

func devices() ([]device, error) {
	got, err := dump(listDevices)
	if err != nil {
		return nil, fmt.Errorf("listing the interfaces: %w", err)
	}
	return got, nil
}

func listDevices() ([]device, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	messages, err := req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		return nil, err
	}
	found := make([]device, len(messages))
	for i, m := range messages {
		link, err := netlink.LinkDeserialize(nil, m)
		if err != nil {
			return nil, err
		}
		found[i] = device{Link: link}
		if _, ok := link.(*netlink.Tuntap); !ok {
			continue
		}
		if found[i].tun, err = parseTun(m[unix.SizeofIfInfomsg:]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func parseTun(message []byte) (*tunAttrs, error) {
	info, err := child(message, unix.IFLA_LINKINFO)
	if err != nil {
		return nil, err
	}
	data, err := child(info, nl.IFLA_INFO_DATA)
	if err != nil {
		return nil, err
	}
	attrs, err := nl.ParseRouteAttr(data)
	if err != nil {
		return nil, err
	}
	var t tunAttrs
	for _, a := range attrs {
		switch a.Attr.Type {
		case nl.IFLA_TUN_TYPE:
			t.tap = a.Value[0] == unix.IFF_TAP
		case nl.IFLA_TUN_MULTI_QUEUE:
			t.multiQueue = a.Value[0] != 0
		case nl.IFLA_TUN_OWNER:
			t.owner = number(a.Value)
		case nl.IFLA_TUN_GROUP:
			t.group = number(a.Value)
		}
	}
	return &t, nil
}

// child returns the value of one attribute, empty where it is missing.
func child(attributes []byte, kind uint16) ([]byte, error) {
	attrs, err := nl.ParseRouteAttr(attributes)
	if err != nil {
		return nil, err
	}
	for _, a := range attrs {
		if a.Attr.Type&^unix.NLA_F_NESTED == kind {
			return a.Value, nil
		}
	}
	return nil, nil
}

func number(value []byte) *uint32 {
	n := nl.NativeEndian().Uint32(value)
	return &n
}

// named returns the device of that name.
func named(all []device, name string) (device, bool) {
	for _, d := range all {
		if d.name() == name {
			return d, true
		}
	}
	return device{}, false
}

// missing is the error where something needs an interface that isn't there.
func missing(name string) error {
	return fmt.Errorf("there is no interface %s; see that what makes it comes first, for example tun.%s in depends_on", name, name)
}

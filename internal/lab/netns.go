package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	vishns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// A netns is a network namespace that lives as long as its file is open or a
// process is in it, and a netlink socket inside.
type netns struct {
	file *os.File
	link *netlink.Handle
}

// newNetns makes a network namespace with the kernel's defaults.
func newNetns() (*netns, error) {
	type result struct {
		file *os.File
		err  error
	}
	c := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: this thread is not fit for anything else
		f, err := unshareNet()
		c <- result{f, err}
	}()
	r := <-c
	if r.err != nil {
		return nil, fmt.Errorf("making a network namespace: %w", r.err)
	}
	h, err := netlink.NewHandleAt(vishns.NsHandle(r.file.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		r.file.Close()
		return nil, fmt.Errorf("opening netlink in a network namespace: %w", err)
	}
	return &netns{file: r.file, link: h}, nil
}

// unshareNet moves the thread into a new network namespace and opens that.
func unshareNet() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	// A new namespace copies IPv4 settings from the machine's, which forwards
	// when it runs containers; a fresh host doesn't (ip-sysctl.txt,
	// devconf_inherit_init_net). /proc/sys/net is that of the thread.
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0); err != nil {
		return nil, err
	}
	for _, name := range []string{"all", "default", "lo"} {
		err := os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", []byte("0"), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
			return nil, err
		}
	}
	return os.Open("/proc/thread-self/ns/net")
}

// fd is the descriptor of n, for as long as n is open.
func (n *netns) fd() int { return int(n.file.Fd()) }

func (n *netns) close() {
	n.link.Close()
	n.file.Close()
}

// configure adds addresses to the interface and sets it up.
func (n *netns) configure(ifname string, addrs []netip.Prefix) error {
	link, err := n.link.LinkByName(ifname)
	if err != nil {
		return err
	}
	for _, p := range addrs {
		addr := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			// Duplicate address detection would keep it from serving for a second.
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := n.link.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("adding %s: %w", p, err)
		}
	}
	return n.link.LinkSetUp(link)
}

// addRoute's error begins with the route.
func (n *netns) addRoute(r route) error {
	err := n.link.RouteAdd(&netlink.Route{Dst: ipNet(r.dst.Masked()), Gw: r.via.AsSlice()})
	if err != nil {
		return fmt.Errorf("the route to %s via %s: %w", r.dst, r.via, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// newSwitch makes a network namespace with nothing but a bridge in it.
func newSwitch() (*netns, error) {
	s, err := newNetns()
	if err != nil {
		return nil, err
	}
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}}
	if err := errors.Join(s.link.LinkAdd(bridge), s.link.LinkSetUp(bridge)); err != nil {
		s.close()
		return nil, fmt.Errorf("making a bridge: %w", err)
	}
	return s, nil
}

const bridgeName = "bridge"

// connect joins a new interface of that name in to, to a new port of the
// switch.
func (n *netns) connect(to *netns, ifname string) error {
	links, err := n.link.LinkList()
	if err != nil {
		return err
	}
	port := fmt.Sprintf("port%d", len(links))
	if err := pair(to, ifname, n, port); err != nil {
		return err
	}
	p, err := n.link.LinkByName(port)
	if err != nil {
		return err
	}
	bridge, err := n.link.LinkByName(bridgeName)
	if err != nil {
		return err
	}
	return errors.Join(n.link.LinkSetMaster(p, bridge), n.link.LinkSetUp(p))
}

package lab

import (
	"fmt"
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
		if err != nil && !os.IsNotExist(err) { // a kernel without IPv6
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

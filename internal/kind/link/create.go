package link

import (
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
)

// create makes a persistent interface. It asks the kernel itself, see
// Documentation/networking/tuntap.rst: the library can't leave the group out
// and sets it to 0, which keeps every user but root from attaching. Without
// packet information and with one queue OpenVPN can attach.
func create(name string, want Tun) error {
	owner, group, err := owners(want)
	if err != nil {
		return err
	}
	// Not os.Open: before its first ioctl the device can't be polled.
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("opening /dev/net/tun: %w; load the kernel module with: modprobe tun", err)
	}
	if err != nil {
		return fmt.Errorf("opening /dev/net/tun: %w", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return fmt.Errorf("%s is no name of an interface: %w", name, err)
	}
	req.SetUint16(flags(want))
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return fmt.Errorf("making the interface: %w", err)
	}
	if owner >= 0 {
		if err := unix.IoctlSetInt(fd, unix.TUNSETOWNER, owner); err != nil {
			return fmt.Errorf("setting the user to %s: %w", *want.User, err)
		}
	}
	if group >= 0 {
		if err := unix.IoctlSetInt(fd, unix.TUNSETGROUP, group); err != nil {
			return fmt.Errorf("setting the group to %s: %w", *want.Group, err)
		}
	}
	if want.Alias != nil {
		if err := netlink.LinkSetAlias(&netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}}, *want.Alias); err != nil {
			return fmt.Errorf("setting the alias: %w", err)
		}
	}
	// Last: until then an error takes the interface away with the descriptor, and
	// so does a kill, which leaves nothing that is not marked as vpnd's.
	if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1); err != nil {
		return fmt.Errorf("making the interface stay: %w", err)
	}
	return nil
}

func flags(want Tun) uint16 {
	// EXCL refuses to attach to one that appeared meanwhile.
	f := unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_TUN_EXCL
	if want.Mode != nil && *want.Mode == "tap" {
		f = unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_TUN_EXCL
	}
	if want.MultiQueue != nil && *want.MultiQueue {
		f |= unix.IFF_MULTI_QUEUE
	}
	return uint16(f)
}

// owners returns the numbers of the user and the group, each -1 for nobody.
func owners(want Tun) (uid, gid int, err error) {
	names, err := atomic.ReadNames("/")
	if err != nil {
		return 0, 0, err
	}
	uid, gid = -1, -1
	var errUser, errGroup error
	if want.User != nil && *want.User != "" {
		uid, errUser = names.UID(*want.User)
	}
	if want.Group != nil && *want.Group != "" {
		gid, errGroup = names.GID(*want.Group)
	}
	return uid, gid, errors.Join(errUser, errGroup)
}

package notice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Netlink listens to multicast groups of the kernel, see netlink(7).
type Netlink struct {
	Protocol int                 // unix.NETLINK_ROUTE, for example
	Groups   []int               // numbers of RTNLGRP_ and the like, not bits
	Begin    func() error        // called once it listens, and when messages were lost: what was heard before may be out of date
	Hear     func(Message) error // called with each message
}

// A Message is one that the kernel sent.
type Message = syscall.NetlinkMessage

// room is how much may wait to be read, in bytes. It takes no memory while
// nothing waits, and keeps bursts from getting lost.
const room = 8 << 20

// Listen listens, in the network namespace of the calling thread, until ctx
// ends; then it returns nil. An error of Begin or Hear ends it too.
func (n Netlink) Listen(ctx context.Context) error {
	f, err := n.open()
	if err != nil {
		return fmt.Errorf("listening to the kernel's netlink messages: %w", err)
	}
	for {
		if err = n.listen(ctx, f); !errors.Is(err, unix.ENOBUFS) || ctx.Err() != nil {
			return ended(ctx, err)
		}
		// A socket that has lost a message loses more, and says so no second time,
		// until it was emptied (netlink_overrun in the kernel): another one takes its
		// place, before anybody looks at what there is.
		if f, err = n.open(); err != nil {
			return fmt.Errorf("listening to the kernel's netlink messages again: %w", err)
		}
	}
}

// listen listens on a socket until it fails, and closes it.
func (n Netlink) listen(ctx context.Context, f *os.File) error {
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close() })()
	if err := n.Begin(); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		size, err := f.Read(buf)
		if err == nil {
			err = n.hear(buf[:size])
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// ended is nil where ctx has ended, since then an error is only its echo.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (n Netlink) hear(datagram []byte) error {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil {
		return fmt.Errorf("reading a netlink message: %w", err)
	}
	for _, m := range messages {
		if err := n.Hear(m); err != nil {
			return err
		}
	}
	return nil
}

// open returns a socket on which Read waits without a thread.
func (n Netlink) open() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, n.Protocol)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "netlink")
	if err := n.subscribe(fd); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (n Netlink) subscribe(fd int) error {
	// Only CAP_NET_ADMIN may have that much; with less, messages get lost sooner.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	for _, group := range n.Groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, group); err != nil {
			return err
		}
	}
	return nil
}

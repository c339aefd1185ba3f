package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"vpnd/internal/lab"
)

// A drift is a kind of change that the agent hears of: ways to make it, taken in
// turns, and whether things are as before.
type drift struct {
	what string
	time func(ctx context.Context, trial int) (time.Duration, error)
}

// An eye looks at a host from a thread in the host's network, without starting a
// program: that would take time from the agent.
type eye struct {
	host *lab.Host
	root string
	work chan func()
}

// openEye's thread never comes back from the host's network.
func openEye(h *lab.Host) (*eye, error) {
	e := &eye{host: h, root: fmt.Sprintf("/proc/%d/root", h.PID()), work: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", h.PID()))
		if err == nil {
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
			ns.Close()
		}
		entered <- err
		if err != nil {
			return
		}
		for f := range e.work {
			f()
		}
	}()
	return e, <-entered
}

func (e *eye) close() { close(e.work) }

// in runs f in the host's network.
func (e *eye) in(f func() error) error {
	done := make(chan error)
	e.work <- func() { done <- f() }
	return <-done
}

func (e *eye) drifts() []drift {
	run := func(argv ...string) func(context.Context) error {
		return func(ctx context.Context) error { _, err := e.host.Run(ctx, argv...); return err }
	}
	return []drift{
		e.seen("rules that were flushed", rules,
			run("iptables", "-t", "nat", "-F"), run("nft", "flush", "table", "ip", "filter")),
		e.seen("a sysctl that was changed", content("/proc/sys/net/ipv4/ip_forward"),
			e.write("/proc/sys/net/ipv4/ip_forward", "0\n")),
		e.seen("a tun whose MTU or address was changed, or that was removed", tun,
			e.link(func(l netlink.Link) error { return netlink.LinkSetMTU(l, 1300) }),
			e.link(func(l netlink.Link) error {
				return netlink.AddrDel(l, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 77, 0, 1), Mask: net.CIDRMask(24, 32)}})
			}),
			e.link(netlink.LinkDel)),
		e.seen("a file that was edited, opened up or removed", file(e.root+agentFile),
			e.write(e.root+agentFile, "theirs\n"),
			func(context.Context) error { return os.Chmod(e.root+agentFile, 0o666) },
			func(context.Context) error { return os.Remove(e.root + agentFile) }),
		{"a unit that was stopped", e.stopped},
	}
}

// seen is a drift of what look returns.
func (e *eye) seen(what string, look func() (string, error), ways ...func(context.Context) error) drift {
	return drift{what, func(ctx context.Context, trial int) (time.Duration, error) {
		observe := func() (seen string, err error) {
			err = e.in(func() (err error) { seen, err = look(); return err })
			return seen, err
		}
		before, err := observe()
		if err != nil {
			return 0, err
		}
		start := time.Now()
		if err := ways[trial%len(ways)](ctx); err != nil {
			return 0, err
		}
		last := ""
		for time.Since(start) < 10*time.Second {
			// What is half repaired may not be there to be looked at.
			if last, err = observe(); err == nil && last == before {
				return time.Since(start), nil
			}
			if err := pause(ctx, time.Millisecond); err != nil {
				return 0, err
			}
		}
		return 0, errors.Join(fmt.Errorf("not repaired within ten seconds: %q instead of %q", last, before), err)
	}}
}

func (e *eye) write(path, text string) func(context.Context) error {
	return func(context.Context) error {
		return e.in(func() error { return os.WriteFile(path, []byte(text), 0) })
	}
}

func (e *eye) link(change func(netlink.Link) error) func(context.Context) error {
	return func(context.Context) error {
		return e.in(func() error {
			l, err := netlink.LinkByName(agentTun)
			if err != nil {
				return err
			}
			return change(l)
		})
	}
}

// rules counts the rules for IPv4 in all tables.
func rules() (string, error) {
	const dump = unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE
	request := nl.NewNetlinkRequest(dump, unix.NLM_F_DUMP)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: unix.AF_INET})
	found, err := request.Execute(unix.NETLINK_NETFILTER, 0)
	return fmt.Sprint(len(found)), err
}

func content(path string) func() (string, error) {
	return func() (string, error) { text, err := os.ReadFile(path); return string(text), err }
}

func file(path string) func() (string, error) {
	return func() (string, error) {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		text, err := os.ReadFile(path)
		return fmt.Sprint(info.Mode(), " ", string(text)), err
	}
}

// tun is what matters of the tun.
func tun() (string, error) {
	l, err := netlink.LinkByName(agentTun)
	if err != nil {
		return "", err
	}
	addrs, err := netlink.AddrList(l, netlink.FAMILY_V4)
	var text strings.Builder
	for _, a := range addrs {
		text.WriteString(" " + a.IPNet.String())
	}
	return fmt.Sprint(l.Attrs().MTU, l.Attrs().Flags&net.FlagUp, text.String()), err
}

// stopped stops the unit and returns how long it took until it was started
// again. What systemd takes for starting it is apart.
func (e *eye) stopped(ctx context.Context, _ int) (time.Duration, error) {
	begun, err := monotonic()
	if err != nil {
		return 0, err
	}
	if _, err := e.host.Run(ctx, "systemctl", "stop", agentUnit); err != nil {
		return 0, err
	}
	for range 500 {
		out, err := e.host.Run(ctx, "systemctl", "show", "-P", "InactiveExitTimestampMonotonic", agentUnit)
		if err != nil {
			return 0, err
		}
		micros, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
		if err != nil {
			return 0, err
		}
		if started := time.Duration(micros) * time.Microsecond; started > begun {
			return started - begun, nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("not started within ten seconds")
}

// monotonic is the time on the clock of systemd's time stamps, which machine and
// host share.
func monotonic() (time.Duration, error) {
	var now unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano()), err
}

package confirm

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Listener is a TCP socket of this host that waits for connections which may
// come from elsewhere.
type Listener struct {
	At    netip.AddrPort // where it can be tried; of one that listens everywhere, an address of this host
	Link  string         // that has the address; empty where it listens everywhere
	Units []string       // of systemd, whose processes hold it; init.scope where systemd itself listens
	name  string         // of a process that holds it

	inode string
}

// mostListeners is how many are watched; those of low ports come first.
const mostListeners = 64

// Listeners returns what listens, by port.
func Listeners() []Listener {
	places := addresses()
	var all []Listener
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + table)
		if err != nil {
			continue // without IPv6
		}
		for line := range strings.Lines(string(text)) {
			all = append(all, places.reach(strings.Fields(line), table == "tcp6")...)
		}
	}
	slices.SortFunc(all, func(a, b Listener) int {
		return cmp.Or(cmp.Compare(a.At.Port(), b.At.Port()), a.At.Compare(b.At))
	})
	all = slices.CompactFunc(all, func(a, b Listener) bool { return a.At == b.At })
	all = all[:min(len(all), mostListeners)]
	hold(all)
	return all
}

// listens is the state of a socket that waits; see include/net/tcp_states.h of
// the kernel.
const listens = "0A"

// reach reads a line of the table and returns where its socket can be tried.
func (p places) reach(fields []string, six bool) []Listener {
	if len(fields) < 10 || fields[3] != listens {
		return nil
	}
	at, inode := kernelAddr(fields[1]), fields[9]
	switch {
	case !at.IsValid(), at.Addr().IsLoopback(), at.Addr().IsLinkLocalUnicast(): // the last can't be told from the table
		return nil
	case !at.Addr().IsUnspecified():
		return []Listener{{At: at, Link: p.links[at.Addr()], inode: inode}}
	}
	var all []Listener
	if p.four.IsValid() { // most that listen on all of IPv6 listen on all of IPv4 as well
		all = append(all, Listener{At: netip.AddrPortFrom(p.four, at.Port()), inode: inode})
	}
	if six && p.six.IsValid() {
		all = append(all, Listener{At: netip.AddrPortFrom(p.six, at.Port()), inode: inode})
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

// hold finds out who holds the sockets; see proc_pid_fd(5). Who that is may be
// hidden, and is unknown then.
func hold(all []Listener) {
	of := make(map[string][]*Listener)
	for i := range all {
		name := "socket:[" + all[i].inode + "]"
		of[name] = append(of[name], &all[i])
	}
	processes, _ := os.ReadDir("/proc")
	for _, process := range processes {
		if _, err := strconv.Atoi(process.Name()); err != nil || len(all) == 0 {
			continue
		}
		dir := "/proc/" + process.Name()
		open, _ := os.ReadDir(dir + "/fd")
		for _, fd := range open {
			target, err := os.Readlink(dir + "/fd/" + fd.Name())
			if err != nil || len(of[target]) == 0 {
				continue
			}
			unit, name := unitOf(dir), nameOf(dir)
			for _, l := range of[target] {
				if !slices.Contains(l.Units, unit) {
					l.Units = append(l.Units, unit)
				}
				l.name = cmp.Or(l.name, name)
			}
		}
	}
}

// unitOf returns the unit that a process belongs to, as its control group tells.
func unitOf(dir string) string {
	text, _ := os.ReadFile(dir + "/cgroup")
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 || fields[1] != "" && fields[1] != "name=systemd" {
			continue
		}
		for group := fields[2]; group != "/" && group != "." && group != ""; group = path.Dir(group) {
			switch base := path.Base(group); path.Ext(base) {
			case ".service", ".scope":
				return base
			}
		}
	}
	return ""
}

func nameOf(dir string) string {
	text, _ := os.ReadFile(dir + "/comm")
	return strings.TrimSpace(string(text))
}

// String names a listener for people.
func (l Listener) String() string {
	return fmt.Sprintf("%s on %s", cmp.Or(l.name, "a service"), l.At)
}

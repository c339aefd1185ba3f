// Package process tells who on this host holds a socket or an interface.
package process

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Holder is a process that has something open.
type Holder struct {
	PID  int
	Name string // of its program, as the kernel has it
	Unit string // of systemd; empty where it is in none
}

// String names a holder for people.
func (h Holder) String() string {
	if h.Unit == "" {
		return fmt.Sprintf("%s (process %d)", h.Name, h.PID)
	}
	return fmt.Sprintf("%s (process %d of %s)", h.Name, h.PID, h.Unit)
}

// Holding returns who has those open, by the link of a descriptor, as in
// socket:[4711]; see proc_pid_fd(5). Who that is may be hidden, and is unknown
// then.
func Holding(links []string) map[string][]Holder {
	held := make(map[string][]Holder)
	if len(links) == 0 {
		return held
	}
	each(func(dir string, pid int) {
		open, _ := os.ReadDir(dir + "/fd")
		for _, fd := range open {
			link, err := os.Readlink(dir + "/fd/" + fd.Name())
			if err == nil && slices.Contains(links, link) {
				held[link] = append(held[link], holder(dir, pid))
			}
		}
	})
	return held
}

// Attached returns who has a tun interface of this network open, as the descriptor
// itself tells; see tun_chr_show_fdinfo of the kernel. In a container there may be one
// of the same name.
func Attached(tun string) []Holder {
	const network = "/ns/net"
	here, _ := os.Readlink("/proc/thread-self" + network)
	var held []Holder
	each(func(dir string, pid int) {
		if there, _ := os.Readlink(dir + network); there != here {
			return
		}
		open, _ := os.ReadDir(dir + "/fd")
		for _, fd := range open {
			if link, err := os.Readlink(dir + "/fd/" + fd.Name()); err != nil || link != "/dev/net/tun" {
				continue
			}
			info, _ := os.ReadFile(dir + "/fdinfo/" + fd.Name())
			if slices.Contains(strings.Fields(string(info)), tun) {
				held = append(held, holder(dir, pid))
			}
		}
	})
	return held
}

// Running says whether there is a process of such a unit.
func Running(is func(unit string) bool) bool {
	runs := false
	each(func(dir string, _ int) {
		unit := unitOf(dir)
		runs = runs || unit != "" && is(unit)
	})
	return runs
}

func each(do func(dir string, pid int)) {
	processes, _ := os.ReadDir("/proc")
	for _, process := range processes {
		if pid, err := strconv.Atoi(process.Name()); err == nil {
			do("/proc/"+process.Name(), pid)
		}
	}
}

func holder(dir string, pid int) Holder {
	name, _ := os.ReadFile(dir + "/comm")
	return Holder{PID: pid, Name: strings.TrimSpace(string(name)), Unit: unitOf(dir)}
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

// Address reads an address as the tables below /proc/net write it: words in the
// byte order of the machine, and the port. Of anything else it is not valid.
func Address(text string) netip.AddrPort {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n))
}

// A Socket is one that takes packets from anywhere.
type Socket struct {
	At   netip.AddrPort
	Link string // of the descriptors that hold it; see [Holding]
}

// States of sockets that take packets from anywhere; see include/net/tcp_states.h
// of the kernel. One of UDP that is connected takes those of one peer.
const (
	listens = "0A"
	unbound = "07"
)

// Listening returns the sockets of udp or tcp that take packets from anywhere, in
// both families.
func Listening(transport string) []Socket {
	state := listens
	if transport == "udp" {
		state = unbound
	}
	var all []Socket
	for _, table := range []string{transport, transport + "6"} {
		text, _ := os.ReadFile("/proc/thread-self/net/" + table) // without IPv6 there is no second one
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != state {
				continue
			}
			if at := Address(fields[1]); at.IsValid() {
				all = append(all, Socket{At: at, Link: "socket:[" + fields[9] + "]"})
			}
		}
	}
	return all
}

// Package attribution tells which program changed something on this host, as far
// as the kernel says so: of files by fanotify(7), of all else by the number of a
// process that a message of netlink(7) carries. vpnd itself, and what it starts, is
// never named. That something happened, others hear; who asks here gets names, or
// none.
package attribution

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"
)

// Program names a process of this host, as in "ip (process 4711)"; empty where
// it has ended already, and for vpnd, this one or another one, and what that
// started.
func Program(pid int) string {
	if pid == os.Getpid() || OfVpnd(pid) {
		return ""
	}
	name, _ := program(pid)
	return name
}

// itsName is what the kernel calls a process of vpnd.
const itsName = "vpnd"

// OfVpnd says whether a process is a vpnd, or one that a vpnd started: a command
// at work beside the agent is no other writer. Of one that has ended nobody knows.
func OfVpnd(pid int) bool {
	comm, parent := status(pid)
	if comm == itsName {
		return true
	}
	comm, _ = status(parent)
	return comm == itsName
}

// program returns the name of a process and the number of its parent; nothing
// where there is none of that number.
func program(pid int) (name string, parent int) {
	comm, parent := status(pid)
	return Named(comm, pid), parent
}

// status returns what the kernel calls a process and the number of its parent.
func status(pid int) (comm string, parent int) {
	if pid <= 0 {
		return "", 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	return parseStat(string(stat))
}

// parseStat reads "4711 (name) S 1 …", where 1 is the parent; proc(5). A name
// may be any bytes, parentheses among them.
func parseStat(stat string) (comm string, parent int) {
	from, to := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if from < 0 || to < from {
		return "", 0
	}
	if fields := strings.Fields(stat[to+1:]); len(fields) > 1 {
		parent, _ = strconv.Atoi(fields[1])
	}
	return stat[from+1 : to], parent
}

// Named says which process something was. Whoever runs a program says what it
// is called, and that must not reach a terminal as it is.
func Named(comm string, pid int) string {
	if comm == "" || pid <= 0 {
		return ""
	}
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, comm)
	return fmt.Sprintf("%s (process %d)", clean, pid)
}

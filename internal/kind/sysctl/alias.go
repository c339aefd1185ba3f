package sysctl

import (
	"strconv"
	"strings"
)

// twins are pairs of keys that are one variable of the kernel. Those of forwarding
// hold the same; of the others a write to one makes the other 0, or what it comes
// to in another unit.
var twins = [][2]string{
	{"net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"},
	{"vm.dirty_ratio", "vm.dirty_bytes"},
	{"vm.dirty_background_ratio", "vm.dirty_background_bytes"},
	{"vm.overcommit_ratio", "vm.overcommit_kbytes"},
}

// milliseconds ends the second name of what neighbours are timed by.
const milliseconds = "_ms"

// Aliases returns the other names of a key; see [Sysctl].
func (s *Sysctl) Aliases(name string) []string {
	for _, pair := range twins {
		switch name {
		case pair[0]:
			return []string{pair[1]}
		case pair[1]:
			return []string{pair[0]}
		}
	}
	if strings.Contains(name, ".neigh.") {
		base, inMilliseconds := strings.CutSuffix(name, milliseconds)
		switch {
		case inMilliseconds:
			return []string{base}
		case strings.HasSuffix(base, ".base_reachable_time"), strings.HasSuffix(base, ".retrans_time"):
			return []string{base + milliseconds}
		}
	}
	return nil
}

// Contradicts says whether two keys of one variable are to hold what can't be.
func (s *Sysctl) Contradicts(name, alias string, other any) bool {
	o, ok := other.(*Sysctl)
	if !ok || s.Value == nil || o.Value == nil {
		return false
	}
	mine, theirs := tidy(*s.Value), tidy(*o.Value)
	switch {
	case strings.HasPrefix(name, "vm."):
		return mine != "0" && theirs != "0"
	case strings.HasSuffix(name, ".base_reachable_time"), strings.HasSuffix(alias, ".base_reachable_time"):
		seconds, theMilliseconds := mine, theirs
		if strings.HasSuffix(name, milliseconds) {
			seconds, theMilliseconds = theirs, mine
		}
		n, err := strconv.ParseInt(seconds, 10, 64)
		return err != nil || strconv.FormatInt(n*1000, 10) != theMilliseconds
	case strings.Contains(name, ".retrans_time"):
		return true // one counts in ticks of the kernel
	}
	return mine != theirs
}

package link

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A target is what the name of a route says.
type target struct {
	dst   netip.Prefix
	table int
}

func (t target) family() int {
	if t.dst.Addr().Is4() {
		return netlink.FAMILY_V4
	}
	return netlink.FAMILY_V6
}

// metric is what the kernel gives a route that asks for none.
func (t target) metric() int {
	if t.dst.Addr().Is4() {
		return 0
	}
	return 1024
}

// String returns the one way to write the target as a name.
func (t target) String() string {
	dst := t.dst.String()
	if t.dst == defaultRoute {
		dst = "default"
	}
	if t.table == unix.RT_TABLE_MAIN {
		return dst
	}
	return fmt.Sprintf("%s table %d", dst, t.table)
}

var defaultRoute = netip.MustParsePrefix("0.0.0.0/0")

// A nameError says what is wrong with the name of a route, and the way out.
type nameError struct{ summary, hint string }

func (e *nameError) Error() string { return e.summary + "; " + e.hint }

// parseTarget reads the name of a route: CIDR or default, and perhaps a table.
// It takes only what String writes, or one route could have two names.
func parseTarget(name string) (target, *nameError) {
	to := target{table: unix.RT_TABLE_MAIN}
	dst, table, ok := strings.Cut(name, " table ")
	if ok {
		n, err := strconv.ParseUint(table, 10, 32)
		if err != nil || n == 0 || n == unix.RT_TABLE_LOCAL {
			return to, &nameError{
				fmt.Sprintf("%q is no routing table for routes of one's own", table),
				"write its number, 1 to 4294967295 without 255, as in " + strconv.Quote(dst+" table 100"),
			}
		}
		to.table = int(n)
	}
	var err error
	if dst == "default" {
		to.dst = defaultRoute
	} else if to.dst, err = netip.ParsePrefix(dst); err != nil {
		return to, unreadable(dst)
	}
	to.dst = to.dst.Masked()
	if to.dst.Addr().Is4In6() || to.dst.Addr().IsMulticast() {
		return to, unreadable(dst)
	}
	if to.String() != name {
		return to, &nameError{fmt.Sprintf("%q is not how the route is called", name), "write " + strconv.Quote(to.String())}
	}
	return to, nil
}

func unreadable(dst string) *nameError {
	hint := `write it as CIDR, as in "10.1.0.0/16", or default; ::/0 is the default route of IPv6`
	if addr, err := netip.ParseAddr(dst); err == nil && addr.Zone() == "" {
		hint = "write " + strconv.Quote(netip.PrefixFrom(addr, addr.BitLen()).String())
	}
	return &nameError{fmt.Sprintf("%q is no destination of a route", dst), hint}
}

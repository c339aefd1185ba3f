package link

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/process"
	"vpnd/internal/resource"
)

// Port wants nobody but units, which are started anew, to listen where one of them shall.
// An invalid address is every one, in both families where six says so.
func Port(transport string, addr netip.Addr, port uint16, six bool, units []string, plan resource.Prospect) *resource.Mistake {
	var links []string
	at := make(map[string]netip.AddrPort)
	for _, s := range process.Listening(transport) {
		if s.At.Port() == port && meets(s.At.Addr(), addr, six) {
			links = append(links, s.Link)
			at[s.Link] = s.At
		}
	}
	held := process.Holding(links)
	for _, link := range links {
		who := "somebody"
		mine := false
		for _, h := range held[link] {
			who = h.String()
			mine = h.Unit != "" && (slices.Contains(units, h.Unit) || plan.Leaves("unit", h.Unit))
		}
		if !mine {
			return &resource.Mistake{
				Summary: fmt.Sprintf("the port is taken: %s listens on %s/%s", who, transport, at[link]),
				Hint:    "choose another port, or stop that first" + socketHint(who),
			}
		}
	}
	return nil
}

// socketHint is for a port that systemd holds for a service.
func socketHint(who string) string {
	if strings.HasPrefix(who, "systemd ") {
		return "; a socket unit holds it, which systemctl list-sockets names"
	}
	return ""
}

// meets says whether two sockets of one port are in each other's way. One that
// listens on all of IPv6 most often listens on all of IPv4 as well.
func meets(there, addr netip.Addr, six bool) bool {
	switch {
	case there.IsUnspecified():
		return there.Is6() || !addr.IsValid() || addr.Is4()
	case addr.IsValid():
		return there == addr
	default:
		return there.Is4() || six
	}
}

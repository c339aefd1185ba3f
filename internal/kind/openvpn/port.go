package openvpn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

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

// Shared wants the host and the port to be known to which connections are passed on
// that speak something else; OpenVPN looks both up when it starts, and does not
// start without.
func Shared(ctx context.Context, host, port string) *resource.Mistake {
	var resolver net.Resolver
	if _, err := resolver.LookupPort(ctx, "tcp", port); err != nil || port == "0" {
		return &resource.Mistake{Summary: fmt.Sprintf("there is no service %q", port), Hint: "write the number of a port, or a name that getent services lists"}
	}
	ctx, cancel := context.WithTimeout(ctx, lookup)
	defer cancel()
	_, err := resolver.LookupHost(ctx, host)
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &dns) && dns.IsNotFound:
		return &resource.Mistake{Summary: fmt.Sprintf("there is no host %q", host), Hint: "write an address, or a name that getent hosts finds"}
	default:
		return &resource.Mistake{Summary: fmt.Sprintf("whether there is a host %s is not known now", host), Hint: "OpenVPN does not start where it can't look it up; write an address", Warning: true}
	}
}

// lookup is how long a name may take to be looked up.
const lookup = 3 * time.Second

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

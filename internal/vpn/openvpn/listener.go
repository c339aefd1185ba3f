package openvpn

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// listener is where a server listens.
type listener struct {
	protocol string     // udp, udp4, udp6, tcp, tcp4, tcp6
	address  netip.Addr // invalid: all
	port     uint16
}

var protocols = []string{"udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"}

// parseListener reads udp/1194, udp/192.0.2.1:1194 or udp6/[2001:db8::1]:1194.
func parseListener(s string) (listener, error) {
	bad := fmt.Errorf("%q is no listener", s)
	protocol, where, ok := strings.Cut(s, "/")
	if !ok || !slices.Contains(protocols, protocol) {
		return listener{}, bad
	}
	if port, err := strconv.ParseUint(where, 10, 16); err == nil && port > 0 {
		return listener{protocol: protocol, port: uint16(port)}, nil
	}
	to, err := netip.ParseAddrPort(where)
	if err != nil || to.Port() == 0 || to.Addr().Zone() != "" {
		return listener{}, bad
	}
	l := listener{protocol: protocol, address: to.Addr(), port: to.Port()}
	if l.address.Is6() == strings.HasSuffix(protocol, "4") || l.address.Is4() == strings.HasSuffix(protocol, "6") {
		if len(protocol) > 3 {
			return listener{}, fmt.Errorf("%s is no address of %s", l.address, protocol)
		}
	}
	if len(protocol) == 3 && l.address.Is6() {
		l.protocol += "6"
	}
	return l, nil
}

// name is the listener as part of the name of a unit or a file.
func (l listener) name() string {
	return strings.Trim(strings.NewReplacer("/", "-", ":", "-", "[", "", "]", "").Replace(l.String()), "-")
}

// String is the listener as listen has it.
func (l listener) String() string {
	if l.address.IsValid() {
		return l.protocol + "/" + netip.AddrPortFrom(l.address, l.port).String()
	}
	return l.protocol + "/" + strconv.Itoa(int(l.port))
}

// meets says whether two listeners are in each other's way.
func (l listener) meets(other listener) bool {
	if l.transport() != other.transport() || l.port != other.port {
		return false
	}
	if l.address.IsValid() && other.address.IsValid() {
		return l.address == other.address
	}
	return slices.ContainsFunc(l.families(), func(family string) bool { return slices.Contains(other.families(), family) })
}

// transport is udp or tcp.
func (l listener) transport() string { return l.protocol[:3] }

// claim is the listener in the words of a claim.
func (l listener) claim() string {
	if l.address.IsValid() {
		return l.transport() + "/" + netip.AddrPortFrom(l.address, l.port).String()
	}
	return l.transport() + "/" + strconv.Itoa(int(l.port))
}

// families returns those the listener takes packets of: a socket for IPv6
// without an address takes both.
func (l listener) families() []string {
	switch {
	case !strings.HasSuffix(l.protocol, "6"):
		return []string{"ip"}
	case l.address.IsValid():
		return []string{"ip6"}
	default:
		return []string{"ip", "ip6"}
	}
}

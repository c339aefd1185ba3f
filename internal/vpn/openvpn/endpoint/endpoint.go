// Package endpoint reads where OpenVPN listens, and where it is dialled.
package endpoint

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Listener is where a server listens.
type Listener struct {
	Protocol string     // udp, udp4, udp6, tcp, tcp4, tcp6
	Address  netip.Addr // invalid: all
	Port     uint16
}

// Protocols are those of OpenVPN; those that end in 6 take both families.
var Protocols = []string{"udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"}

// ParseListener reads udp/1194, udp/192.0.2.1:1194 or udp6/[2001:db8::1]:1194.
func ParseListener(s string) (Listener, error) {
	bad := fmt.Errorf("%q is no listener", s)
	protocol, where, ok := strings.Cut(s, "/")
	if !ok || !slices.Contains(Protocols, protocol) {
		return Listener{}, bad
	}
	if port, err := strconv.ParseUint(where, 10, 16); err == nil && port > 0 {
		return Listener{Protocol: protocol, Port: uint16(port)}, nil
	}
	to, err := netip.ParseAddrPort(where)
	if err != nil || to.Port() == 0 || to.Addr().Zone() != "" {
		return Listener{}, bad
	}
	l := Listener{Protocol: protocol, Address: to.Addr(), Port: to.Port()}
	if l.Address.Is6() == strings.HasSuffix(protocol, "4") || l.Address.Is4() == strings.HasSuffix(protocol, "6") {
		if len(protocol) > 3 {
			return Listener{}, fmt.Errorf("%s is no address of %s", l.Address, protocol)
		}
	}
	if len(protocol) == 3 && l.Address.Is6() {
		l.Protocol += "6"
	}
	return l, nil
}

// Socket is the listener as one of several of a process has it behind local, openvpn(8):
// address, port and protocol. There the protocol alone says nothing of the family.
func (l Listener) Socket() []string {
	address, version := l.Address, "4"
	switch {
	case address.IsValid():
		if address.Is6() {
			version = "6"
		}
	case strings.HasSuffix(l.Protocol, "6"):
		address, version = netip.IPv6Unspecified(), "6" // which takes IPv4 too
	default:
		address = netip.IPv4Unspecified()
	}
	protocol := l.Transport() + version
	if l.Transport() == "tcp" {
		protocol += "-server"
	}
	return []string{address.String(), strconv.Itoa(int(l.Port)), protocol}
}

// Name is the listener as part of the name of a unit or a file.
func (l Listener) Name() string {
	return strings.Trim(strings.NewReplacer("/", "-", ":", "-", "[", "", "]", "").Replace(l.String()), "-")
}

// String is the listener as listen has it.
func (l Listener) String() string {
	if l.Address.IsValid() {
		return l.Protocol + "/" + netip.AddrPortFrom(l.Address, l.Port).String()
	}
	return l.Protocol + "/" + strconv.Itoa(int(l.Port))
}

// Meets says whether two listeners are in each other's way.
func (l Listener) Meets(other Listener) bool {
	if l.Transport() != other.Transport() || l.Port != other.Port {
		return false
	}
	if l.Address.IsValid() && other.Address.IsValid() {
		return l.Address == other.Address
	}
	return slices.ContainsFunc(l.Families(), func(family string) bool { return slices.Contains(other.Families(), family) })
}

// Transport is udp or tcp.
func (l Listener) Transport() string { return l.Protocol[:3] }

// Claim is the listener in the words of a claim.
func (l Listener) Claim() string {
	if l.Address.IsValid() {
		return l.Transport() + "/" + netip.AddrPortFrom(l.Address, l.Port).String()
	}
	return l.Transport() + "/" + strconv.Itoa(int(l.Port))
}

// Families returns those the listener takes packets of: a socket for IPv6
// without an address takes both.
func (l Listener) Families() []string {
	switch {
	case !strings.HasSuffix(l.Protocol, "6"):
		return []string{"ip"}
	case l.Address.IsValid():
		return []string{"ip6"}
	default:
		return []string{"ip", "ip6"}
	}
}

// A Remote is what profiles dial, as the configuration has it.
type Remote struct {
	Transport string // udp or tcp; empty for whatever is listened on
	Host      string
	Port      uint16 // 0 for the one listened on
}

// ParseRemote reads vpn.example.com, 192.0.2.1:443, [2001:db8::1]:443 or
// tcp/vpn.example.com:443.
func ParseRemote(s string) (Remote, error) {
	var r Remote
	rest := s
	if transport, host, ok := strings.Cut(s, "/"); ok && (transport == "udp" || transport == "tcp") {
		r.Transport, rest = transport, host
	}
	bad := fmt.Errorf("%q is neither a host name nor an address; write it as in vpn.example.com, 192.0.2.1:443 or [2001:db8::1]:443", s)
	if addr, err := netip.ParseAddr(rest); err == nil && addr.Zone() == "" {
		r.Host = addr.String()
		return r, nil
	}
	if to, err := netip.ParseAddrPort(rest); err == nil && to.Port() > 0 && to.Addr().Zone() == "" {
		r.Host, r.Port = to.Addr().String(), to.Port()
		return r, nil
	}
	host, number, given := strings.Cut(rest, ":")
	if !IsHost(host) {
		return Remote{}, bad
	}
	r.Host = host
	if !given {
		return r, nil
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return Remote{}, bad
	}
	r.Port = uint16(n)
	return r, nil
}

// Leads says whether who dials it can come to a listener.
func (r Remote) Leads(l Listener) bool {
	if r.Transport != "" && r.Transport != l.Transport() {
		return false
	}
	addr, err := netip.ParseAddr(r.Host)
	return err != nil || l.Takes(addr.Is6())
}

// Takes says whether packets of a family can come to the listener.
func (l Listener) Takes(six bool) bool {
	if six {
		return slices.Contains(l.Families(), "ip6")
	}
	return slices.Contains(l.Families(), "ip")
}

var isHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)

// IsHost says whether text is the name of a host, or of a domain.
func IsHost(text string) bool { return isHost.MatchString(text) && len(text) <= 253 }

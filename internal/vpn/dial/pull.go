package dial

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// harmless begins what a server may push in any case: how both talk. Each has its blank
// behind it, so that it is the whole word.
var harmless = []string{
	"route-gateway ", "topology ", "tun-mtu ", "peer-id ", "cipher ", "protocol-flags ", "key-derivation ",
	"auth-token ", "auth-token-user ", "explicit-exit-notify", "compress ", "comp-lzo ", "session-timeout ", "mssfix ",
}

// lively is what it may push of how a dead server is noticed, unless the block says it.
var lively = []string{"ping ", "ping-restart "}

// nearby begins routes to private addresses: RFC 1918, RFC 4193. What is
// pushed has to be written so, and the mask has to fit, or neither OpenVPN nor the kernel
// takes it: there is no route to 10.0.0.0 that is wider than 10.0.0.0/7.
var nearby = func() []string {
	all := []string{"route 10.", "route 192.168."}
	for i := 16; i < 32; i++ {
		all = append(all, "route 172."+strconv.Itoa(i)+".")
	}
	return append(all, "route-ipv6 fd", "route-ipv6 fc")
}()

// addresses begins those that the server may give to this host; how much comes with one is
// looked at once it is there ([connection.Connection]).
func (s *settings) addresses() []string {
	if len(s.AcceptAddresses) == 0 {
		all := []string{"ifconfig 10.", "ifconfig 192.168.", "ifconfig 100.", "ifconfig-ipv6 fd", "ifconfig-ipv6 fc"}
		for i := 16; i < 32; i++ {
			all = append(all, "ifconfig 172."+strconv.Itoa(i)+".")
		}
		return all
	}
	var all []string
	for _, p := range s.AcceptAddresses {
		begins := "ifconfig "
		if p.Addr().Is6() {
			begins = "ifconfig-ipv6 "
			if bytes := p.Addr().As16(); p.Bits() >= 16 {
				begins += strconv.FormatUint(uint64(bytes[0])<<8|uint64(bytes[1]), 16) + ":"
			}
		} else {
			for _, one := range p.Addr().AsSlice()[:p.Bits()/8] {
				begins += strconv.Itoa(int(one)) + "."
			}
			if p.Bits() == p.Addr().BitLen() {
				begins = strings.TrimSuffix(begins, ".") + " "
			}
		}
		all = append(all, begins)
	}
	return all
}

// yielding is a metric higher than what links and gateways of a host have: what a server
// pushes for a network that this host is in, or has a way to, takes nothing away. Without
// one, OpenVPN puts its route before the one that is there.
const yielding = "5000"

// pulls are the filters of what the server pushes. OpenVPN goes by the first that fits,
// and compares beginnings; the last one fits all.
func (s *settings) pulls() []string {
	accept := slices.Concat(s.addresses(), harmless)
	if s.Keepalive == nil {
		accept = append(accept, lively...)
	}
	switch {
	case s.AcceptRoutes != nil:
		for _, p := range s.AcceptRoutes {
			accept = append(accept, route(p))
		}
	case !s.NoRoutes:
		accept = append(accept, nearby...)
	}
	all := []string{"# Of what the server pushes this is taken, and nothing else."}
	if !s.says("route-metric") {
		all = append(all, openvpn.Line("route-metric", yielding))
	}
	if resource.Or(s.RedirectGateway, false) {
		all = append(all, openvpn.Line("redirect-gateway", "def1", "ipv6"))
	}
	for _, beginning := range accept {
		all = append(all, `pull-filter accept "`+beginning+`"`)
	}
	return append(all, `pull-filter ignore ""`)
}

// networksBehindServer are those that lead through the tunnel, of the block and of the
// profile.
func (s *settings) networksBehindServer() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range slices.Concat(s.Client.Routes, s.reading.Routes) {
		if !slices.Contains(all, p.Masked()) {
			all = append(all, p.Masked())
		}
	}
	return all
}

// route writes the directive of a route through the tunnel.
func route(p netip.Prefix) string {
	if p.Addr().Is6() {
		return openvpn.Line("route-ipv6", p.Masked().String())
	}
	return openvpn.Line("route", p.Masked().Addr().String(), subnet.Mask(p))
}

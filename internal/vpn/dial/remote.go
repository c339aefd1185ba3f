package dial

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"vpnd/internal/vpn/dial/profile"
)

// protocols are those in which a server is dialled.
var protocols = []string{"udp", "tcp", "udp4", "tcp4", "udp6", "tcp6"}

// parseRemote reads vpn.example.com, vpn.example.com:443 or tcp/[2001:db8::1]:443.
func parseRemote(text string) (profile.Remote, error) {
	r := profile.Remote{Protocol: "udp", Port: 1194}
	bad := fmt.Errorf("%q is nobody to dial", text)
	where := text
	if before, after, ok := strings.Cut(text, "/"); ok {
		r.Protocol, where = before, after
		if !isProtocol(before) {
			return r, bad
		}
	}
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(where, "["), "]")); err == nil {
		r.Host = addr.String()
	} else if to, err := netip.ParseAddrPort(where); err == nil {
		r.Host, r.Port = to.Addr().String(), to.Port()
	} else {
		host, port, given := strings.Cut(where, ":")
		n, err := strconv.ParseUint(port, 10, 16)
		if given && err != nil {
			return r, bad
		}
		if r.Host = host; given {
			r.Port = uint16(n)
		}
	}
	if !profile.Host(r.Host) || r.Port == 0 {
		return r, bad
	}
	return r, nil
}

func isProtocol(text string) bool {
	for _, p := range protocols {
		if p == text {
			return true
		}
	}
	return false
}

package openvpn

import (
	"fmt"
	"net/netip"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/vpn/openvpn/auth"
	"vpnd/internal/vpn/openvpn/subnet"
)

// directives are the lines of a configuration of OpenVPN.
type directives []string

// add appends a directive; each argument stays one.
func (d *directives) add(name string, args ...string) {
	*d = append(*d, openvpn.Line(name, args...))
}

// addAll appends directives of another room.
func (d *directives) addAll(all []auth.Directive) {
	for _, one := range all {
		d.add(one[0], one[1:]...)
	}
}

// raw appends lines that the user wrote, which checkOption passed.
func (d *directives) raw(lines []string) { *d = append(*d, lines...) }

func (d *directives) text(header string) string {
	return header + strings.Join(append(*d, ""), "\n")
}

// header is the first line of every file made for a block.
func header(name string) string {
	return fmt.Sprintf("# Made by vpnd for openvpn_server.%s; edits are undone. Change /etc/vpnd instead.\n", name)
}

// route writes a network as the arguments of route or iroute and says how the
// directive of its family ends.
func route(p netip.Prefix) (suffix string, args []string) {
	if p.Addr().Is6() {
		return "-ipv6", []string{p.Masked().String()}
	}
	return "", []string{p.Masked().Addr().String(), subnet.Mask(p)}
}

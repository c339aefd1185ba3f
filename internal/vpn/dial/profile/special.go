package profile

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"vpnd/internal/kind/openvpn"
)

// specials are the directives that special judges.
var specials = []string{
	"remote", "proto", "port", "rport", connection, "dev", "mode", "cipher", "ncp-ciphers", "data-ciphers", "data-ciphers-fallback", "auth", "comp-lzo", "compress", "allow-compression",
	"ns-cert-type", "remote-cert-tls", "verify-x509-name", "tls-version-min", "peer-fingerprint", "auth-user-pass", "askpass", "key-direction", "dh",
	"route", "route-ipv6", "route-nopull", "pull-filter", "redirect-gateway", "redirect-private", "http-proxy", "http-proxy-option", "socks-proxy", "auth-retry", "setenv", "setenv-safe",
}

// special returns who judges a directive that needs a closer look, nil where none does.
func (j *judge) special(name string) func(Directive) {
	switch name {
	case "remote", "proto", "port", "rport", connection:
		return j.peer
	case "dev", "mode":
		return j.device
	case "cipher", "ncp-ciphers", "data-ciphers", "data-ciphers-fallback", "auth", "comp-lzo", "compress", "allow-compression", "tls-version-min":
		return j.channel
	case "ns-cert-type", "remote-cert-tls", "verify-x509-name", "peer-fingerprint", "dh", "key-direction":
		return j.trust
	case "auth-user-pass", "askpass":
		return j.login
	case "route", "route-ipv6", "route-nopull", "pull-filter", "redirect-gateway", "redirect-private":
		return j.routing
	case "http-proxy", "http-proxy-option", "socks-proxy":
		return j.proxy
	case "auth-retry", "setenv", "setenv-safe":
		return j.rest
	}
	return nil
}

var (
	hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)
	protocol = regexp.MustCompile(`^(udp|tcp)[46]?(-client)?$`)
)

// Host says whether it is an address, or a name of a host.
func Host(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == ""
	}
	return hostForm.MatchString(name) && len(name) <= 253
}

// peer is whom it dials.
func (j *judge) peer(d Directive) {
	args := d.args()
	switch name := d.name(); {
	case name == connection:
		j.connection(d)
	case name == "remote":
		if j.dials(d) {
			j.keep(d)
		}
	case len(args) != 1 || name == "proto" && !protocol.MatchString(args[0]):
		j.told.wrong(d.Line, fmt.Sprintf("this is no %s of a client", name), "write it as in proto udp and port 1194")
	case name == "proto":
		j.protocol = args[0]
		j.keep(d)
	default:
		j.port = args[0]
		j.Lines = append(j.Lines, openvpn.Line("rport", args[0])) // port would be its own too
	}
}

// dials judges a remote.
func (j *judge) dials(d Directive) bool {
	args := d.args()
	switch {
	case len(args) == 0 || len(args) > 3 || !Host(args[0]):
		j.told.wrong(d.Line, "this is nobody to dial", "write a name or an address, a port and a protocol, as in remote vpn.example.com 1194 udp")
		return false
	case len(args) == 3 && !protocol.MatchString(args[2]):
		j.told.wrong(d.Line, fmt.Sprintf("%q is no protocol of a client", args[2]), "write udp or tcp, or one of them with 4 or 6 behind it")
		return false
	}
	r := dialled{line: d.Line, host: args[0]}
	if len(args) > 1 {
		r.port = args[1]
	}
	if len(args) > 2 {
		r.protocol = args[2]
	}
	j.remotes = append(j.remotes, r)
	return true
}

// connection is a remote with what holds for it alone.
func (j *judge) connection(d Directive) {
	if !d.inline() {
		j.told.wrong(d.Line, "connection is a tag", "write <connection>, and </connection> behind what holds for one remote")
		return
	}
	inner := &judge{ignored: j.ignored, protocol: j.protocol, port: j.port}
	for _, one := range d.Within {
		name := one.name()
		if name != "remote" && name != "proto" && name != "port" && name != "rport" && !within[name] && !replaced[name] {
			if special := inner.special(name); special == nil && !kept[name] && refused[name] == "" && gone[name] == "" && !server[name] {
				inner.unknown(one)
				continue
			}
			inner.told.wrong(one.Line, fmt.Sprintf("%s can't stand within <connection>", called(name)), "put it before or behind, where it holds for all")
			continue
		}
		inner.directive(one)
	}
	j.told.all = append(j.told.all, inner.told.all...)
	for _, name := range inner.Left {
		j.leave(name)
	}
	for _, r := range inner.remotes {
		if r.port == "" {
			r.port = inner.port
		}
		if r.protocol == "" {
			r.protocol = inner.protocol
		}
		j.remotes = append(j.remotes, r)
	}
	j.Lines = append(append(append(j.Lines, "<connection>"), inner.Lines...), "</connection>")
}

// within are what can hold for one remote alone.
var within = set(
	"bind", "connect-retry", "connect-retry-max", "connect-timeout", "explicit-exit-notify", "float", "fragment",
	"lport", "mssfix", "mtu-disc", "nobind", "server-poll-timeout", "socks-proxy-retry", "tun-mtu", "tun-mtu-extra",
)

// device is what kind of tunnel it is.
func (j *judge) device(d Directive) {
	args := strings.Join(d.args(), " ")
	switch {
	case d.name() == "mode" && args != "p2p":
		j.told.wrong(d.Line, "a client is no server", "delete it")
	case d.name() == "dev" && strings.HasPrefix(args, "tap"):
		j.told.wrong(d.Line, "tap joins the networks of both sides to one, which vpnd does not do", "ask for a profile with dev tun")
	default:
		j.left(d)
	}
}

// proxy is whom it dials through. What it reads is secret.
func (j *judge) proxy(d Directive) {
	args := d.args()
	if d.name() == "http-proxy-option" {
		if len(args) == 0 || args[0] != "VERSION" && args[0] != "AGENT" {
			j.told.wrong(d.Line, "a header may hold a secret, which everybody would see", "delete it; "+proxied)
			return
		}
		j.keep(d)
		return
	}
	if len(args) == 0 || !Host(args[0]) || len(args) > 1 && !isPort(args[1]) {
		j.told.wrong(d.Line, "this is no proxy", "write a host and a port, as in http-proxy proxy.example.com 3128")
		return
	}
	if len(args) > 2 {
		j.told.wrong(d.Line, "a proxy that wants a password is not supported in a profile", proxied)
		return
	}
	j.keep(d)
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

var variable = regexp.MustCompile(`^(UV_[A-Z0-9_]{1,60}|FRIENDLY_NAME|CLIENT_CERT|PROFILE_NAME|USERNAME|SERVER)$`)

func (j *judge) rest(d Directive) {
	args := d.args()
	switch {
	case d.name() == "auth-retry":
		j.left(d)
	case len(args) == 0 || !variable.MatchString(args[0]):
		j.told.wrong(d.Line, "this would be in the environment of programs, which can make another program of them", "delete it")
	case strings.HasPrefix(args[0], "UV_") && d.name() == "setenv": // servers take tokens and the like by it
		j.Hidden = append(j.Hidden, openvpn.Line(d.name(), args...))
	default:
		j.left(d)
	}
}

package ssh

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// An End is where a forward listens or leads to: a port of a host, or a socket.
type End struct {
	Host string // an address or a name; empty is all addresses, or the loopback one where the peer has it so
	Port int    // 0 for a socket
	Path string // of a socket; empty for a port
}

var (
	// What stands in a configuration of ssh as one word.
	pathForm = regexp.MustCompile(`^/[A-Za-z0-9_.@+/-]*[A-Za-z0-9_.@+-]$`)
	hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$`)
)

// maxSocket is how long the path of a socket may be, in bytes; unix(7).
const maxSocket = 107

// ParseEnd reads PORT where that is allowed, HOST:PORT or an absolute path. What it
// takes is one harmless word for every program that it is written for.
func ParseEnd(text string, bare bool) (End, error) {
	if strings.HasPrefix(text, "/") {
		if !pathForm.MatchString(text) || path.Clean(text) != text {
			return End{}, errors.New("a path of a socket has letters, digits, dots, dashes, @ and + alone")
		}
		if len(text) > maxSocket {
			return End{}, fmt.Errorf("the path of a socket has at most %d bytes", maxSocket)
		}
		return End{Path: text}, nil
	}
	host, port := "", text
	if !bare || strings.Contains(text, ":") {
		var err error
		if host, port, err = net.SplitHostPort(text); err != nil {
			return End{}, errors.New("it has no port; write HOST:PORT, an address of IPv6 in brackets")
		}
		if !Host(host) && host != "*" {
			return End{}, fmt.Errorf("%q is neither an address nor a name of a host", host)
		}
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
		return End{}, fmt.Errorf("%q is no port; write a number between 1 and 65535", port)
	}
	return End{Host: host, Port: n}, nil
}

// Host says whether it is an address or a name of a host, and nothing that a program
// could take for an option, a pattern or an expression.
func Host(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == ""
	}
	return hostForm.MatchString(name) && len(name) <= 253
}

// String writes it as ssh_config(5) wants it.
func (e End) String() string {
	switch {
	case e.Path != "":
		return e.Path
	case e.Host == "":
		return strconv.Itoa(e.Port)
	}
	return net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
}

// Everywhere says whether it listens at all addresses of the host.
func (e End) Everywhere() bool {
	addr, err := netip.ParseAddr(e.Host)
	return e.Host == "*" || err == nil && addr.IsUnspecified()
}

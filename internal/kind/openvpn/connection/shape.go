// Package connection converges what an OpenVPN client is for: that it is connected, and
// that what goes through the tunnel finds its way there.
//
// A process that runs says little: it dials for ever. So its management interface is
// asked how it stands, and the kernel for its interface, its addresses and its routes;
// and where it is down its last words are put into words that a person can act on.
package connection

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Connection is that of an OpenVPN client. Its name is that of the client: of its unit,
// its configuration and its management socket. The block openvpn_client makes it.
type Connection struct {
	Dev         *string        `vpnd:"dev,hint,required" doc:"its tun interface, which OpenVPN itself makes"`
	Peers       []string       `vpnd:"peers,hint" doc:"whom it dials, as in udp/vpn.example.com:1194"`
	Routes      []netip.Prefix `vpnd:"routes,hint" doc:"networks that lead through it"`
	Accept      []netip.Prefix `vpnd:"accept,hint" doc:"networks that its own may be part of; left out, private ones"`
	Certificate *string        `vpnd:"certificate,hint" doc:"path of its certificate"`
	Shield      *string        `vpnd:"tls_key,hint" doc:"what shields the control channel, as in tls-crypt"`
	Login       *bool          `vpnd:"login,hint" doc:"whether it logs in by name and password"`

	Running   *bool   `vpnd:"running,computed" doc:"whether its unit runs, or is started again and again"`
	Connected *bool   `vpnd:"connected,computed" doc:"whether it is connected, and its interface and its routes stand"`
	Down      *string `vpnd:"down,computed,hint" doc:"why it is down"`

	Server    *Word        `vpnd:"server,computed,hint" doc:"address and port of the server"`
	Addresses []netip.Addr `vpnd:"addresses,computed,hint" doc:"its addresses in the VPN"`
	Since     *time.Time   `vpnd:"since,computed,hint" doc:"since when it is connected, RFC 3339 in UTC"`
	Expires   *time.Time   `vpnd:"certificate_ends,computed,hint" doc:"when its certificate runs out, RFC 3339 in UTC"`
	In        *int         `vpnd:"in_bytes,computed,hint" doc:"bytes that came in since"`
	Out       *int         `vpnd:"out_bytes,computed,hint" doc:"bytes that went out since"`
}

// A Word is what a plan does not repeat.
type Word string

// Traits are what connections are. One that goes down again and again is dialled again and again: that is
// the way of networks, and nobody has to be at work against it.
var Traits = resource.Traits{NeedsHost: true, Slow: true, StartsLater: true, View: resource.Tunnels, Essential: resource.All}

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	deviceForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
)

// Validate says what is wrong with the block.
func (c *Connection) Validate(name string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if !nameForm.MatchString(name) {
		add("", "use letters, digits, dashes and underscores", "%q can't be the name of a client of OpenVPN", name)
	}
	if dev := resource.Or(c.Dev, "tun0"); !deviceForm.MatchString(dev) {
		add("dev", "write it as in tun-hq, of at most 15 letters, digits, dots and dashes", "%q is no name of an interface", dev)
	}
	return found
}

// soon is how long before its end a certificate should have been replaced. Nobody here
// can renew it.
const soon = 30 * 24 * time.Hour

// Ends tells when its certificate runs out.
func (c *Connection) Ends() resource.End {
	at := resource.Or(c.Expires, time.Time{})
	return resource.End{At: at, Fresh: time.Until(at) > soon}
}

// because begins the reason why one is down.
const because = "because "

// Tunnels tells how the tunnel stands.
func (c *Connection) Tunnels() []resource.TunnelState {
	s := resource.TunnelState{
		Up:       resource.Or(c.Connected, false),
		Attached: resource.Or(c.Running, false),
		Why:      strings.TrimPrefix(resource.Or(c.Down, ""), because),
		Peer:     string(resource.Or(c.Server, "")),
		Since:    resource.Or(c.Since, time.Time{}),
		In:       uint64(resource.Or(c.In, 0)),
		Out:      uint64(resource.Or(c.Out, 0)),
	}
	if s.Peer == "" && len(c.Peers) > 0 {
		s.Peer = c.Peers[0]
	}
	for _, a := range c.Addresses {
		s.Local = append(s.Local, a.String())
	}
	for _, p := range c.Routes {
		s.Remote = append(s.Remote, p.String())
	}
	return []resource.TunnelState{s}
}

// Package ssh converges what an SSH tunnel is for: that its forwarded ports answer.
//
// A tunnel that looks alive and is dead is the usual complaint, so more is looked
// at than whether a process runs: whether it came through authentication, which its
// control socket tells; whether it listens where it shall; when it last heard of the
// peer, whom ssh asks for a sign of life every few seconds and whose answers the
// kernel knows of; and, now and then, whether the port leads anywhere.
package ssh

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/resource"
)

// Forward is what a tunnel of OpenSSH forwards. Its name is that of the tunnel. The
// block ssh_tunnel makes it, beside the unit that holds the tunnel.
type Forward struct {
	Unit      *string            `vpnd:"unit,hint,required" doc:"unit of systemd that holds the tunnel"`
	User      *string            `vpnd:"user,hint,required" doc:"account that it runs under, and nothing else does"`
	Peer      *string            `vpnd:"peer,hint,required" doc:"whom it dials, as in tunnel@bastion.example.com:22"`
	Control   *string            `vpnd:"control,hint,required" doc:"path of the control socket, which is there once the peer has let it in"`
	Locals    []Local            `vpnd:"local,block,hint" doc:"a port or socket here that leads to the peer's side"`
	Dynamic   []string           `vpnd:"dynamic,hint" doc:"where it is a SOCKS proxy, as ADDRESS:PORT"`
	Remote    []string           `vpnd:"remote,hint" doc:"what leads from the peer's side to this one, in words"`
	PublicKey *string            `vpnd:"public_key,hint" doc:"path of the public key that the peer has to know"`
	Silence   *resource.Duration `vpnd:"silence,hint" doc:"how long the peer may be silent until it counts as gone" default:"15s"`

	Answers *bool   `vpnd:"answers,computed" doc:"whether the tunnel is up and its ports lead through it"`
	Down    *string `vpnd:"down,computed,hint" doc:"why it is down"`
	Beyond  *string `vpnd:"beyond_the_tunnel,computed,hint" doc:"what is wrong behind the peer, where the tunnel itself is well"`

	Running *bool      `vpnd:"running,computed,hint" doc:"whether the unit runs"`
	Address *Word      `vpnd:"address,computed,hint" doc:"the peer's address and port"`
	Since   *time.Time `vpnd:"since,computed,hint" doc:"since when it is up, RFC 3339 in UTC"`
	In      *int       `vpnd:"in_bytes,computed,hint" doc:"bytes that came in since"`
	Out     *int       `vpnd:"out_bytes,computed,hint" doc:"bytes that went out since"`
}

// A Word is what a plan does not repeat.
type Word string

// Local is a port or a socket here that leads to the peer's side.
type Local struct {
	Listen *string            `vpnd:"listen,required" doc:"where it listens: ADDRESS:PORT or the path of a socket"`
	To     *string            `vpnd:"to,required" doc:"where it leads: HOST:PORT as the peer sees it, or the path of a socket there"`
	Probe  *resource.Duration `vpnd:"probe" doc:"how often it is tried by a connection that says nothing; 0s is never" default:"1m"`
}

// Traits are what tunnels are. There is nothing on the host to take away: it goes
// with its unit. One that goes down again and again is dialled again and again: that
// is the way of networks, and nobody has to be at work against it.
var Traits = resource.Traits{Keeps: true, NeedsHost: true, Slow: true, StartsLater: true, View: resource.Tunnels, Essential: resource.All}

var (
	unitForm    = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+\.service$`)
	accountForm = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
)

// Validate says what is wrong with the block.
func (f *Forward) Validate(string) []resource.Mistake {
	var found []resource.Mistake
	add := func(path, hint, format string, args ...any) {
		found = append(found, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
	}
	if u := resource.Or(f.Unit, "x.service"); !unitForm.MatchString(u) {
		add("unit", "write it as in vpnd-ssh-db.service", "%q is no name of a service", u)
	}
	if u := resource.Or(f.User, "x"); !accountForm.MatchString(u) {
		add("user", "write it as in vpnd-ssh-db", "%q is no name of an account", u)
	}
	if c := resource.Or(f.Control, "/x"); !path.IsAbs(c) || path.Clean(c) != c {
		add("control", "write an absolute path", "%q is no path of a socket", c)
	}
	for _, at := range f.listens() {
		if _, err := ParseEnd(at, false); err != nil {
			add("", "write ADDRESS:PORT or an absolute path", "%q is no place to listen at: %v", at, err)
		}
	}
	return found
}

// listens are all places here at which it listens.
func (f *Forward) listens() []string {
	var all []string
	for _, l := range f.Locals {
		all = append(all, resource.Or(l.Listen, ""))
	}
	return append(all, f.Dynamic...)
}

// Tunnels tells how the tunnel stands.
func (f *Forward) Tunnels() []resource.TunnelState {
	s := resource.TunnelState{
		Up:       resource.Or(f.Answers, false),
		Attached: resource.Or(f.Running, false),
		Peer:     string(resource.Or(f.Address, "")),
		Since:    resource.Or(f.Since, time.Time{}),
		In:       uint64(resource.Or(f.In, 0)),
		Out:      uint64(resource.Or(f.Out, 0)),
		Local:    f.listens(),
		Remote:   slices.Clone(f.Remote),
	}
	for _, l := range f.Locals {
		s.Remote = append(s.Remote, resource.Or(l.To, ""))
	}
	switch down, beyond := resource.Or(f.Down, ""), resource.Or(f.Beyond, ""); {
	case down != "":
		s.Why = strings.TrimPrefix(down, because)
	case beyond != "":
		s.Why = "it is up; beyond it " + beyond
	}
	if s.Peer == "" {
		s.Peer = resource.Or(f.Peer, "")
	}
	return []resource.TunnelState{s}
}

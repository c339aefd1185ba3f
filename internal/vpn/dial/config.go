package dial

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/openvpn/connection"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/dial/profile"
)

// settings are a valid block with all that follows from it.
type settings struct {
	*Client
	*reading
	name  string
	place connection.Place
}

func (c *Client) settle(name string) *settings {
	return &settings{Client: c, reading: c.read(), name: name, place: connection.Place(name)}
}

// dev is its interface.
func (s *settings) dev() string { return resource.Or(s.Dev, "tun-"+s.name) }

func header(name string) string {
	return fmt.Sprintf("# Made by vpnd for openvpn_client.%s; edits are undone. Change /etc/vpnd instead.\n", name)
}

// text is the configuration.
func (s *settings) text() string {
	text := header(s.name)
	if len(s.Left) > 0 {
		text += remark("In the place of what the profile says of " + strings.Join(s.Left, ", ") + " stands what vpnd does.")
	}
	return text + strings.Join(append(s.lines(), ""), "\n")
}

// remark writes a comment in lines that OpenVPN can read to their ends.
func remark(text string) string {
	const width = 100
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+len(word) > width {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

func (s *settings) lines() []string {
	var all []string
	say := func(name string, args ...string) { all = append(all, openvpn.Line(name, args...)) }
	say("client")
	say("dev", s.dev())
	say("dev-type", "tun")
	all = append(all, s.Lines...)
	for _, f := range s.files() {
		say(f.directive, append([]string{f.path}, f.rest...)...)
	}
	if s.has("ca") {
		say("remote-cert-tls", "server")
	}
	s.dials(say)
	s.sizes(say)
	for _, p := range s.networksBehindServer() {
		all = append(all, route(p))
	}
	all = append(all, s.pulls()...)
	say("nobind")
	say("persist-key") // both are out of reach once privileges are dropped
	say("persist-tun")
	if user := resource.Or(s.User, "nobody"); user != "root" {
		say("user", user)
		say("group", resource.Or(s.Group, "nogroup"))
	}
	say("management", s.place.Management(), "unix")
	say("verb", strconv.Itoa(resource.Or(s.Verb, 2)))
	return all
}

// dials is how it dials again. A server that is back is found within half a minute, and
// one that does not answer makes room for the next within ten seconds.
func (s *settings) dials(say func(name string, args ...string)) {
	say("resolv-retry", "infinite")
	say("auth-retry", "nointeract")
	for _, one := range [][]string{{"connect-retry", "2", "30"}, {"connect-timeout", "10"}, {"hand-window", "30"}} {
		if !s.says(one[0]) && !(one[0] == "connect-timeout" && s.says("server-poll-timeout")) {
			say(one[0], one[1:]...)
		}
	}
	if udp := !slices.ContainsFunc(s.reading.Remotes, func(r profile.Remote) bool { return r.Protocol != "udp" }); udp && !s.says("explicit-exit-notify") {
		say("explicit-exit-notify", "1")
	}
}

func (s *settings) sizes(say func(name string, args ...string)) {
	if s.MTU != nil {
		say("tun-mtu", strconv.Itoa(*s.MTU))
	}
	if s.MSSFix != nil {
		say("mssfix", strconv.Itoa(*s.MSSFix))
	}
	if k := s.Keepalive; k != nil {
		say("ping", strconv.FormatInt(resource.Or(k.Ping, 10*second).Seconds(), 10))
		say("ping-restart", strconv.FormatInt(resource.Or(k.Restart, 60*second).Seconds(), 10))
	}
}

const second = resource.Duration(1e9)

// says says whether a directive is there already.
func (r *reading) says(name string) bool {
	return slices.ContainsFunc(r.Lines, func(line string) bool { return line == name || strings.HasPrefix(line, name+" ") })
}

// has says whether there is a file of that directive.
func (r *reading) has(directive string) bool {
	return slices.ContainsFunc(r.Files, func(f *profile.File) bool { return f.Directive == directive })
}

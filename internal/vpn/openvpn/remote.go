package openvpn

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/resource"
)

// remote is what profiles dial, as the configuration has it.
type remote struct {
	transport string // udp or tcp; empty for whatever is listened on
	host      string
	port      uint16 // 0 for the one listened on
}

// parseRemote reads vpn.example.com, 192.0.2.1:443, [2001:db8::1]:443 or
// tcp/vpn.example.com:443.
func parseRemote(s string) (remote, error) {
	var r remote
	rest := s
	if transport, host, ok := strings.Cut(s, "/"); ok && (transport == "udp" || transport == "tcp") {
		r.transport, rest = transport, host
	}
	bad := fmt.Errorf("%q is neither a host name nor an address; write it as in vpn.example.com, 192.0.2.1:443 or [2001:db8::1]:443", s)
	if addr, err := netip.ParseAddr(rest); err == nil && addr.Zone() == "" {
		r.host = addr.String()
		return r, nil
	}
	if to, err := netip.ParseAddrPort(rest); err == nil && to.Port() > 0 && to.Addr().Zone() == "" {
		r.host, r.port = to.Addr().String(), to.Port()
		return r, nil
	}
	host, number, given := strings.Cut(rest, ":")
	if !isHost.MatchString(host) || len(host) > 253 {
		return remote{}, bad
	}
	r.host = host
	if !given {
		return r, nil
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil || n == 0 {
		return remote{}, bad
	}
	r.port = uint16(n)
	return r, nil
}

// leads says whether who dials it can come to a listener.
func (r remote) leads(l listener) bool {
	if r.transport != "" && r.transport != l.transport() {
		return false
	}
	addr, err := netip.ParseAddr(r.host)
	return err != nil || l.takes(addr.Is6())
}

// takes says whether packets of a family can come to the listener.
func (l listener) takes(six bool) bool {
	if six {
		return slices.Contains(l.families(), "ip6")
	}
	return slices.Contains(l.families(), "ip")
}

// remotes are all that profiles dial, the first one first.
func (s *Server) remotes() []string {
	if s.Remote == nil {
		return s.Remotes
	}
	return append([]string{*s.Remote}, s.Remotes...)
}

// dial is one line of a profile.
type dial struct {
	host      string
	port      uint16
	transport string
}

// dials returns where profiles lead, in the order in which clients try it: to each
// listener by every name that the server has.
func (s *settings) dials() []dial {
	var all []dial
	for _, i := range s.instances {
		for _, text := range s.remotes() {
			r, err := parseRemote(text)
			if err != nil || !r.leads(i.listener) {
				continue
			}
			to := dial{r.host, i.listener.port, i.listener.transport()}
			if r.port != 0 {
				to.port = r.port
			}
			if !slices.Contains(all, to) {
				all = append(all, to)
			}
		}
	}
	return all
}

// checkRemotes checks what profiles dial.
func (s *Server) checkRemotes(c *check) {
	if s.Remote == nil && len(s.PKI.Clients) > 0 && resource.Or(s.Profiles, "") != "false" {
		c.add("remote", "profiles don't know what to dial", `write the name or address of this host as clients see it, or profiles = false`)
	}
	if s.Remote == nil {
		return
	}
	for i, text := range s.remotes() {
		path := "remote"
		if i > 0 {
			path = fmt.Sprintf("remotes[%d]", i-1)
		}
		r, err := parseRemote(text)
		switch {
		case err != nil:
			c.add(path, err.Error(), "one name or address without a protocol")
		case r.port != 0 && r.transport == "" && s.several():
			c.add(path, fmt.Sprintf("port %d leads to one of the listeners only", r.port),
				fmt.Sprintf(`say to which, as in "tcp/%s", and leave the port out where it is the one listened on`, text))
		default:
			s.checkLeads(c, path, text, r)
		}
	}
}

// checkLeads checks that somebody listens where a remote leads.
func (s *Server) checkLeads(c *check, path, text string, r remote) {
	var all []listener
	for _, text := range s.listeners() {
		if l, err := parseListener(text); err == nil {
			all = append(all, l)
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, r.leads) {
		return
	}
	if r.transport != "" && !slices.ContainsFunc(all, func(l listener) bool { return l.transport() == r.transport }) {
		c.add(path, fmt.Sprintf("nobody listens where %s leads", text), fmt.Sprintf(`add a listener of %s to listen, or leave "%[1]s/" out`, r.transport))
		return
	}
	l := all[0]
	hint := fmt.Sprintf("listen on %s6/%d, or write an address of IPv4", l.transport(), l.port)
	if !strings.Contains(r.host, ":") {
		hint = fmt.Sprintf("listen on %s/%d, or write an address of IPv6", l.transport(), l.port)
	}
	c.add(path, fmt.Sprintf("%s is of another family than %s, where the server listens", r.host, strings.Join(s.listeners(), " and ")), hint)
}

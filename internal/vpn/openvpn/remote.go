package openvpn

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

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
			r, err := endpoint.ParseRemote(text)
			if err != nil || !r.Leads(i.listener) {
				continue
			}
			to := dial{r.Host, i.listener.Port, i.listener.Transport()}
			if r.Port != 0 {
				to.port = r.Port
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
		r, err := endpoint.ParseRemote(text)
		switch {
		case err != nil:
			c.add(path, err.Error(), "one name or address without a protocol")
		case r.Port != 0 && r.Transport == "" && s.several():
			c.add(path, fmt.Sprintf("port %d leads to one of the listeners only", r.Port),
				fmt.Sprintf(`say to which, as in "tcp/%s", and leave the port out where it is the one listened on`, text))
		default:
			s.checkLeads(c, path, text, r)
		}
	}
}

// checkLeads checks that somebody listens where a remote leads.
func (s *Server) checkLeads(c *check, path, text string, r endpoint.Remote) {
	var all []endpoint.Listener
	for _, text := range s.listeners() {
		if l, err := endpoint.ParseListener(text); err == nil {
			all = append(all, l)
		}
	}
	if len(all) == 0 || slices.ContainsFunc(all, r.Leads) {
		return
	}
	if r.Transport != "" && !slices.ContainsFunc(all, func(l endpoint.Listener) bool { return l.Transport() == r.Transport }) {
		c.add(path, fmt.Sprintf("nobody listens where %s leads", text), fmt.Sprintf(`add a listener of %s to listen, or leave "%[1]s/" out`, r.Transport))
		return
	}
	l := all[0]
	hint := fmt.Sprintf("listen on %s6/%d, or write an address of IPv4", l.Transport(), l.Port)
	if !strings.Contains(r.Host, ":") {
		hint = fmt.Sprintf("listen on %s/%d, or write an address of IPv6", l.Transport(), l.Port)
	}
	c.add(path, fmt.Sprintf("%s is of another family than %s, where the server listens", r.Host, strings.Join(s.listeners(), " and ")), hint)
}

package openvpn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// maxName keeps VPND-OVPN-NAME within the 28 characters of a chain.
const maxName = 28 - len("VPND-OVPN-")

// Validate returns everything that is wrong with the block.
func (s *Server) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > maxName {
		c.add("", fmt.Sprintf("%q can't be the name of a server", name),
			fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them: files, a unit and a chain are named after it", maxName))
	}
	s.checkPeers(c)
	s = s.known(name)
	s.checkPKI(c)
	udp, tcp := s.checkListen(c)
	s.checkNetwork(c)
	s.checkTransport(c, udp, tcp)
	s.checkPool(c)
	s.checkKeepalive(c)
	s.checkRoom(c)
	s.checkPush(c, "push", s.push())
	s.checkGroups(c)
	s.checkClients(c)
	s.checkSharing(c)
	s.checkSecurity(c)
	s.checkProcess(c)
	c.found = append(c.found, s.Auth.Validate(s.vaultOf(name))...)
	c.options("options", s.Options, udp, tcp)
	s.checkOwned(c)
	if !c.failed() {
		s.checkLines(c, name)
	}
	return c.found
}

// checkPeers checks a server without a CA. Files are named after its clients.
func (s *Server) checkPeers(c *check) {
	if !s.fingerprints() {
		for _, client := range s.Clients {
			if resource.Or(client.Revoked, false) {
				c.add("client."+client.Name+".revoked", "the PKI tells who is revoked", "write it into the client block of the PKI; vpnd client revoke does")
			}
		}
		return
	}
	if s.PKI != nil {
		c.add("peer_fingerprint", "a PKI vouches for the clients already", "leave one of the two out")
	}
	if s.Cert != nil {
		c.add("server", "without a PKI there is one certificate, the server's own", "leave it out")
	}
	if !slices.ContainsFunc(s.Clients, func(client Client) bool { return !resource.Or(client.Revoked, false) }) {
		c.warn("peer_fingerprint", "there is nobody whose fingerprint is known, so nobody comes in", `vpnd client add NAME lets somebody in`)
	}
	seen := make(map[string]string)
	for _, client := range s.Clients {
		path, folded := "client."+client.Name, strings.ToLower(client.Name)
		if !isName.MatchString(client.Name) || len(client.Name) > 64 || client.Name == "DEFAULT" {
			c.add(path, fmt.Sprintf("%q can't be the name of a client", client.Name), "use letters, digits, dashes and underscores, at most 64 of them, and not DEFAULT, which OpenVPN has for itself")
		}
		if other := seen[folded]; other != "" && other != client.Name {
			c.add(path, fmt.Sprintf("%s and %s differ in case only", other, client.Name), "choose another name")
		}
		seen[folded] = client.Name
	}
	if len(s.Clients) > 20 {
		c.warn("peer_fingerprint", fmt.Sprintf("each of %d clients that comes or goes disconnects all others for a moment", len(s.Clients)), "use a pki block, whose list costs nobody a connection")
	}
}

func (s *Server) checkPKI(c *check) {
	if s.PKI == nil {
		c.add("pki", "a server without a PKI knows nobody", `write pki = pki.office for a block pki "office"; for a few clients without a CA, peer_fingerprint = true`)
		return
	}
	if _, err := s.certificate(); err != nil {
		c.add("server", err.Error(), `name one of them, or add server "NAME" {} to the pki block`)
	}
	s.checkRemotes(c)
}

func (s *Server) checkNetwork(c *check) {
	c.oneOf("topology", s.topology(), "subnet", "net30", "p2p")
	if t := s.topology(); t == "net30" || t == "p2p" {
		c.warn("topology", t+" is for clients older than OpenVPN 2.1, and keeps the data out of the kernel", `use topology = "subnet"`)
	}
	s.checkParts(c)
}

// checkTransport checks what depends on UDP or TCP.
func (s *Server) checkTransport(c *check, udp, tcp bool) {
	if tcp && !udp && resource.Or(s.ExplicitExitNotify, false) {
		c.add("explicit_exit_notify", "only UDP needs to be told that a peer goes", "leave it out")
	}
	if s.Fragment != nil {
		if tcp {
			c.add("fragment", "only UDP can be fragmented by OpenVPN", "leave it out")
		} else {
			c.warn("fragment", "fragments cost throughput, keep the data out of the kernel, and clients of OpenVPN Connect don't know them", "use mssfix or mtu")
		}
	}
	c.between("mtu", s.MTU, 576, 65535)
	c.between("fragment", s.Fragment, 68, 65535)
	if s.MSSFix != nil && *s.MSSFix != 0 {
		c.between("mssfix", s.MSSFix, 576, 65535)
	}
}

func (s *Server) checkPool(c *check) {
	pool := s.pool()
	if pool.Start == nil && pool.End == nil || !s.hasNetwork() {
		return
	}
	if s.topology() != "subnet" {
		c.add("pool", "a range of its own needs topology subnet", `use topology = "subnet", or leave start and end out`)
	}
	first, last := s.pool().within(s.networks(false)[0])
	for _, end := range []struct {
		path    string
		address netip.Addr
	}{{"pool.start", first}, {"pool.end", last}} {
		c.host(end.path, s, end.address)
	}
	if s.several() && !s.together(first, last) {
		c.add("pool", fmt.Sprintf("%s and %s lie in the parts of two listeners", first, last), "choose both from one part; the pools of the others lie at the same place in theirs")
		return
	}
	if last.Less(first) {
		c.add("pool", fmt.Sprintf("it begins at %s, after its end at %s", first, last), "exchange start and end")
	}
}

// together says whether two addresses lie in the part of one listener, or outside of all.
func (s *Server) together(first, last netip.Addr) bool {
	for _, network := range s.networks(false) {
		if network.Contains(first) != network.Contains(last) {
			return false
		}
	}
	return true
}

// host checks that an address can be a client's.
func (c *check) host(path string, s *Server, address netip.Addr) {
	networks := s.networks(false)
	i := slices.IndexFunc(networks, func(p netip.Prefix) bool { return p.Contains(address) })
	switch {
	case i < 0 && s.several() && s.Network.Contains(address):
		c.add(path, fmt.Sprintf("%s lies in the part of no listener", address), "choose an address inside of one")
		return
	case i < 0:
		c.add(path, fmt.Sprintf("%s lies outside of the network %s", address, s.Network), "choose an address inside")
		return
	case address == subnet.First(networks[i]):
		c.add(path, fmt.Sprintf("%s is the address of the server", address), "choose another one")
	case address == networks[i].Masked().Addr() || address == subnet.Last(networks[i]):
		c.add(path, fmt.Sprintf("%s stands for the whole network", address), "choose an address between the first and the last")
	}
	for _, to := range networks {
		if _, ok := subnet.Transpose(address, networks[i], to); !ok {
			c.add(path, fmt.Sprintf("%s has no counterpart in %s, the part of another listener", address, to), "choose one nearer to the beginning of its part, or make the parts alike")
		}
	}
}

func (s *Server) checkKeepalive(c *check) {
	ping, restart := s.keepalive()
	if ping < second {
		c.add("keepalive.ping", "a ping needs at least a second", `use ping = "10s"`)
	}
	if restart < 2*ping {
		c.add("keepalive.restart", fmt.Sprintf("%s is less than twice the ping of %s, which OpenVPN refuses", restart, ping),
			fmt.Sprintf("use at least %s", 2*ping))
	}
	c.between("max_clients", s.MaxClients, 1, 65535)
	if s.RenegotiateAfter != nil && *s.RenegotiateAfter < 60*second {
		c.add("reneg_sec", fmt.Sprintf("a new key every %s is a load without a use", *s.RenegotiateAfter), `use "1h", or leave it out`)
	}
}

// checkSharing checks what certificates used by many are at odds with.
func (s *Server) checkSharing(c *check) {
	if !resource.Or(s.DuplicateCN, false) {
		return
	}
	c.warn("duplicate_cn", "whoever has one copy of the certificate can't be revoked without all others", "give each device a certificate of its own")
	if resource.Or(s.pool().Persist, false) {
		c.add("pool.persist", "clients that share a name can't each have the address of the last time", "leave it out, or duplicate_cn")
	}
	if resource.Or(s.CCDExclusive, false) {
		c.add("ccd_exclusive", "files of clients go by names, which duplicate_cn lets several share", "leave one of them out")
	}
	for _, client := range s.Clients {
		if client.Address != nil || client.Address6 != nil || len(client.Routes) > 0 {
			c.add("client."+client.Name, "clients that share a name can't have an address or networks of their own", "leave them out, or duplicate_cn")
		}
	}
}

func (s *Server) checkProcess(c *check) {
	for _, account := range []struct {
		path string
		name *string
	}{{"user", s.User}, {"group", s.Group}} {
		if account.name != nil && !isAccount.MatchString(*account.name) {
			c.add(account.path, fmt.Sprintf("%q is no account", *account.name), "write it as in nobody")
		}
	}
	if resource.Or(s.User, "nobody") == "root" {
		c.warn("user", "a server that stays root is one mistake of OpenVPN away from the whole host", `use user = "nobody"`)
	}
	c.path("log", s.Log)
	c.path("status", s.Status)
	if s.Profiles != nil && *s.Profiles != "false" {
		c.path("profiles", s.Profiles)
	}
	c.between("verb", s.Verb, 0, 11)
	c.oneOf("dco", resource.Or(s.DCO, "auto"), "auto", "false")
}

// checkLines checks that OpenVPN can read every line to its end.
func (s *Server) checkLines(c *check, name string) {
	all, err := s.settings(name)
	if err != nil {
		return
	}
	c.lines("", all.clientDirectives())
	for _, i := range all.instances {
		c.lines("", i.serverConfig())
		for _, m := range all.members {
			c.lines("client."+m.CommonName, i.clientConfig(m))
		}
	}
}

func (c *check) lines(path string, lines directives) {
	for _, line := range lines {
		if len(line) > openvpn.LineSize {
			word, _, _ := strings.Cut(line, " ")
			c.add(path, fmt.Sprintf("the line %s would have %d bytes, and OpenVPN reads %d", word, len(line), openvpn.LineSize), "shorten it")
		}
	}
}

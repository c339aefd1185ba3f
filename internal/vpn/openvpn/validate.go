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
		c.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them: files, a unit and a chain are named after it", maxName), "%q can't be the name of a server", name)
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
	c.Found = append(c.Found, s.Auth.Validate(s.vaultOf(name))...)
	c.options("options", s.Options, udp, tcp)
	s.checkOwned(c)
	if !c.Failed() {
		s.checkLines(c, name)
	}
	return c.Found
}

// checkPeers checks a server without a CA. Files are named after its clients.
func (s *Server) checkPeers(c *check) {
	if !s.fingerprints() {
		for _, client := range s.Clients {
			if resource.Or(client.Revoked, false) {
				c.Add("client."+client.Name+".revoked", "write it into the client block of the PKI; vpnd client revoke does", "the PKI tells who is revoked")
			}
		}
		return
	}
	if s.PKI != nil {
		c.Add("peer_fingerprint", "leave one of the two out", "a PKI vouches for the clients already")
	}
	if s.Cert != nil {
		c.Add("server", "leave it out", "without a PKI there is one certificate, the server's own")
	}
	if !slices.ContainsFunc(s.Clients, func(client Client) bool { return !resource.Or(client.Revoked, false) }) {
		c.Warn("peer_fingerprint", `vpnd client add NAME lets somebody in`, "there is nobody whose fingerprint is known, so nobody comes in")
	}
	seen := make(map[string]string)
	for _, client := range s.Clients {
		path, folded := "client."+client.Name, strings.ToLower(client.Name)
		if !isName.MatchString(client.Name) || len(client.Name) > 64 || client.Name == "DEFAULT" {
			c.Add(path, "use letters, digits, dashes and underscores, at most 64 of them, and not DEFAULT, which OpenVPN has for itself", "%q can't be the name of a client", client.Name)
		}
		if other := seen[folded]; other != "" && other != client.Name {
			c.Add(path, "choose another name", "%s and %s differ in case only", other, client.Name)
		}
		seen[folded] = client.Name
	}
	if len(s.Clients) > 20 {
		c.Warn("peer_fingerprint", "use a pki block, whose list costs nobody a connection", "each of %d clients that comes or goes disconnects all others for a moment", len(s.Clients))
	}
}

func (s *Server) checkPKI(c *check) {
	if s.PKI == nil {
		c.Add("pki", `write pki = pki.office for a block pki "office"; for a few clients without a CA, peer_fingerprint = true`, "a server without a PKI knows nobody")
		return
	}
	if _, err := s.certificate(); err != nil {
		c.Add("server", `name one of them, or add server "NAME" {} to the pki block`, "%v", err)
	}
	s.checkRemotes(c)
}

func (s *Server) checkNetwork(c *check) {
	c.OneOf("topology", s.topology(), "subnet", "net30", "p2p")
	if t := s.topology(); t == "net30" || t == "p2p" {
		c.Warn("topology", `use topology = "subnet"`, "%s is for clients older than OpenVPN 2.1, and keeps the data out of the kernel", t)
	}
	s.checkParts(c)
}

// checkTransport checks what depends on UDP or TCP.
func (s *Server) checkTransport(c *check, udp, tcp bool) {
	if tcp && !udp && resource.Or(s.ExplicitExitNotify, false) {
		c.Add("explicit_exit_notify", "leave it out", "only UDP needs to be told that a peer goes")
	}
	if s.Fragment != nil {
		if tcp {
			c.Add("fragment", "leave it out", "only UDP can be fragmented by OpenVPN")
		} else {
			c.Warn("fragment", "use mssfix or mtu", "fragments cost throughput, keep the data out of the kernel, and clients of OpenVPN Connect don't know them")
		}
	}
	c.Between("mtu", s.MTU, 576, 65535)
	c.Between("fragment", s.Fragment, 68, 65535)
	if s.MSSFix != nil && *s.MSSFix != 0 {
		c.Between("mssfix", s.MSSFix, 576, 65535)
	}
}

func (s *Server) checkPool(c *check) {
	pool := s.pool()
	if pool.Start == nil && pool.End == nil || !s.hasNetwork() {
		return
	}
	if s.topology() != "subnet" {
		c.Add("pool", `use topology = "subnet", or leave start and end out`, "a range of its own needs topology subnet")
	}
	first, last := s.pool().within(s.networks(false)[0])
	for _, end := range []struct {
		path    string
		address netip.Addr
	}{{"pool.start", first}, {"pool.end", last}} {
		c.host(end.path, s, end.address)
	}
	if s.several() && !s.together(first, last) {
		c.Add("pool", "choose both from one part; the pools of the others lie at the same place in theirs", "%s and %s lie in the parts of two listeners", first, last)
		return
	}
	if last.Less(first) {
		c.Add("pool", "exchange start and end", "it begins at %s, after its end at %s", first, last)
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
		c.Add(path, "choose an address inside of one", "%s lies in the part of no listener", address)
		return
	case i < 0:
		c.Add(path, "choose an address inside", "%s lies outside of the network %s", address, s.Network)
		return
	case address == subnet.First(networks[i]):
		c.Add(path, "choose another one", "%s is the address of the server", address)
	case address == networks[i].Masked().Addr() || address == subnet.Last(networks[i]):
		c.Add(path, "choose an address between the first and the last", "%s stands for the whole network", address)
	}
	for _, to := range networks {
		if _, ok := subnet.Transpose(address, networks[i], to); !ok {
			c.Add(path, "choose one nearer to the beginning of its part, or make the parts alike", "%s has no counterpart in %s, the part of another listener", address, to)
		}
	}
}

func (s *Server) checkKeepalive(c *check) {
	ping, restart := s.keepalive()
	if ping < second {
		c.Add("keepalive.ping", `use ping = "10s"`, "a ping needs at least a second")
	}
	if restart < 2*ping {
		c.Add("keepalive.restart", fmt.Sprintf("use at least %s", 2*ping), "%s is less than twice the ping of %s, which OpenVPN refuses", restart, ping)
	}
	c.Between("max_clients", s.MaxClients, 1, 65535)
	if s.RenegotiateAfter != nil && *s.RenegotiateAfter < 60*second {
		c.Add("reneg_sec", `use "1h", or leave it out`, "a new key every %s is a load without a use", *s.RenegotiateAfter)
	}
}

// checkSharing checks what certificates used by many are at odds with.
func (s *Server) checkSharing(c *check) {
	if !resource.Or(s.DuplicateCN, false) {
		return
	}
	c.Warn("duplicate_cn", "give each device a certificate of its own", "whoever has one copy of the certificate can't be revoked without all others")
	if resource.Or(s.pool().Persist, false) {
		c.Add("pool.persist", "leave it out, or duplicate_cn", "clients that share a name can't each have the address of the last time")
	}
	if resource.Or(s.CCDExclusive, false) {
		c.Add("ccd_exclusive", "leave one of them out", "files of clients go by names, which duplicate_cn lets several share")
	}
	for _, client := range s.Clients {
		if client.Address != nil || client.Address6 != nil || len(client.Routes) > 0 {
			c.Add("client."+client.Name, "leave them out, or duplicate_cn", "clients that share a name can't have an address or networks of their own")
		}
	}
}

func (s *Server) checkProcess(c *check) {
	for _, account := range []struct {
		path string
		name *string
	}{{"user", s.User}, {"group", s.Group}} {
		if account.name != nil && !isAccount.MatchString(*account.name) {
			c.Add(account.path, "write it as in nobody", "%q is no account", *account.name)
		}
	}
	if resource.Or(s.User, "nobody") == "root" {
		c.Warn("user", `use user = "nobody"`, "a server that stays root is one mistake of OpenVPN away from the whole host")
	}
	c.Path("log", s.Log)
	c.Path("status", s.Status)
	if s.Profiles != nil && *s.Profiles != "false" {
		c.Path("profiles", s.Profiles)
	}
	c.Between("verb", s.Verb, 0, 11)
	c.OneOf("dco", resource.Or(s.DCO, "auto"), "auto", "false")
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
			c.Add(path, "shorten it", "the line %s would have %d bytes, and OpenVPN reads %d", word, len(line), openvpn.LineSize)
		}
	}
}

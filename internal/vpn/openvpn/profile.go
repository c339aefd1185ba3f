package openvpn

import (
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/endpoint"
)

// profile returns what a client's profile is made of: directives, which are those of
// all, and files that are put between tags.
func (s *settings) profile(m member, common directives) []pki.Part {
	parts := []pki.Part{{Text: new(string)}}
	last := parts[0].Text
	*last = common.text(header(s.name))
	inline := func(tag, file string) {
		*last += "<" + tag + ">\n"
		last = new(string)
		*last = "</" + tag + ">\n"
		parts = append(parts, pki.Part{File: &file}, pki.Part{Text: last})
	}
	tag, vouching := s.vouching()
	*last += "<" + tag + ">\n"
	last = resource.Ptr("</" + tag + ">\n")
	parts = append(append(parts, vouching...), pki.Part{Text: last})
	inline("cert", m.Certificate)
	if m.Key != "" { // else only its owner has it
		inline("key", m.Key)
	}
	switch s.tlsKey() {
	case tlsCryptV2:
		inline(tlsCryptV2, m.shieldIn(s.vault()))
	case tlsCrypt:
		inline(tlsCrypt, s.shieldKey())
	case tlsAuth:
		*last += "key-direction 1\n"
		inline(tlsAuth, s.shieldKey())
	}
	return parts
}

// vouching is what clients know the server by: CAs, or its fingerprint.
func (s *settings) vouching() (tag string, parts []pki.Part) {
	if s.fingerprints() {
		return "peer-fingerprint", []pki.Part{{Fingerprint: &s.pair.Certificate}}
	}
	anchor := s.trust().Anchor()
	for _, trusted := range anchor.TrustParts() {
		if len(anchor.Trusted) > 1 { // those that people have lead to a new CA by the links
			trusted.Apart = resource.Ptr(true)
		}
		parts = append(parts, trusted)
	}
	return "ca", parts
}

// clientDirectives writes what every profile says.
func (s *settings) clientDirectives() directives {
	var d directives
	d.add("client")
	d.add("dev", "tun")
	s.writeSizes(&d)
	for _, to := range s.dials() {
		d.add("remote", to.host, strconv.Itoa(int(to.port)), to.transport)
	}
	if len(s.listeners()) > 1 {
		d.add("connect-timeout", "10") // then the next one is tried; openvpn(8) has 120
	}
	d.add("resolv-retry", "infinite")
	d.add("nobind")
	d.add("persist-key")
	d.add("persist-tun")
	d.add("remote-cert-tls", "server")
	d.add("verify-x509-name", s.pair.CommonName, "name")
	s.writeShared(&d)
	s.writeClientCiphers(&d)
	d.add("auth-nocache")
	d.addAll(s.auth().ProfileDirectives())
	if push := s.push(); push.BlockOutsideDNS == nil && resource.Or(push.RedirectGateway, false) && len(push.DNS) > 0 {
		d.add("setenv", "opt", "block-outside-dns") // known to Windows only
	}
	if slices.ContainsFunc(s.instances, (*instance).exitNotify) {
		d.add("explicit-exit-notify")
	}
	d.add("verb", "3")
	return d
}

// terms are what a profile has to agree on with the server, in words: where one
// changes, the profiles that clients have connect no more.
func (s *settings) terms() map[string]string {
	var hosts, ports, protocols, leads []string
	for _, to := range s.dials() {
		hosts, ports = append(hosts, to.host), append(ports, strconv.Itoa(int(to.port)))
		leads = append(leads, to.transport+"/"+net.JoinHostPort(to.host, ports[len(ports)-1]))
		if !slices.Contains(protocols, to.transport) {
			protocols = append(protocols, to.transport)
		}
	}
	anchor := s.trust().Anchor()
	terms := map[string]string{
		"remote": strings.Join(hosts, " "), "port": strings.Join(ports, " "), "protocol": strings.Join(protocols, " "), pki.Leads: strings.Join(leads, " "),
		"CA": anchor.Trusted[len(anchor.Trusted)-1], "server name": s.pair.CommonName, "tls key": s.tlsKey(), "auth": s.agreedDigest(),
	}
	maps.Copy(terms, s.auth().Terms())
	if s.compression() == "lzo" {
		terms["compression"] = "lzo"
	}
	if s.Fragment != nil {
		terms["fragment"] = strconv.Itoa(*s.Fragment)
	}
	return terms
}

// agreedDigest is the digest that a profile has to agree on with the server. Where
// every cipher has one of its own and packets of the control channel are not signed by
// it, as tls-auth does, any will do.
func (s *settings) agreedDigest() string {
	bare := func(cipher string) bool { return !aead(cipher) }
	if s.tlsKey() != tlsAuth && s.fallback() == nil && !slices.ContainsFunc(s.dataCiphers(), bare) {
		return "SHA256"
	}
	return resource.Or(s.Digest, "SHA256")
}

// writeClientCiphers leaves out what may be missing: clients before OpenVPN
// 2.6 stumble over the question mark, and those before 2.5 over the directive.
func (s *settings) writeClientCiphers(d *directives) {
	var certain []string
	for _, cipher := range s.dataCiphers() {
		if !strings.HasPrefix(cipher, "?") {
			certain = append(certain, cipher)
		}
	}
	if len(certain) == 0 {
		return
	}
	d.add("ignore-unknown-option", "data-ciphers")
	d.add("data-ciphers", strings.Join(certain, ":"))
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
	for _, l := range s.everywhere() {
		for _, text := range s.remotes() {
			r, err := endpoint.ParseRemote(text)
			if err != nil || !r.Leads(l) {
				continue
			}
			to := dial{r.Host, l.Port, l.Transport()}
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

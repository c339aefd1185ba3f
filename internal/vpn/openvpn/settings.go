package openvpn

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// settings are a valid block with all that follows from it. The server's
// configuration, the files of its clients and their profiles are written from
// the same settings.
type settings struct {
	*Server
	name    string
	listen  listener
	pair    pki.Pair
	members []member // clients that are not revoked, by name
}

// member is a client that the PKI knows, with its block where it has one.
type member struct {
	pki.Pair
	block *Client
}

// settings resolves the block, on which Validate found nothing wrong.
func (s *Server) settings(name string) (*settings, error) {
	listen, err := parseListener(s.listeners()[0])
	if err != nil {
		return nil, err
	}
	cert, err := s.certificate()
	if err != nil {
		return nil, err
	}
	all := &settings{Server: s, name: name, listen: listen, pair: s.PKI.Servers[cert]}
	blocks := make(map[string]*Client, len(s.Clients))
	for i := range s.Clients {
		blocks[s.Clients[i].Name] = &s.Clients[i]
	}
	for _, client := range slices.Sorted(maps.Keys(s.PKI.Clients)) {
		all.members = append(all.members, member{Pair: s.PKI.Clients[client], block: blocks[client]})
	}
	return all, nil
}

func (s *Server) listeners() []string {
	if len(s.Listen) == 0 {
		return []string{"udp/1194"}
	}
	return s.Listen
}

// certificate returns which server of the PKI this is.
func (s *Server) certificate() (string, error) {
	names := slices.Sorted(maps.Keys(s.PKI.Servers))
	if s.Cert == nil && len(names) == 1 {
		return names[0], nil
	}
	if _, ok := s.PKI.Servers[resource.Or(s.Cert, "")]; ok {
		return *s.Cert, nil
	}
	has := strings.Join(names, ", ")
	switch {
	case len(names) == 0:
		return "", errors.New("the PKI has no server")
	case s.Cert == nil:
		return "", fmt.Errorf("the PKI has more than one server: %s", has)
	default:
		return "", fmt.Errorf("the PKI has no server %q; it has %s", *s.Cert, has)
	}
}

func (s *Server) dataCiphers() []string {
	if s.DataCiphers == nil {
		return []string{"AES-256-GCM", "AES-128-GCM", "?CHACHA20-POLY1305"}
	}
	return s.DataCiphers
}

// fallback is the cipher for clients that can't negotiate. That is all that
// cipher has meant on a server since OpenVPN 2.6.
func (s *Server) fallback() *string {
	if s.DataCiphersFallback != nil {
		return s.DataCiphersFallback
	}
	return s.Cipher
}

func (s *Server) tlsKey() string      { return resource.Or(s.TLSKey, tlsCryptV2) }
func (s *Server) topology() string    { return resource.Or(s.Topology, "subnet") }
func (s *Server) compression() string { return resource.Or(s.Compression, "none") }
func (s *Server) dev() string         { return resource.Or(s.Dev, "tun0") }

func (s *Server) keepalive() (ping, restart resource.Duration) {
	k := resource.Or(s.Keepalive, Keepalive{})
	return resource.Or(k.Ping, 10*second), resource.Or(k.Restart, 120*second)
}

func (s *Server) persists() bool {
	return resource.Or(resource.Or(s.Pool, Pool{}).Persist, !resource.Or(s.DuplicateCN, false))
}

func (s *Server) tls() TLS   { return resource.Or(s.TLS, TLS{}) }
func (s *Server) push() Push { return resource.Or(s.Push, Push{}) }

// exitNotify says whether peers tell each other that they go; TCP does itself.
func (s *settings) exitNotify() bool {
	return resource.Or(s.ExplicitExitNotify, s.listen.transport() == "udp")
}

// The kinds of key that shield the control channel.
const (
	tlsCryptV2 = "tls-crypt-v2"
	tlsCrypt   = "tls-crypt"
	tlsAuth    = "tls-auth"
)

const second = resource.Duration(1e9)

// listener is where a server listens.
type listener struct {
	protocol string     // udp, udp4, udp6, tcp, tcp4, tcp6
	address  netip.Addr // invalid: all
	port     uint16
}

var protocols = []string{"udp", "udp4", "udp6", "tcp", "tcp4", "tcp6"}

// parseListener reads udp/1194, udp/192.0.2.1:1194 or udp6/[2001:db8::1]:1194.
func parseListener(s string) (listener, error) {
	bad := fmt.Errorf("%q is no listener", s)
	protocol, where, ok := strings.Cut(s, "/")
	if !ok || !slices.Contains(protocols, protocol) {
		return listener{}, bad
	}
	if port, err := strconv.ParseUint(where, 10, 16); err == nil && port > 0 {
		return listener{protocol: protocol, port: uint16(port)}, nil
	}
	to, err := netip.ParseAddrPort(where)
	if err != nil || to.Port() == 0 || to.Addr().Zone() != "" {
		return listener{}, bad
	}
	l := listener{protocol: protocol, address: to.Addr(), port: to.Port()}
	if l.address.Is6() == strings.HasSuffix(protocol, "4") || l.address.Is4() == strings.HasSuffix(protocol, "6") {
		if len(protocol) > 3 {
			return listener{}, fmt.Errorf("%s is no address of %s", l.address, protocol)
		}
	}
	if len(protocol) == 3 && l.address.Is6() {
		l.protocol += "6"
	}
	return l, nil
}

// transport is udp or tcp.
func (l listener) transport() string { return l.protocol[:3] }

// claim is the listener in the words of a claim.
func (l listener) claim() string {
	if l.address.IsValid() {
		return l.transport() + "/" + netip.AddrPortFrom(l.address, l.port).String()
	}
	return l.transport() + "/" + strconv.Itoa(int(l.port))
}

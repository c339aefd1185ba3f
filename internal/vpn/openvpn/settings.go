package openvpn

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/auth"
	"vpnd/internal/vpn/openvpn/peers"
)

// settings are a valid block with all that follows from it for every process that
// it stands for: keys, pushes, clients, profiles. The configuration of the server,
// the files of its clients and their profiles are written from the same settings.
type settings struct {
	*Server
	name      string
	pair      pki.Pair
	members   []member                  // clients that are not revoked, by name
	instances []*instance               // one a listener, in the order of listen
	seats     map[string]map[string]int // of the members of each group
}

// member is a client that the PKI knows, with its block where it has one.
type member struct {
	pki.Pair
	block *Client
}

// settings resolves the block, on which Validate found nothing wrong.
func (s *Server) settings(name string) (*settings, error) {
	s = s.known(name)
	cert, err := s.certificate()
	if err != nil {
		return nil, err
	}
	all := &settings{Server: s, name: name, pair: s.PKI.Servers[cert]}
	blocks := make(map[string]*Client, len(s.Clients))
	for i := range s.Clients {
		blocks[s.Clients[i].Name] = &s.Clients[i]
	}
	for _, client := range slices.Sorted(maps.Keys(s.PKI.Clients)) {
		all.members = append(all.members, member{Pair: s.PKI.Clients[client], block: blocks[client]})
	}
	all.seats = make(map[string]map[string]int, len(s.Groups))
	for i := range s.Groups {
		all.seats[s.Groups[i].Name] = s.seating(&s.Groups[i])
	}
	all.instances, err = all.cut()
	return all, err
}

// fingerprints says whether peers are known by fingerprints, and not by a CA.
func (s *Server) fingerprints() bool { return resource.Or(s.Peers, false) }

// known returns the server with those whom it knows: of a PKI, or, without one, its
// client blocks.
func (s *Server) known(name string) *Server {
	if !s.fingerprints() || s.PKI != nil {
		return s
	}
	var names, revoked []string
	for _, client := range s.Clients {
		if resource.Or(client.Revoked, false) {
			revoked = append(revoked, client.Name)
		} else {
			names = append(names, client.Name)
		}
	}
	own := *s
	own.PKI = peers.Authority(name, names, revoked)
	return &own
}

// Enrolled tells who is a client where no PKI does.
func (s *Server) Enrolled() resource.Enrollment {
	if !s.fingerprints() || s.PKI != nil {
		return resource.Enrollment{}
	}
	people := make(map[string]bool)
	for _, client := range s.Clients {
		people[client.Name] = !resource.Or(client.Revoked, false)
	}
	return resource.Enrollment{Block: "client", Revoked: "revoked", People: people}
}

// Admits tells which PKI vouches for its clients.
func (s *Server) Admits() resource.ID {
	if s.PKI == nil {
		return resource.ID{}
	}
	return resource.ID{Kind: "pki", Name: s.PKI.Name}
}

// auth is what people are asked for besides their certificate.
func (s *settings) auth() auth.Server {
	people := make([]auth.Person, 0, len(s.members))
	for _, m := range s.members {
		people = append(people, auth.Person{CommonName: m.CommonName, Certificate: m.Certificate})
	}
	return auth.Server{Auth: s.Auth, Name: s.name, Directory: s.directory(), Vault: s.vault(), People: people, Install: resource.Or(s.Package, true)}
}

// scripts says whether OpenVPN has to be allowed to run programs.
func (s *settings) scripts() bool { return s.Auth.Scripts() || s.verifies() }

// verifies says whether a key of tls-crypt-v2 has to be on a list.
func (s *Server) verifies() bool { return resource.Or(s.TLSCryptV2Verify, false) }

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

func (s *Server) pool() Pool { return resource.Or(s.Pool, Pool{}) }

func (s *Server) persists() bool {
	return resource.Or(s.pool().Persist, !resource.Or(s.DuplicateCN, false))
}

func (s *Server) tls() TLS   { return resource.Or(s.TLS, TLS{}) }
func (s *Server) push() Push { return resource.Or(s.Push, Push{}) }

// The kinds of key that shield the control channel.
const (
	tlsCryptV2 = "tls-crypt-v2"
	tlsCrypt   = "tls-crypt"
	tlsAuth    = "tls-auth"
)

const second = resource.Duration(1e9)

package openvpn

import (
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/trust"
)

// Where things are. OpenVPN drops its privileges and reads the CRL and the
// files of its clients afterwards, so directories on the way to these are open to
// all; what is secret in them is 0600.

const root = "/etc/openvpn/server"

func (s *settings) directory() string  { return root + "/" + s.name }
func (s *settings) trust() trust.Trust { return trust.Trust{Authority: *s.PKI, In: s.directory()} }
func (s *settings) cert() string       { return s.directory() + "/server.crt" }
func (s *settings) key() string        { return s.directory() + "/server.key" }
func (s *settings) crl() string        { return s.directory() + "/crl.pem" }
func (s *settings) peers() string      { return s.directory() + "/peers.conf" }
func (s *settings) knownKeys() string  { return s.directory() + "/known-keys" }
func (s *settings) dh() string         { return s.directory() + "/dh.pem" }
func (s *settings) shield() string     { return s.directory() + "/" + s.tlsKey() + ".key" }

// vault is where keys that only this server and its clients share are kept,
// beside the PKI, so that they move to a new host with it.
func (s *settings) vault() string         { return s.vaultOf(s.name) }
func (s *settings) shieldKey() string     { return s.vault() + "/" + s.tlsKey() + ".key" }
func (m member) shieldIn(v string) string { return v + "/client-" + m.CommonName + ".key" }

// profiles returns the directory of the profiles, empty for none.
func (s *settings) profiles() string {
	switch directory := resource.Or(s.Profiles, ""); directory {
	case "":
		return profileRoot + "/" + s.name
	case "false":
		return ""
	default:
		return directory
	}
}

// vaultOf is where the vault of a server of that name is; empty without a PKI.
func (s *Server) vaultOf(name string) string {
	if s.PKI == nil {
		return ""
	}
	return s.PKI.Directory + "/openvpn-" + name
}

const poolRoot = "/var/lib/openvpn"

const profileRoot = "/var/lib/vpnd/profiles"

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

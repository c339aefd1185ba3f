// Package openvpn turns an openvpn_server block into everything an OpenVPN
// server needs on a Debian or Fedora host, and into profiles for its clients.
//
// The server's configuration and the profiles are written from one place, so
// that they agree. What belongs to one client stands in a file of its own,
// which OpenVPN reads when that client connects: no client costs a restart.
package openvpn

import (
	"net/netip"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/auth"
)

// Server is one OpenVPN server, with its clients.
type Server struct {
	PKI     *pki.Authority `vpnd:"pki,exports" doc:"the PKI that knows the server and its clients, as in pki.office; needed, but with peer_fingerprint"`
	Peers   *bool          `vpnd:"peer_fingerprint" doc:"do without a CA, for a few clients: those of the client blocks here, which server and clients know by the fingerprints of certificates that they sign themselves. Who is let in or out restarts the server" default:"false"`
	Cert    *string        `vpnd:"server" doc:"which server certificate of the PKI it uses; left out, the only one"`
	Network *netip.Prefix  `vpnd:"network" doc:"the IPv4 network of the VPN; the server has its first address. Left out, the VPN has IPv6 alone"`

	Listen         []string      `vpnd:"listen" doc:"where it listens: PROTOCOL/PORT or PROTOCOL/ADDRESS:PORT; udp and tcp mean IPv4, udp6 and tcp6 both families. Each is a process of its own with a part of the network, unless processes has it otherwise, and profiles lead to all of them in this order" default:"[\"udp/1194\"]"`
	Processes      *string       `vpnd:"processes" doc:"each: a process for every listener, with its part of the network; one: a single process that listens everywhere, so that there is one network, where people have one address and networks behind them are reached, whichever way they come in. That takes OpenVPN 2.7 or later" default:"each"`
	Network6       *netip.Prefix `vpnd:"network6" doc:"the IPv6 network of the VPN, between /64 and /124"`
	Remote         *string       `vpnd:"remote" doc:"what profiles dial: a name or an address, with :PORT where it differs from the one listened on"`
	Remotes        []string      `vpnd:"remotes" doc:"what profiles dial besides, in this order, when remote does not answer"`
	Dev            *string       `vpnd:"dev" doc:"its tun interface, which OpenVPN itself makes" default:"tun0"`
	Topology       *string       `vpnd:"topology" doc:"subnet; net30 and p2p for clients of OpenVPN 2.0" default:"subnet"`
	DCO            *string       `vpnd:"dco" doc:"auto: the kernel carries the data where it can; false: never" default:"auto"`
	MaxClients     *int          `vpnd:"max_clients" doc:"how many may be connected at once, to each process"`
	ClientToClient *bool         `vpnd:"client_to_client" doc:"pass packets between clients inside OpenVPN, past the firewall" default:"false"`
	DuplicateCN    *bool         `vpnd:"duplicate_cn" doc:"let several clients connect with one certificate" default:"false"`
	CCDExclusive   *bool         `vpnd:"ccd_exclusive" doc:"admit only clients that the PKI of this configuration lists, whatever certificate they show; always so where the CA is elsewhere, whose lists come later than what they are to bar" default:"false"`

	Listeners []Listener `vpnd:"listener,block" doc:"what one of several listeners has for itself; its label is what listen says"`
	Keepalive *Keepalive `vpnd:"keepalive,block" doc:"how a dead peer is noticed"`
	Pool      *Pool      `vpnd:"pool,block" doc:"addresses given to clients without one of their own"`
	Push      *Push      `vpnd:"push,block" doc:"what every client is told"`
	Groups    []Group    `vpnd:"group,block" doc:"a part of the clients, with addresses, pushes and rules of its own"`
	Clients   []Client   `vpnd:"client,block" doc:"what holds for one client; its label is the name in the PKI"`
	Auth      *auth.Auth `vpnd:"auth,block" doc:"what people are asked for besides their certificate: a password, a code"`
	TLS       *TLS       `vpnd:"tls,block" doc:"the control channel"`

	TLSKey              *string            `vpnd:"tls_key" doc:"what shields the control channel from strangers: tls-crypt-v2 (a key for each client), tls-crypt, tls-auth or none" default:"tls-crypt-v2"`
	TLSCryptV2Verify    *bool              `vpnd:"tls_crypt_v2_verify" doc:"talk to nobody whose key of tls-crypt-v2 is not one of a client that may come in: who was revoked is refused before TLS begins" default:"false"`
	DataCiphers         []string           `vpnd:"data_ciphers" doc:"ciphers of the data channel in order of preference; a leading ? marks one that may be missing" default:"[\"AES-256-GCM\", \"AES-128-GCM\", \"?CHACHA20-POLY1305\"]"`
	DataCiphersFallback *string            `vpnd:"data_ciphers_fallback" doc:"cipher for clients that can't negotiate one, of OpenVPN 2.3 and before"`
	Cipher              *string            `vpnd:"cipher" doc:"the old name of data_ciphers_fallback"`
	Digest              *string            `vpnd:"digest" was:"auth" doc:"digest of packets where the cipher has none of its own" default:"SHA256"`
	Compression         *string            `vpnd:"compression" doc:"none; migrate: tell clients that still ask for it to stop; lzo: comp-lzo of old" default:"none"`
	DH                  *int               `vpnd:"dh" doc:"bits of finite-field Diffie-Hellman for clients without elliptic curves; left out, none"`
	RenegotiateAfter    *resource.Duration `vpnd:"reneg_sec" doc:"how long a session key lasts; left out, OpenVPN's one hour"`

	MTU                *int  `vpnd:"mtu" doc:"largest packet inside the tunnel, in bytes"`
	MSSFix             *int  `vpnd:"mssfix" doc:"largest UDP packet that TCP inside the tunnel may lead to, in bytes; 0 switches that off"`
	Fragment           *int  `vpnd:"fragment" doc:"split packets so that none is larger, in bytes; UDP only"`
	ExplicitExitNotify *bool `vpnd:"explicit_exit_notify" doc:"tell clients of a restart; left out, on UDP"`

	User       *string  `vpnd:"user" doc:"user that it runs as once it is up" default:"nobody"`
	Group      *string  `vpnd:"group" doc:"group that it runs as; nogroup on Debian, nobody on Fedora and its kin" default:"nogroup"`
	Log        *string  `vpnd:"log" doc:"file to log to, and a file beside it for each further listener; left out, the journal"`
	Status     *string  `vpnd:"status" doc:"file with the list of clients, and one beside it for each further listener; left out, the one of the unit below /run/openvpn-server"`
	Verb       *int     `vpnd:"verb" doc:"how much it logs, 0 to 11" default:"3"`
	Management *bool    `vpnd:"management" doc:"offer a management socket to root, which vpnd client needs" default:"true"`
	Options    []string `vpnd:"options" doc:"further directives of OpenVPN, one an entry, that no attribute here stands for"`

	Profiles *string `vpnd:"profiles" doc:"directory for the profiles of the clients; left out, /var/lib/vpnd/profiles/NAME; false for none"`
	Package  *bool   `vpnd:"package" doc:"install the package openvpn" default:"true"`
	Firewall *bool   `vpnd:"firewall" doc:"accept packets to where it listens" default:"true"`
}

// Keepalive is how a dead peer is noticed.
type Keepalive struct {
	Ping    *resource.Duration `vpnd:"ping" doc:"how often an idle peer is sent something" default:"10s"`
	Restart *resource.Duration `vpnd:"restart" doc:"how long a silent peer is waited for, at least twice ping; the server itself waits twice as long" default:"120s"`
}

// Pool is the range of addresses given to clients without one of their own.
type Pool struct {
	Start   *netip.Addr `vpnd:"start" doc:"the first address; left out, the first after the server's"`
	End     *netip.Addr `vpnd:"end" doc:"the last address; left out, the last of the network"`
	Persist *bool       `vpnd:"persist" doc:"give a client the address it had the last time where that is free; left out, yes unless duplicate_cn is set"`
}

// Client is what holds for one client.
type Client struct {
	Name     string         `vpnd:"name,label" doc:"name in the PKI"`
	Address  *netip.Addr    `vpnd:"address" doc:"its fixed IPv4 address; with several listeners, the others give it the one at the same place in their part"`
	Address6 *netip.Addr    `vpnd:"address6" doc:"its fixed IPv6 address, likewise"`
	Group    *string        `vpnd:"group" doc:"the group that it is in, which gives it an address"`
	Routes   []netip.Prefix `vpnd:"routes" doc:"networks behind this client, which are reached while it is connected to the first listener, or to any where processes is one: a route of this host leads to one interface, and OpenVPN, which has given up its privileges, can't have it follow the client. Else who has networks behind it is to dial that listener only. A change restarts its process"`
	Push     *Push          `vpnd:"push,block" doc:"what it is told besides"`
	Revoked  *bool          `vpnd:"revoked" doc:"with peer_fingerprint: whether it may not come in any more; its key and its certificate go, and if it comes back it gets others" default:"false"`
	Disabled *bool          `vpnd:"disabled" doc:"refuse it for the time being, without revoking its certificate; who is connected is disconnected" default:"false"`
	Options  []string       `vpnd:"options" doc:"further directives for its file, one an entry"`
}

// TLS is the control channel. Lists left out are OpenVPN's own, which follow
// the state of the art.
type TLS struct {
	MinVersion   *string  `vpnd:"min_version" doc:"oldest version accepted" default:"1.2"`
	Ciphers      []string `vpnd:"ciphers" doc:"cipher suites up to TLS 1.2, names as in tls-cipher"`
	Ciphersuites []string `vpnd:"ciphersuites" doc:"cipher suites of TLS 1.3"`
	Groups       []string `vpnd:"groups" doc:"groups for key agreement; OpenVPN does not start where one is unknown"`
	CertProfile  *string  `vpnd:"cert_profile" doc:"what certificates must be worth: legacy, preferred, suiteb or insecure" default:"preferred"`
}

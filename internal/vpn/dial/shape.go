// Package dial turns an openvpn_client block into a host that dials in: OpenVPN with a
// configuration made from a profile or from attributes, its keys, its unit, its routes,
// its rules, and the connection that is watched.
//
// A server may tell its clients much: to send everything to it, to ask its name servers.
// On a host that people reach by the network that cuts them off. So what a server pushes
// is only taken where the block says so, word by word, and all else is passed over: a
// list of what is refused would be one that a server finds its way around.
package dial

import (
	"net/netip"

	"vpnd/internal/resource"
)

// Client is a host that dials in.
type Client struct {
	Profile *resource.Document `vpnd:"profile" doc:"its profile, a .ovpn file of mode 0600; or the attributes below that say the same"`

	Remote  *string            `vpnd:"remote" doc:"whom it dials: a name or an address, with a protocol and a port where they are not udp and 1194, as in tcp/vpn.example.com:443"`
	Remotes []string           `vpnd:"remotes" doc:"whom it dials besides, in this order, when remote does not answer"`
	CA      *resource.Document `vpnd:"ca,public" doc:"path of the certificate of the CA that the server's comes from, or that itself"`
	Cert    *resource.Document `vpnd:"cert,public" doc:"path of its certificate, or that itself"`
	Key     *resource.Document `vpnd:"key" doc:"path of its key, of mode 0600, or that itself, as in credential(\"hq-key\")"`

	TLSCryptV2 *resource.Document `vpnd:"tls_crypt_v2" doc:"path of the key that shields the control channel, one of this client alone, or that itself"`
	TLSCrypt   *resource.Document `vpnd:"tls_crypt" doc:"the same where all clients share one"`
	TLSAuth    *resource.Document `vpnd:"tls_auth" doc:"the same where it only signs"`
	VerifyName *string            `vpnd:"verify_x509_name" doc:"the common name of the server's certificate; left out, any server of the CA"`

	DataCiphers         []string `vpnd:"data_ciphers" doc:"ciphers of the data channel in order of preference; left out, OpenVPN's own"`
	DataCiphersFallback *string  `vpnd:"data_ciphers_fallback" doc:"cipher for a server that can't negotiate one, of OpenVPN 2.3 and before"`
	Digest              *string  `vpnd:"digest" doc:"digest of packets where the cipher has none of its own, as the server has it" default:"SHA256"`
	Compression         *string  `vpnd:"compression" doc:"none; lzo: comp-lzo of old, as the server has it" default:"none"`
	TLSMinVersion       *string  `vpnd:"tls_version_min" doc:"oldest version of TLS accepted" default:"1.2"`

	Username     *string            `vpnd:"username" doc:"name to log in with, where the server wants one"`
	Password     *resource.Secret   `vpnd:"password" doc:"the password, as in credential(\"hq-password\")"`
	AuthUserPass *resource.Document `vpnd:"auth_user_pass" doc:"path of a file of mode 0600 with the name and the password, a line each; instead of both"`
	Passphrase   *resource.Secret   `vpnd:"passphrase" doc:"the passphrase of the key, as in credential(\"hq-passphrase\")"`

	Routes          []netip.Prefix `vpnd:"routes" doc:"networks that this host reaches through the tunnel, whatever the server pushes"`
	AcceptRoutes    []netip.Prefix `vpnd:"accept_routes" doc:"networks that the server may push a route to, exactly as it does; left out, those of private addresses, and with [] none. A network that this host has another way to stays there. Name servers and the way for everything are never taken of it: one name server for all that this host asks could lead it anywhere. Where names of the other side are needed, point a name server of this host at theirs for these domains, by accept_routes or routes"`
	AcceptAddresses []netip.Prefix `vpnd:"accept_addresses" doc:"networks of which the server may give this host an address, with all of that network behind it; left out, private ones (RFC 1918, 6598 and 4193). One that overlaps with the network of another interface ends the connection"`
	RedirectGateway *bool          `vpnd:"redirect_gateway" doc:"send everything through the tunnel: who reaches this host by another network is cut off" default:"false"`
	Networks        []netip.Prefix `vpnd:"networks" doc:"networks behind this host that the other side reaches through the tunnel; there the server has to know them as routes of this client, and this host forwards"`

	Keepalive *Keepalive `vpnd:"keepalive,block" doc:"how a dead server is noticed, instead of what it pushes"`
	Dev       *string    `vpnd:"dev" doc:"its tun interface, which OpenVPN itself makes; left out, tun-NAME"`
	MTU       *int       `vpnd:"mtu" doc:"largest packet inside the tunnel, in bytes"`
	MSSFix    *int       `vpnd:"mssfix" doc:"largest UDP packet that TCP inside the tunnel may lead to, in bytes; 0 switches that off"`
	User      *string    `vpnd:"user" doc:"user that it runs as once it is connected" default:"nobody"`
	Group     *string    `vpnd:"group" doc:"group that it runs as; nogroup on Debian, nobody on Fedora and its kin" default:"nogroup"`
	Verb      *int       `vpnd:"verb" doc:"how much it logs, 0 to 11; from 3 on each look of vpnd at it too" default:"2"`
	Options   []string   `vpnd:"options" doc:"further directives of OpenVPN, one an entry, that no attribute here stands for"`

	Package  *bool `vpnd:"package" doc:"install the package openvpn" default:"true"`
	Firewall *bool `vpnd:"firewall" doc:"accept what it sends to the server (where that is a name, to its port anywhere) and the answers, and what passes between networks and the tunnel; drop all else through it that nobody accepts" default:"true"`
	Guard    *bool `vpnd:"guard" doc:"drop what is for routes and would leave by another interface, as while it does not run" default:"true"`

	reading *reading
}

// Keepalive is how a dead server is noticed.
type Keepalive struct {
	Ping    *resource.Duration `vpnd:"ping" doc:"how often something is sent" default:"10s"`
	Restart *resource.Duration `vpnd:"restart" doc:"how long a silent server is waited for; it sends something every ten seconds unless it is told otherwise" default:"60s"`
}

// Package ipsec turns an ipsec_tunnel block into everything that a tunnel between
// two sites needs of this host: strongSwan with the connection, its secret or its
// certificates, the rules of the firewall, and, where the tunnel is routed, routes.
//
// A tunnel that is down must not leak: what its networks send each other in clear
// is dropped in front of all other rules, whether or not strongSwan runs.
package ipsec

import (
	"net/netip"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/credentials"
)

// Tunnel is a tunnel between the networks of two sites.
type Tunnel struct {
	Local  *Local  `vpnd:"local,block,required" doc:"this side"`
	Remote *Remote `vpnd:"remote,block,required" doc:"the other side"`

	PSK         *resource.Secret  `vpnd:"psk" doc:"the pre-shared key, as in credential(\"branch-psk\")"`
	PSKFile     *string           `vpnd:"psk_file" doc:"absolute path of a file that holds the pre-shared key, on one line, closed to others"`
	Certificate *credentials.Pair `vpnd:"certificate,exports" doc:"this side's certificate and key, as in pki.sites.server[\"gw\"] or { certificate = \"/etc/ssl/gw.pem\", key = \"/etc/ssl/gw.key\" }"`
	CA          *string           `vpnd:"ca" doc:"absolute path of the CA that the other side's certificate must come from; left out, that of the PKI"`
	CRL         *string           `vpnd:"crl" doc:"absolute path of the revocation list of that CA; left out, that of the PKI"`
	Revocation  *string           `vpnd:"revocation" doc:"how revocation is judged: relaxed, ifuri or strict, which lets nobody in where no list is at hand" default:"relaxed"`

	Version    *int     `vpnd:"version" doc:"version of IKE, 2 or 1; 1 is for peers that have no other" default:"2"`
	Aggressive *bool    `vpnd:"aggressive" doc:"aggressive mode of IKE version 1, which shows the hash of a pre-shared key to anybody" default:"false"`
	IKE        []string `vpnd:"ike" doc:"proposals of IKE, the best one first, in words of strongSwan or plainer ones, as in AES-256-GCM SHA-384 group 20" default:"[\"aes256gcm16-prfsha384-ecp384\"]"`
	ESP        []string `vpnd:"esp" doc:"proposals of ESP, likewise; a group in it gives every child SA new secrets" default:"[\"aes256gcm16-ecp384\"]"`
	Children   []Child  `vpnd:"child,block" doc:"a pair of networks that has SAs of its own; left out, those of both sides have one"`

	Mode      *string    `vpnd:"mode" doc:"policy: what is between the networks goes through; route: what is routed to the interface does; transport: what both hosts themselves say to each other" default:"policy"`
	Interface *Interface `vpnd:"interface,exports" doc:"the interface of a routed tunnel, as in xfrm_interface.ipsec0"`
	Routes    *bool      `vpnd:"routes" doc:"of a routed tunnel, lead the networks of the other side to its interface; false where an ipsec_failover block or a routing daemon does" default:"true"`
	Metric    *int       `vpnd:"metric" doc:"of the routes of a routed tunnel; the lower wins"`

	Start        *string            `vpnd:"start" doc:"what is done once it is loaded: start it, trap (start it when a packet wants through), trap|start, or none (wait for the peer); left out, trap|start, and none where the peer's address is not known"`
	Close        *string            `vpnd:"close" doc:"what is done when the peer closes it: none, trap or start, which at most one side may say" default:"none"`
	DPDDelay     *resource.Duration `vpnd:"dpd_delay" doc:"time without a packet after which the peer is asked whether it lives; 0s is never" default:"30s"`
	DPDAction    *string            `vpnd:"dpd_action" doc:"what is done when it is dead: restart, trap or clear; left out, restart where this side starts"`
	DPDTimeout   *resource.Duration `vpnd:"dpd_timeout" doc:"time without an answer after which it is dead, in IKE version 1 alone"`
	IKERekeyTime *resource.Duration `vpnd:"ike_rekey_time" doc:"life of an IKE SA until it gets new keys" default:"4h"`
	ReauthTime   *resource.Duration `vpnd:"reauth_time" doc:"life of an IKE SA until both sides prove anew who they are; 0s is never" default:"0s"`
	RekeyTime    *resource.Duration `vpnd:"rekey_time" doc:"life of a child SA until it gets new keys" default:"1h"`
	ReplayWindow *int               `vpnd:"replay_window" doc:"how many packets may overtake each other" default:"32"`

	Fragmentation *string `vpnd:"fragmentation" doc:"of IKE messages: yes, accept, force or no" default:"yes"`
	MOBIKE        *bool   `vpnd:"mobike" doc:"follow a peer whose address changes; left out, where one of both addresses is not fixed"`
	Encap         *bool   `vpnd:"encap" doc:"wrap ESP in UDP even where no address is translated" default:"false"`
	PathMTU       *int    `vpnd:"path_mtu" doc:"largest packet that the way to the peer takes, in bytes" default:"1500"`
	MSSClamp      *bool   `vpnd:"mss_clamp" doc:"fit the segments of TCP to what the proposals leave of a packet" default:"true"`

	NATExempt *bool    `vpnd:"nat_exempt" doc:"keep every gateway of this host from translating what goes through" default:"true"`
	Firewall  *bool    `vpnd:"firewall" doc:"accept IKE and ESP from the peer, and what goes through the tunnel, both ways" default:"true"`
	Guard     *bool    `vpnd:"guard" doc:"drop what the networks send each other in clear" default:"true"`
	Packages  []string `vpnd:"packages" doc:"packages of strongSwan with charon-systemd; [\"strongswan\"] on Fedora and its kin, [] for none" default:"[\"charon-systemd\", \"libstrongswan-standard-plugins\"]"`
}

// Local is this side of a tunnel.
type Local struct {
	Address  *netip.Addr    `vpnd:"address" doc:"the address of this host that it binds to; left out, the one that the route to the peer has"`
	ID       *string        `vpnd:"id" doc:"who this side says it is; left out, the address, or the subject of its certificate. Behind 1:1 NAT, the public address"`
	Networks []netip.Prefix `vpnd:"networks" doc:"what may go through from this side; left out, this host alone"`
}

// Remote is the other side of a tunnel.
type Remote struct {
	Address  *string        `vpnd:"address,required" doc:"its address or name; %any where it is not known"`
	ID       *string        `vpnd:"id" doc:"who it has to be; left out, its address. %any is anybody with the secret, or with a certificate of the CA"`
	Networks []netip.Prefix `vpnd:"networks" doc:"what may go through from there; left out, that host alone"`
}

// Child is a pair of networks that has SAs of its own. What it leaves out is that
// of the tunnel.
type Child struct {
	Name      string             `vpnd:"name,label" doc:"name of the child SA"`
	Local     []netip.Prefix     `vpnd:"local" doc:"networks of this side"`
	Remote    []netip.Prefix     `vpnd:"remote" doc:"networks of the other side"`
	ESP       []string           `vpnd:"esp" doc:"proposals of ESP"`
	Start     *string            `vpnd:"start" doc:"what is done once it is loaded: start, trap, trap|start or none"`
	RekeyTime *resource.Duration `vpnd:"rekey_time" doc:"life until it gets new keys"`
}

// Interface is what a routed tunnel has to know of its xfrm interface.
type Interface struct {
	Name string `vpnd:"name" doc:"its name"`
	IfID *int   `vpnd:"if_id" doc:"its number"`
}

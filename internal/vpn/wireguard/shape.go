// Package wireguard turns a wireguard block into an interface of WireGuard with its
// keys, routes and rules, and into profiles for its peers: people who dial in, and
// other sites.
//
// Who a peer is says its key. One without is a person: the key is made here and
// goes out with the profile. One with a key, that others made, is most often
// another site; its part of the configuration is written as a profile too, but for
// the key.
package wireguard

import (
	"net/netip"

	"vpnd/internal/resource"
)

// WireGuard is an interface of WireGuard, with its peers.
type WireGuard struct {
	Addresses []netip.Prefix `vpnd:"addresses,required" doc:"addresses of this host in the VPN, each with the length of its network, as in 10.20.0.1/24"`
	Listen    *int           `vpnd:"listen" doc:"the UDP port it listens on" default:"51820"`
	Remote    *string        `vpnd:"remote" doc:"what profiles dial: a name or an address of this host, with :PORT where it differs from the one listened on"`
	Reach     []netip.Prefix `vpnd:"reach" doc:"networks behind this host that peers reach, besides the VPN itself and what is behind other peers; 0.0.0.0/0 and ::/0 for everything, of people alone"`
	Peers     []Peer         `vpnd:"peer,block" doc:"a person or another site; its label is the name"`

	DNS       []netip.Addr       `vpnd:"dns" doc:"name servers for people"`
	Search    []string           `vpnd:"search" doc:"domains that people look names up in which have none"`
	MTU       *int               `vpnd:"mtu" doc:"largest packet inside, in bytes: that of the way to the peers less 80, or 60 where that is IPv4 alone; left out, 1420"`
	Keepalive *resource.Duration `vpnd:"keepalive" doc:"how often an idle peer that has an endpoint, and this host by a profile, is sent something, so that what translates addresses on the way keeps it in mind; 0s is never" default:"25s"`
	PSK       *bool              `vpnd:"psk" doc:"make a key for each person that both share besides, which keeps what is sent today safe from quantum computers" default:"true"`
	Key       *string            `vpnd:"private_key" doc:"path of the private key, with its public key beside it as .pub, as of a wireguard_key block; left out, it is made here"`
	Mark      *int               `vpnd:"fwmark" doc:"mark of the packets that it sends, for rules and routes; left out, none"`
	Backend   *string            `vpnd:"backend" doc:"what carries the packets: kernel; wireguard-go, which is installed then, in user space; auto: the kernel where it can, else wireguard-go where that is installed" default:"auto"`

	Between  *bool   `vpnd:"between_peers" doc:"pass packets from peer to peer" default:"true"`
	Routes   *bool   `vpnd:"routes" doc:"make routes to the networks behind peers" default:"true"`
	Guard    *bool   `vpnd:"guard" doc:"drop what is meant for the VPN and would leave in clear, since the interface or a route is not there" default:"true"`
	Firewall *bool   `vpnd:"firewall" doc:"accept packets to where it listens, pass on what peers may reach, and fit the segments of TCP to the tunnel" default:"true"`
	Profiles *string `vpnd:"profiles" doc:"directory for the profiles of the peers; left out, /var/lib/vpnd/profiles/NAME; false for none"`
	Tools    *bool   `vpnd:"tools" doc:"install the package wireguard-tools, for wg to look at it" default:"false"`
}

// Peer is a person or another site.
type Peer struct {
	Name      string             `vpnd:"name,label" doc:"what it is called; a profile for wg-quick is named after it"`
	Address   *netip.Addr        `vpnd:"address" doc:"its IPv4 address in the VPN"`
	Address6  *netip.Addr        `vpnd:"address6" doc:"its IPv6 address in the VPN"`
	PublicKey *string            `vpnd:"public_key" doc:"its public key where others made that; left out, its key is made here and goes out with its profile"`
	Endpoint  *string            `vpnd:"endpoint" doc:"where it is found at first: an address or a name, with its port; left out, it dials"`
	Networks  []netip.Prefix     `vpnd:"networks" doc:"networks behind it"`
	Keepalive *resource.Duration `vpnd:"keepalive" doc:"how often it is sent something where it is idle and has an endpoint, or sends something by its profile; left out, as for all"`
	PSK       *bool              `vpnd:"psk" doc:"make a key that both share besides; left out, as for all, and none where its own was not made here"`
	PSKFile   *string            `vpnd:"psk_file" doc:"path of a file with that key where others made it, as of a secret_file block"`
	Disabled  *bool              `vpnd:"disabled" doc:"keep it out for the time being; its key and its profile stay" default:"false"`
	Revoked   *bool              `vpnd:"revoked" doc:"keep it out for good, also by an undo; its profile goes" default:"false"`
}

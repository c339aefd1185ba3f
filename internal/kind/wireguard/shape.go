// Package wireguard converges interfaces of WireGuard: the data plane of the kernel,
// or that of wireguard-go where the kernel has none, and what it is told of peers.
//
// WireGuard tells of nothing as it happens, so peers are looked at when everything
// is. Where a peer is heard from moves its endpoint, which is how WireGuard is
// meant to work and no drift.
package wireguard

import (
	"net/netip"
	"time"

	"vpnd/internal/resource"
)

// Interface is an interface of WireGuard. Its name is the interface's, of at most 15
// bytes. Keys stand in files and are never shown; whether the interface has them
// is what keyed and preshared say.
type Interface struct {
	Key       *string        `vpnd:"key,hint,required" doc:"path of its private key, as in wireguard_key"`
	Backend   *string        `vpnd:"backend" doc:"what carries the packets: kernel, wireguard-go (in user space, by Debian's package of that name), or auto: the kernel where it can" default:"auto"`
	Listen    *int           `vpnd:"listen,glance" doc:"the UDP port it listens on; left out, any"`
	Mark      *int           `vpnd:"fwmark" doc:"mark of the packets that it sends, for rules and routes; 0 is none"`
	Addresses []netip.Prefix `vpnd:"addresses,glance" doc:"addresses with their prefix lengths; all others go, but for the link-local ones of the kernel"`
	MTU       *int           `vpnd:"mtu" doc:"largest packet inside, in bytes; left out, 1420 on a new one"`
	Up        *bool          `vpnd:"up" doc:"whether the interface is switched on" default:"true"`
	Peers     []Peer         `vpnd:"peer,block" doc:"who may send and is sent packets; all others go"`
	Revoked   []string       `vpnd:"revoked,hint" doc:"public keys, or paths of files with one, of peers that are never let in again, also by an undo"`

	Keyed    *bool             `vpnd:"keyed,computed" words:"has its private key" doc:"whether it has the private key of that file"`
	Admitted []string          `vpnd:"admitted,computed" words:"revoked and let in" doc:"peers that were revoked and are let in all the same"`
	Alias    *string           `vpnd:"alias,computed" doc:"the interface's alias, which marks those that vpnd made"`
	Seen     []Seen            `vpnd:"seen,computed,hint" doc:"how it stands with each peer"`
	Barred   map[string]string `vpnd:"barred,computed,hint,memory" doc:"public keys of those who were revoked, and where that was said"`
}

// Peer is who may send packets by an interface.
type Peer struct {
	Name      string             `vpnd:"name,label" doc:"what it is called here; WireGuard itself knows keys alone"`
	PublicKey *string            `vpnd:"public_key" doc:"its public key, in base64"`
	KeyFile   *string            `vpnd:"key_file" doc:"path of a file with its public key instead, such as the .pub beside a wireguard_key"`
	PSKFile   *string            `vpnd:"psk_file" doc:"path of a file with the key that both share besides, as in wireguard_psk"`
	Endpoint  *string            `vpnd:"endpoint" doc:"where it is found at first: an address or a name, with its port; a name is looked up when it is set, and again where the peer does not answer"`
	Networks  []netip.Prefix     `vpnd:"networks" doc:"the addresses that it may have, and that are sent to it"`
	Keepalive *resource.Duration `vpnd:"keepalive" doc:"how often something is sent to it, so that what translates addresses on the way keeps it in mind; 0s is never" default:"0s"`
	Preshared *string            `vpnd:"preshared,computed" words:"shared key" doc:"which key both share: none, current (that of the file) or another"`
}

// Seen is how a peer was seen.
type Seen struct {
	Peer      string         `vpnd:"peer" doc:"what it is called here, its public key where it is not known"`
	Dialled   bool           `vpnd:"dialled" doc:"whether it is known where it is found, so that this host can begin"`
	Endpoint  string         `vpnd:"endpoint" doc:"where it was heard from last; empty where it never was"`
	Networks  []netip.Prefix `vpnd:"networks" doc:"its networks"`
	Keepalive bool           `vpnd:"keepalive" doc:"whether it is sent something regularly"`
	Handshake time.Time      `vpnd:"handshake" doc:"when it last proved who it is"`
	Alive     bool           `vpnd:"alive" doc:"whether that is so lately that it is there"`
	In        int64          `vpnd:"in_bytes" doc:"bytes from it"`
	Out       int64          `vpnd:"out_bytes" doc:"bytes to it"`
}

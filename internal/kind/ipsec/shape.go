// Package ipsec converges connections of strongSwan: the file below
// /etc/swanctl/conf.d that has them over the next start of charon, and what
// charon has loaded, by vici.
package ipsec

import (
	"encoding/json"

	"vpnd/internal/resource"
)

// Connection is an IKE connection of strongSwan with its child SAs, and its
// pre-shared key where it has one. Its name is that of the connection; it stands in
// /etc/swanctl/conf.d/vpnd-NAME.conf. See swanctl.conf(5) for every value.
type Connection struct {
	Version     *int               `vpnd:"version" doc:"version of IKE, 2 or 1" default:"2"`
	LocalAddrs  []string           `vpnd:"local_addrs,glance" doc:"addresses of this host that it may use; left out, any"`
	RemoteAddrs []string           `vpnd:"remote_addrs,required,glance" doc:"addresses or names of the peer; %any for a peer whose address is not known"`
	Proposals   []string           `vpnd:"proposals,required" doc:"proposals of IKE, the best one first, as in aes256gcm16-prfsha384-ecp384"`
	Aggressive  *bool              `vpnd:"aggressive" doc:"aggressive mode of IKE version 1" default:"false"`
	Encap       *bool              `vpnd:"encap" doc:"wrap ESP in UDP even where no address is translated" default:"false"`
	MOBIKE      *bool              `vpnd:"mobike" doc:"follow a peer whose address changes, RFC 4555" default:"true"`
	Fragment    *string            `vpnd:"fragmentation" doc:"of IKE messages, RFC 7383: yes, accept, force or no" default:"yes"`
	Unique      *string            `vpnd:"unique" doc:"what becomes of an older SA of the same peer: no, never, keep or replace" default:"no"`
	DPDDelay    *resource.Duration `vpnd:"dpd_delay" doc:"time without a packet after which the peer is asked whether it lives; 0s is never"`
	DPDTimeout  *resource.Duration `vpnd:"dpd_timeout" doc:"time without an answer after which it is dead, in IKE version 1 alone"`
	KeyingTries *int               `vpnd:"keyingtries" doc:"how often to try to establish it; 0 is for ever"`
	RekeyTime   *resource.Duration `vpnd:"rekey_time" doc:"life of an IKE SA until it gets new keys"`
	ReauthTime  *resource.Duration `vpnd:"reauth_time" doc:"life of an IKE SA until both sides prove anew who they are; 0s is never" default:"0s"`
	OverTime    *resource.Duration `vpnd:"over_time" doc:"how much longer than that it may live before it is closed; left out, a tenth of it"`
	SendCert    *string            `vpnd:"send_cert" doc:"when to send the own certificate: ifasked, always or never" default:"ifasked"`
	Local       *End               `vpnd:"local,block,required" doc:"how this side proves who it is"`
	Remote      *End               `vpnd:"remote,block,required" doc:"how the other one does"`
	Children    []Child            `vpnd:"child,block" doc:"the child SAs: what goes through"`
	PSK         *resource.Secret   `vpnd:"psk" doc:"the pre-shared key; charon finds it by the id of the other side, or where nobody knows that before, by that of this one"`
	PSKFile     *string            `vpnd:"psk_file" doc:"absolute path of a file that holds it, on one line"`

	// What charon has, by the measure of the file.
	Private *bool    `vpnd:"private,computed" doc:"whether nobody but root may read the file"`
	Keyed   *bool    `vpnd:"keyed,computed" doc:"whether the pre-shared key is the one in psk_file"`
	Loaded  *bool    `vpnd:"loaded,computed" doc:"whether charon, where it runs, has loaded what the file says"`
	Current *bool    `vpnd:"current,computed" doc:"whether the established SAs were made with what is loaded"`
	Started *bool    `vpnd:"started,computed" doc:"whether the child SAs that start by themselves are up, on their way, or were tried a moment ago"`
	Foreign []string `vpnd:"foreign,computed,glance" words:"lines of others" doc:"lines of the file that vpnd did not write"`

	Amiss    []string `vpnd:"amiss,computed,glance" doc:"what of all that is not as it shall be, in words"`
	Unloaded []string `vpnd:"not_loaded,computed,hint" doc:"what charon has not loaded, or otherwise than the file says"`
	Standing *States  `vpnd:"standing,computed,hint" doc:"how its tunnels stand, one a child SA"`
}

// End is one side of a connection, and how it authenticates.
type End struct {
	Auth         *string  `vpnd:"auth" doc:"psk or pubkey" default:"psk"`
	ID           *string  `vpnd:"id" doc:"its IKE identity; left out, its address or the subject of its certificate"`
	Certificates []string `vpnd:"certificates" doc:"absolute paths of its certificates"`
	Key          *string  `vpnd:"key" doc:"absolute path of the private key of this side, below /etc/swanctl/private"`
	CACerts      []string `vpnd:"ca_certificates" doc:"absolute paths of the CAs that the other side's certificate must come from"`
	Above        []string `vpnd:"ca_certificates_above" doc:"absolute paths of the CAs above those, up to the root, where every chain has to end; alone they let nobody in"`
	CRLs         []string `vpnd:"crls" doc:"absolute paths of revocation lists of all those CAs, below /etc/swanctl/x509crl"`
	Revocation   *string  `vpnd:"revocation" doc:"how revocation is judged: relaxed, ifuri or strict" default:"relaxed"`
}

// Child is a child SA of a connection.
type Child struct {
	Name         string             `vpnd:"name,label" doc:"its name"`
	Mode         *string            `vpnd:"mode" doc:"tunnel or transport" default:"tunnel"`
	LocalTS      []string           `vpnd:"local_ts" doc:"traffic selectors of this side: networks as CIDR, dynamic for its own address, with [protocol/port] where only that goes through"`
	RemoteTS     []string           `vpnd:"remote_ts" doc:"the same of the other side"`
	Proposals    []string           `vpnd:"esp_proposals,required" doc:"proposals of ESP, as in aes256gcm16-ecp384"`
	StartAction  *string            `vpnd:"start_action" doc:"what is done once it is loaded: none, trap, start or trap|start" default:"none"`
	DPDAction    *string            `vpnd:"dpd_action" doc:"what is done when the peer is dead: clear, trap or restart" default:"clear"`
	CloseAction  *string            `vpnd:"close_action" doc:"what is done when the peer closes it: none, trap or start" default:"none"`
	RekeyTime    *resource.Duration `vpnd:"rekey_time" doc:"life until it gets new keys"`
	LifeTime     *resource.Duration `vpnd:"life_time" doc:"life until it is closed; left out, a tenth more than that"`
	RekeyBytes   *int               `vpnd:"rekey_bytes" doc:"bytes until it gets new keys; 0 is any number" default:"0"`
	ReplayWindow *int               `vpnd:"replay_window" doc:"how many packets may overtake each other" default:"32"`
	IfID         *int               `vpnd:"if_id" doc:"number of the xfrm interface that it belongs to; 0 is none" default:"0"`
	Priority     *int               `vpnd:"priority" doc:"priority of its policies, the lowest first; 0 has it computed" default:"0"`
	CopyDF       *bool              `vpnd:"copy_df" doc:"copy the bit that forbids fragmentation to the outer packet" default:"true"`
}

// States are how child SAs stand, or the connection where it has none.
type States []resource.TunnelState

// MarshalText writes them as JSON.
func (s States) MarshalText() ([]byte, error) { return json.Marshal([]resource.TunnelState(s)) }

// UnmarshalText reads what MarshalText wrote.
func (s *States) UnmarshalText(text []byte) error {
	return json.Unmarshal(text, (*[]resource.TunnelState)(s))
}

// Tunnels returns how each child SA stood when it was observed.
func (c *Connection) Tunnels() []resource.TunnelState { return resource.Or(c.Standing, nil) }

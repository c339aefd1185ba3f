package wireguard

import (
	"fmt"
	"net/netip"
	"time"

	"vpnd/internal/resource"
)

// alive is how old the last handshake with a peer may be that is there:
// REJECT_AFTER_TIME, after which no packet is taken by the keys of it. Who sends
// something makes a new one after 120 seconds. WireGuard, the whitepaper, 6.1.
const alive = 180 * time.Second

// Tunnels returns how the interface stands, and each peer of it.
func (i *Interface) Tunnels() []resource.TunnelState {
	up := resource.Or(i.Up, false)
	own := resource.TunnelState{Up: up, Attached: true, Local: words(i.Addresses)}
	if !up {
		own.Why = "the interface is switched off"
	}
	all := []resource.TunnelState{own}
	for _, s := range i.Seen {
		all = append(all, s.state(up))
	}
	return all
}

// state tells of one peer. One that this host can't dial is a person who comes and
// goes; and one without a keepalive is silent where nobody has anything to say:
// neither is a fault.
func (s Seen) state(up bool) resource.TunnelState {
	t := resource.TunnelState{
		Name: s.Peer, Up: up && s.Alive, Attached: up && s.Alive, OnDemand: !s.Dialled || !s.Keepalive, Peer: s.Endpoint, Remote: words(s.Networks),
		Handshake: s.Handshake, In: uint64(s.In), Out: uint64(s.Out),
	}
	switch {
	case !up:
		t.Why = "the interface is switched off"
	case t.Up:
	case !t.OnDemand:
		t.Why = s.silent()
	case s.Handshake.IsZero():
		t.Why = "was never here"
	default:
		t.Why = "not here now"
	}
	return t
}

func (s Seen) silent() string {
	const act = "see that it runs, that UDP gets through to it, and that each has the public key of the other"
	if s.Handshake.IsZero() {
		return fmt.Sprintf("%s never answered; %s", s.Endpoint, act)
	}
	return fmt.Sprintf("no answer from %s since %s; %s", s.Endpoint, s.Handshake.UTC().Format(time.RFC3339), act)
}

func words(networks []netip.Prefix) []string {
	var all []string
	for _, p := range networks {
		all = append(all, p.String())
	}
	return all
}

package wireguard

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/resource"
)

// config returns what WireGuard has to be told, and the peers as they are known
// then. Peers that are as they shall be are not in it.
func (v Verbs) config(ctx context.Context, d *wgtypes.Device, want Interface, before map[string]known) (c wgtypes.Config, now map[string]known, unfound, err error) {
	if c, err = settings(d, want); err != nil || want.Peers == nil {
		return c, before, nil, err
	}
	now = make(map[string]known)
	there := make(map[wgtypes.Key]wgtypes.Peer, len(d.Peers))
	for _, p := range d.Peers {
		there[p.PublicKey] = p
	}
	ctx, cancel := context.WithTimeout(ctx, lookups)
	defer cancel()
	var errs []error
	for _, p := range want.Peers {
		key, err := p.public()
		if err != nil {
			return c, nil, nil, err
		}
		if m := want.readmits(p, resource.Prospect{}); m != nil {
			errs = append(errs, m)
			continue
		}
		is, stands := there[key]
		delete(there, key)
		change, err := v.change(ctx, p, key, is, stands, before[key.String()].Endpoint)
		kept := known{Name: p.Name, KeyFile: p.KeyFile, PSKFile: p.PSKFile}
		var lost *unfoundError
		switch {
		case errors.As(err, &lost):
			errs = append(errs, fmt.Errorf("peer %s: %w", p.Name, err))
		case err != nil:
			return c, nil, nil, err
		default:
			kept.Endpoint = resource.Or(p.Endpoint, "")
		}
		now[key.String()] = kept
		if change != nil {
			c.Peers = append(c.Peers, *change)
		}
	}
	c.Peers = append(removals(there), c.Peers...) // who goes makes room for who comes
	return c, now, errors.Join(errs...), nil
}

// settings returns what WireGuard has to be told of the interface itself.
func settings(d *wgtypes.Device, want Interface) (c wgtypes.Config, err error) {
	if want.Key != nil {
		key, err := readKey(*want.Key)
		if err != nil {
			return c, err
		}
		if key != d.PrivateKey {
			c.PrivateKey = &key
		}
	}
	if differs(&d.ListenPort, want.Listen) {
		c.ListenPort = want.Listen
	}
	if differs(&d.FirewallMark, want.Mark) {
		c.FirewallMark = want.Mark
	}
	return c, nil
}

// removals tell of peers that go.
func removals(peers map[wgtypes.Key]wgtypes.Peer) []wgtypes.PeerConfig {
	var gone []wgtypes.PeerConfig
	keys := slices.Collect(maps.Keys(peers))
	resource.Sort(keys, func(a, b wgtypes.Key) int { return slices.Compare(a[:], b[:]) })
	for _, key := range keys {
		gone = append(gone, wgtypes.PeerConfig{PublicKey: key, Remove: true, UpdateOnly: true})
	}
	return gone
}

// An unfoundError says that the name of an endpoint has no address.
type unfoundError struct{ error }

func (e *unfoundError) Unwrap() error { return e.error }

// change returns what WireGuard has to be told of a peer, nil for nothing.
func (v Verbs) change(ctx context.Context, want Peer, key wgtypes.Key, is wgtypes.Peer, stands bool, set string) (*wgtypes.PeerConfig, error) {
	c := wgtypes.PeerConfig{PublicKey: key, UpdateOnly: stands}
	tell := !stands
	shared, err := want.shared()
	if err != nil {
		return nil, err
	}
	if psk := resource.Or(shared, wgtypes.Key{}); psk != is.PresharedKey {
		c.PresharedKey, tell = &psk, true
	}
	if list := canonical(want.Networks); !slices.Equal(list, networks(is.AllowedIPs)) {
		c.ReplaceAllowedIPs, c.AllowedIPs, tell = true, ipNets(list), true
	}
	if every := time.Duration(resource.Or(want.Keepalive, 0)); every != is.PersistentKeepaliveInterval {
		c.PersistentKeepaliveInterval, tell = &every, true
	}
	var unfound error
	if want.Endpoint != nil && !(stands && v.stands(ctx, *want.Endpoint, set, is)) {
		if all, err := v.resolve(ctx, *want.Endpoint); err != nil {
			unfound = &unfoundError{err}
		} else {
			c.Endpoint, tell = net.UDPAddrFromAddrPort(all[0]), true
		}
	}
	if !tell {
		return nil, unfound
	}
	return &c, unfound
}

func ipNets(all []netip.Prefix) []net.IPNet {
	list := make([]net.IPNet, len(all))
	for i, p := range all {
		list[i] = net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	}
	return list
}

package wireguard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

// Which keys a peer may share, in words.
const (
	pskNone    = "none"
	pskCurrent = "current"
	pskAnother = "another"
)

// Observe reads one list of interfaces, and asks for each device.
func (v Verbs) Observe(ctx context.Context, wants map[string]*Interface) (map[string]*Interface, error) {
	links, err := link.Interfaces()
	if err != nil {
		return nil, err
	}
	return resource.ObserveEach(ctx, wants, func(name string, want *Interface) (*Interface, error) {
		is, there := links[name]
		if !there {
			return nil, nil
		}
		device, backend, err := v.device(ctx, name, is)
		if err != nil {
			return nil, err
		}
		got := v.observed(ctx, name, is, device, want)
		got.Backend = &backend
		if *got.Alias != link.Mark && !*got.Keyed && !blank(device) {
			return nil, stranger(name)
		}
		return got, nil
	})
}

// stranger is said of an interface whose key nobody here has.
func stranger(name string) *resource.Mistake {
	return &resource.Mistake{
		Summary: fmt.Sprintf("there is an interface %s of WireGuard already that somebody else made, with a key that could not be given back", name),
		Hint:    fmt.Sprintf("take it down, as with wg-quick down %s, or choose another name", name),
	}
}

// Foreign is what is wrong with an interface that has the name of one that shall have
// the private key of that file; nil where there is none, or none of somebody else.
func (v Verbs) Foreign(ctx context.Context, name, file string) *resource.Mistake {
	links, err := link.Interfaces()
	is, there := links[name]
	if err != nil || !there || is.Alias == link.Mark {
		return nil // whoever observes it tells what can't be looked at
	}
	d, _, err := v.device(ctx, name, is)
	var other *resource.Mistake
	if errors.As(err, &other) || err != nil || blank(d) {
		return other
	}
	if key, err := readKey(file); err == nil && key == d.PrivateKey {
		return nil
	}
	return stranger(name)
}

// blank says whether an interface has no key, and so carries nothing for anybody: it is
// what a run leaves that was killed while it made one.
func blank(d *wgtypes.Device) bool { return d.PrivateKey == (wgtypes.Key{}) }

// device asks for what WireGuard knows of an interface, and returns who carries it.
func (v Verbs) device(ctx context.Context, name string, is link.Interface) (d *wgtypes.Device, backend string, err error) {
	other := &resource.Mistake{Summary: fmt.Sprintf("there is an interface %s already, and it is none of WireGuard but a %s", name, is.Type), Hint: "choose another name"}
	switch is.Type {
	case "wireguard":
		backend = Kernel
	case "tuntap", "tun":
		backend = Userspace
	default:
		return nil, "", other
	}
	d, err = v.ask(ctx, name, backend)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", other
	}
	if err != nil {
		return nil, "", fmt.Errorf("asking WireGuard for %s: %w", name, err)
	}
	return d, backend, nil
}

// observed puts what is there into words, by the measure of the wish.
func (v Verbs) observed(ctx context.Context, name string, is link.Interface, d *wgtypes.Device, want *Interface) *Interface {
	wish := resource.Or(want, Interface{})
	got := &Interface{
		Key: wish.Key, Listen: &d.ListenPort, Mark: &d.FirewallMark, Addresses: is.Addresses,
		MTU: &is.MTU, Up: &is.Up, Alias: &is.Alias, Revoked: wish.Revoked, Barred: wish.Barred,
		Peers: []Peer{}, Admitted: []string{}, Keyed: resource.Ptr(false),
	}
	if wish.Key != nil {
		key, err := readKey(*wish.Key)
		*got.Keyed = err == nil && key == d.PrivateKey
	}
	wished, kept := named(wish.Peers), v.recall(name)
	ctx, cancel := context.WithTimeout(ctx, lookup) // for all names together
	defer cancel()
	for _, p := range d.Peers {
		is := kept[p.PublicKey.String()]
		if wish.Barred[p.PublicKey.String()] != "" {
			got.Admitted = append(got.Admitted, cmp.Or(is.Name, p.PublicKey.String()))
			continue
		}
		peer := v.peer(ctx, p, cmp.Or(wished[p.PublicKey], is.peer(p.PublicKey, wish.Peers)), is.Endpoint)
		if is.Name != "" && wished[p.PublicKey] != nil {
			peer.Name = is.Name // until it is known by another one
		}
		got.Peers = append(got.Peers, peer)
		got.Seen = append(got.Seen, Seen{
			Peer: cmp.Or(is.Name, peer.Name), Dialled: is.Endpoint != "" || dials(wished[p.PublicKey]), Endpoint: endpointOf(p.Endpoint),
			Networks: networks(p.AllowedIPs), Keepalive: p.PersistentKeepaliveInterval > 0,
			Handshake: p.LastHandshakeTime.UTC().Truncate(time.Second), Alive: v.alive(p), In: p.ReceiveBytes, Out: p.TransmitBytes,
		})
	}
	resource.Sort(got.Peers, byName)
	resource.Sort(got.Seen, func(a, b Seen) int { return strings.Compare(a.Peer, b.Peer) })
	return got
}

// peer is what is known of one that nobody wishes for any more, so that it has its
// name, and comes back with an undo; nil where nothing is, or the name is another's.
func (k known) peer(key wgtypes.Key, wished []Peer) *Peer {
	if k.Name == "" || slices.ContainsFunc(wished, func(p Peer) bool { return p.Name == k.Name }) {
		return nil
	}
	peer := &Peer{Name: k.Name, KeyFile: k.KeyFile, PSKFile: k.PSKFile}
	if is, err := peer.public(); err != nil || is != key {
		peer.KeyFile, peer.PublicKey = nil, resource.Ptr(key.String())
	}
	if k.Endpoint != "" {
		peer.Endpoint = &k.Endpoint
	}
	return peer
}

// alive says whether a peer proved lately who it is.
func (v Verbs) alive(p wgtypes.Peer) bool {
	return !p.LastHandshakeTime.IsZero() && v.Clock().Sub(p.LastHandshakeTime) < alive
}

// named returns the peers of a wish by their public keys, as far as these are
// known. A peer whose key is still to be made is not there.
func named(peers []Peer) map[wgtypes.Key]*Peer {
	known := make(map[wgtypes.Key]*Peer, len(peers))
	for i := range peers {
		if key, err := peers[i].public(); err == nil {
			known[key] = &peers[i]
		}
	}
	return known
}

// peer tells of one peer: of one that nobody wished for, what it is.
func (v Verbs) peer(ctx context.Context, is wgtypes.Peer, wish *Peer, set string) Peer {
	keepalive := resource.Duration(is.PersistentKeepaliveInterval)
	got := Peer{Name: is.PublicKey.String(), Networks: networks(is.AllowedIPs), Keepalive: &keepalive}
	if wish == nil { // a key that it shares is in no file, and so not told
		got.PublicKey = resource.Ptr(is.PublicKey.String())
		if is.Endpoint != nil {
			got.Endpoint = resource.Ptr(endpointOf(is.Endpoint))
		}
		return got
	}
	got.Preshared = resource.Ptr(pskNone)
	if is.PresharedKey != (wgtypes.Key{}) {
		got.Preshared = resource.Ptr(pskAnother)
	}
	got.Name, got.PublicKey, got.KeyFile, got.PSKFile = wish.Name, wish.PublicKey, wish.KeyFile, wish.PSKFile
	if key, err := wish.shared(); err == nil && key != nil && *key == is.PresharedKey {
		got.Preshared = resource.Ptr(pskCurrent)
	}
	if wish.Endpoint == nil {
		return got
	}
	got.Endpoint = resource.Ptr(endpointOf(is.Endpoint))
	if v.stands(ctx, *wish.Endpoint, set, is) {
		got.Endpoint = wish.Endpoint
	}
	return got
}

func endpointOf(a *net.UDPAddr) string {
	if a == nil {
		return ""
	}
	return addrPort(a).String()
}

func networks(all []net.IPNet) []netip.Prefix {
	list := []netip.Prefix{}
	for _, n := range all {
		addr, _ := netip.AddrFromSlice(n.IP)
		bits, _ := n.Mask.Size()
		list = append(list, netip.PrefixFrom(addr.Unmap(), bits))
	}
	return canonical(list)
}

// canonical sorts networks, each once.
func canonical(all []netip.Prefix) []netip.Prefix {
	list := make([]netip.Prefix, 0, len(all))
	for _, p := range all {
		list = append(list, p.Masked())
	}
	resource.Sort(list, netip.Prefix.Compare)
	return slices.Compact(list)
}

func byName(a, b Peer) int { return strings.Compare(a.Name, b.Name) }

// dials says whether it is wished that this host can begin.
func dials(wish *Peer) bool { return wish != nil && wish.Endpoint != nil }

package wireguard

import (
	"net/netip"
	"slices"
	"strings"

	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

// Where things are.
const (
	vaultRoot   = "/var/lib/vpnd/wireguard"
	profileRoot = "/var/lib/vpnd/profiles"
)

// settings are a block with all that follows from it.
type settings struct {
	*WireGuard
	name string
}

func (s settings) vault() string { return vaultRoot + "/" + s.name }
func (s settings) peers() string { return s.vault() + "/peers" }

// key returns the path of the private key of this host.
func (s settings) key() string { return resource.Or(s.Key, s.vault()+"/private.key") }

// profiles returns the directory of the profiles, empty for none.
func (s settings) profiles() string {
	switch directory := resource.Or(s.Profiles, ""); directory {
	case "":
		return profileRoot + "/" + s.name
	case "false":
		return ""
	default:
		return directory
	}
}

func (w *WireGuard) listen() int { return resource.Or(w.Listen, 51820) }

// own returns the networks of the VPN.
func (w *WireGuard) own() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range w.Addresses {
		if n := p.Masked(); !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// behind returns the networks behind peers who may come in, but for those of the VPN
// itself.
func (w *WireGuard) behind(but string) []netip.Prefix {
	var all []netip.Prefix
	for _, p := range w.Peers {
		if p.Name != but && p.welcome() {
			all = append(all, p.Networks...)
		}
	}
	return all
}

// remote returns what is reached by the interface.
func (w *WireGuard) remote() []netip.Prefix { return slices.Concat(w.own(), w.behind("")) }

func (p Peer) welcome() bool { return !p.revoked() && !resource.Or(p.Disabled, false) }
func (p Peer) revoked() bool { return resource.Or(p.Revoked, false) }

// madeHere says whether its key is.
func (p Peer) madeHere() bool { return p.PublicKey == nil }

// addresses returns those of the peer in the VPN.
func (p Peer) addresses() []netip.Prefix {
	var all []netip.Prefix
	for _, a := range []*netip.Addr{p.Address, p.Address6} {
		if a != nil && a.IsValid() {
			all = append(all, netip.PrefixFrom(*a, a.BitLen()))
		}
	}
	return all
}

func (s settings) peerKey(p Peer) string { return s.peers() + "/" + p.Name + ".key" }

// sharesOurs says whether a shared key is made here.
func (s settings) sharesOurs(p Peer) bool {
	return p.PSKFile == nil && resource.Or(p.PSK, p.madeHere() && resource.Or(s.PSK, true))
}

// psk returns the path of the key that both share, nil for none.
func (s settings) psk(p Peer) *string {
	if s.sharesOurs(p) {
		return resource.Ptr(s.peers() + "/" + p.Name + ".psk")
	}
	return p.PSKFile
}

func (s settings) keepalive(p Peer) resource.Duration {
	return resource.Or(p.Keepalive, resource.Or(s.Keepalive, 25*resource.Duration(1e9)))
}

// allowed returns what a peer reaches by this host, as its profile says. Everything
// is for people alone: a site would lose its own way out.
func (s settings) allowed(p Peer) []netip.Prefix {
	all := slices.Concat(s.own(), s.Reach, s.behind(p.Name))
	if p.PublicKey != nil && len(p.addresses()) == 0 {
		all = slices.DeleteFunc(all, func(n netip.Prefix) bool { return n.Bits() == 0 })
	}
	var list []netip.Prefix
	for _, n := range all {
		covered := slices.ContainsFunc(all, func(o netip.Prefix) bool { return o != n && resource.Within(n, o) })
		if !covered && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// dial returns what profiles dial, empty where nothing says so.
func (s settings) dial() string {
	if s.Remote == nil {
		return ""
	}
	to, _ := kind.Dial(*s.Remote, s.listen())
	return to
}

func list[T interface{ String() string }](all []T) string {
	words := make([]string, len(all))
	for i, one := range all {
		words[i] = one.String()
	}
	return strings.Join(words, ", ")
}

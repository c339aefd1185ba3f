package wireguard

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

var (
	isHost = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)
	isName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`) // also of a unit
)

// mistakes collects what is wrong.
type mistakes []resource.Mistake

func (m *mistakes) add(path, hint, format string, args ...any) {
	*m = append(*m, resource.Mistake{Path: path, Summary: fmt.Sprintf(format, args...), Hint: hint})
}

// Validate finds what can't be without looking at a host.
func (i *Interface) Validate(name string) []resource.Mistake {
	var m mistakes
	if bad := link.BadName(name); bad != "" {
		m.add("", "use letters, digits, dots and dashes, as in wg0", "%s", bad)
	} else if !isName.MatchString(name) {
		m.add("", "use letters, digits, dots and dashes, as in wg0", "%q can't be the name of an interface that a unit is named after", name)
	}
	m.file("key", i.Key)
	if b := resource.Or(i.Backend, auto); !slices.Contains([]string{auto, Kernel, Userspace}, b) {
		m.add("backend", "use one of auto, kernel, wireguard-go", "%q carries no packets", b)
	}
	m.between("listen", i.Listen, 1, 65535)
	m.between("fwmark", i.Mark, 0, 1<<32-1)
	m = append(m, BadMTU("mtu", i.MTU, i.Addresses)...)
	m.addresses(i.Addresses)
	m.peers(i.Peers)
	for n, said := range i.Revoked {
		if _, err := parseKey(said); err != nil && !strings.HasPrefix(said, "/") {
			m.add(fmt.Sprintf("revoked[%d]", n), "write the public key, or the absolute path of a file with it", "%q is no public key", said)
		}
	}
	return m
}

// BadMTU finds what is wrong with the largest packet of an interface with these
// addresses, or networks.
func BadMTU(path string, mtu *int, addresses []netip.Prefix) []resource.Mistake {
	var m mistakes
	m.between(path, mtu, 68, 65535)
	six := slices.ContainsFunc(addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
	if mtu != nil && *mtu >= 68 && *mtu < 1280 && six {
		m.add(path, "raise it to 1280 or more, or leave IPv6 out", "IPv6 needs an mtu of 1280, and this is %d", *mtu)
	}
	return m
}

func (m *mistakes) between(path string, got *int, low, high int) {
	if got != nil && (*got < low || *got > high) {
		m.add(path, fmt.Sprintf("use a number from %d to %d", low, high), "%d is out of range", *got)
	}
}

// file checks the path of a file.
func (m *mistakes) file(path string, file *string) {
	if file == nil {
		return
	}
	if f := *file; !strings.HasPrefix(f, "/") || strings.ContainsFunc(f, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.Contains(f+"/", "/../") {
		m.add(path, "write it from the root, without .. and without control characters", "%q is no absolute path", f)
	}
}

func (m *mistakes) addresses(all []netip.Prefix) {
	seen := make(map[netip.Addr]bool)
	for _, p := range all {
		a := p.Addr()
		switch {
		case !p.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a.Is4In6():
			m.add("addresses", "write an address and its prefix length, as in 10.20.0.1/24", "%s is no address of an interface", p)
		case a.Is6() && a.IsLinkLocalUnicast():
			m.add("addresses", "leave it out", "%s is link-local, and the kernel gives those by itself", p)
		case seen[a]:
			m.add("addresses", "keep one of them", "%s is there twice", a)
		}
		seen[a] = true
	}
}

// peers checks each peer, and what two can't share: WireGuard sends a packet to the
// one peer whose network it is for, and a second one would take it away.
func (m *mistakes) peers(all []Peer) {
	names, keys := make(map[string]bool), make(map[string]string)
	for i, p := range all {
		path := "peer." + p.Name
		if names[p.Name] {
			m.add(path, "make one of them", "there are two peers of this name")
		}
		names[p.Name] = true
		m.peer(path, p)
		if p.PublicKey != nil {
			if other, taken := keys[*p.PublicKey]; taken {
				m.add(path+".public_key", "each peer has a key of its own", "the peer %s has this key already", other)
			}
			keys[*p.PublicKey] = p.Name
		}
		for _, other := range all[:i] {
			m.apart(path+".networks", p, other)
		}
	}
}

// apart wants two peers to have no address in common. That one of them has a part
// of what the other one has is how a default route is made, and works: the
// longest prefix counts. The same network twice does not.
func (m *mistakes) apart(path string, p, other Peer) {
	for _, n := range p.Networks {
		if i := slices.IndexFunc(other.Networks, func(o netip.Prefix) bool { return o.Masked() == n.Masked() }); i >= 0 {
			m.add(path, "WireGuard sends each packet to one peer; give the network to one of them", "%s is at the peer %s already", n, other.Name)
		}
	}
}

func (m *mistakes) peer(path string, p Peer) {
	switch {
	case p.PublicKey == nil && p.KeyFile == nil:
		m.add(path, "write public_key, or key_file for the path of a file with it", "nothing tells the key of this peer")
	case p.PublicKey != nil && p.KeyFile != nil:
		m.add(path, "write one of public_key and key_file", "the key of this peer is told twice")
	}
	if p.PublicKey != nil {
		if bad := BadPublicKey(*p.PublicKey); bad != "" {
			m.add(path+".public_key", "write the 44 characters that wg pubkey prints", "%s", bad)
		}
	}
	m.file(path+".key_file", p.KeyFile)
	m.file(path+".psk_file", p.PSKFile)
	if p.Endpoint != nil {
		*m = append(*m, BadEndpoint(path+".endpoint", *p.Endpoint)...)
	}
	if p.Keepalive != nil {
		*m = append(*m, BadKeepalive(path+".keepalive", *p.Keepalive)...)
	}
	for _, n := range p.Networks {
		if n != n.Masked() {
			m.add(path+".networks", fmt.Sprintf("write %s", n.Masked()), "%s has bits set behind its prefix", n)
		}
	}
}

// BadPublicKey says what is wrong with a public key, or nothing.
func BadPublicKey(text string) string {
	key, err := parseKey(text)
	switch {
	case err != nil || key.String() != text:
		return fmt.Sprintf("%q is no key of WireGuard", text)
	case key == [32]byte{}:
		return "it is the key that stands for none"
	}
	return ""
}

// BadEndpoint finds what is wrong with where a peer is found.
func BadEndpoint(path, endpoint string) []resource.Mistake {
	var m mistakes
	if _, _, err := parseEndpoint(endpoint); err != nil {
		m.add(path, "write an address or a name with its port, as in 203.0.113.7:51820, [2001:db8::7]:51820 or vpn.example.com:51820", "%s", err)
	}
	return m
}

// BadKeepalive finds what is wrong with how often something is sent.
func BadKeepalive(path string, every resource.Duration) []resource.Mistake {
	var m mistakes
	if s := every.Seconds(); s < 0 || s > 65535 || every != resource.Duration(s)*resource.Duration(1e9) {
		m.add(path, `use "25s", or "0s" for never`, "%s is not a whole number of seconds up to 65535", every)
	}
	return m
}

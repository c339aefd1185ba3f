package aws

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/credentials"
)

// A tunnel is one of both, as the document and the block have it.
type tunnel struct {
	document.Tunnel
	name     string // of its connection and its interface
	ifID     int
	ike, esp []string
	id       *string // who Amazon's side is, where that is not its address
	chosen   bool    // the proposals are those of the block
}

// tunnels returns both tunnels, in the order of Amazon's outside addresses, which their
// names go by.
func (v *VPN) tunnels(name string, c *document.Connection) [2]tunnel {
	var both [2]tunnel
	for i, d := range c.Tunnels {
		t := tunnel{Tunnel: d, name: fmt.Sprintf("%s-%d", name, i+1), ifID: v.ifID(name) + i}
		ike, esp := offered(&d)
		t.ike, t.esp = []string{written(proposal.IKE, ike)}, []string{written(proposal.ESP, esp)}
		if o := v.override(d.Outside); o != nil {
			t.id = o.ID
			if o.PSK != nil {
				t.PSK = o.PSK
			}
			if o.IKE != nil {
				t.ike, t.chosen = o.IKE, true
			}
			if o.ESP != nil {
				t.esp, t.chosen = o.ESP, true
			}
		}
		both[i] = t
	}
	return both
}

func (v *VPN) override(outside netip.Addr) *Tunnel {
	for i := range v.Tunnels {
		if a, err := netip.ParseAddr(v.Tunnels[i].Outside); err == nil && a == outside {
			return &v.Tunnels[i]
		}
	}
	return nil
}

// ifID is the number of the first interface: one of those that are left to whoever
// writes none, which only a coincidence gives twice.
func (v *VPN) ifID(name string) int {
	if v.IfID != nil {
		return *v.IfID
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte("aws_vpn." + name))
	return 1<<16 + int(h.Sum32()%(1<<30))*2
}

// credentials is how both sides prove who they are.
func (v *VPN) credentials(name string) *credentials.Credentials {
	return &credentials.Credentials{Name: name, Pair: v.Certificate, CA: v.CA, CRL: v.CRL, Revocation: v.Revocation}
}

// identities are those of this side and of Amazon's. With certificates a side is whom its
// certificate names; with pre-shared keys it is its outside address, as Amazon sees it.
func (v *VPN) identities(c *document.Connection, t tunnel) (local, remote *string) {
	if v.Certificate == nil {
		return resource.Ptr(c.Outside.String()), resource.Ptr(t.Outside.String())
	}
	return v.ID, resource.Ptr(resource.Or(t.id, "%any"))
}

// ordered returns the tunnels, the preferred one first.
func (v *VPN) ordered(both [2]tunnel) []tunnel {
	all := both[:]
	if v.Prefer != nil && *v.Prefer == both[1].Outside {
		all = []tunnel{both[1], both[0]}
	}
	return all
}

func (v *VPN) mode() string { return resource.Or(v.Mode, policy) }

// translated says whether ESP is wrapped in UDP, or may be: where the address that it
// is bound to is not known to be the one that Amazon sees.
func (v *VPN) translated(c *document.Connection) bool {
	return c.Accelerated || v.LocalAddress == nil || *v.LocalAddress != c.Outside
}

// remotes are the networks on Amazon's side.
func (v *VPN) remotes(c *document.Connection) []netip.Prefix {
	if v.RemoteNetworks == nil && c.Remote.IsValid() {
		return []netip.Prefix{c.Remote}
	}
	return v.RemoteNetworks
}

// selectors are what may go through a tunnel. With an interface anything may, for the
// routes decide; but only what Amazon takes.
func (v *VPN) selectors(c *document.Connection) (local, remote []string) {
	if v.mode() == policy {
		return words(v.LocalNetworks), words(v.remotes(c))
	}
	any4, any6 := netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")
	l, r := any4, any4
	if c.Local.IsValid() {
		l = c.Local
	}
	if c.Remote.IsValid() {
		r = c.Remote
	}
	if v.has(false) {
		local, remote = append(local, l.String()), append(remote, r.String())
	}
	if v.has(true) {
		local, remote = append(local, any6.String()), append(remote, any6.String())
	}
	return local, remote
}

// has says whether the networks of this side are, in part, of a family.
func (v *VPN) has(six bool) bool {
	return slices.ContainsFunc(v.LocalNetworks, func(n netip.Prefix) bool { return n.Addr().Is6() == six })
}

func words[T fmt.Stringer](all []T) []string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = v.String()
	}
	return list
}

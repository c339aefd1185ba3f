package wireguard

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
)

var (
	// isDevice is the name of an interface that chains and a unit are named after.
	isDevice = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)
	// isPeer is what wg-quick(8) takes for the name of a profile, since the interface
	// is called so.
	isPeer = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)
)

// check collects mistakes.
type check struct{ mistakes.Check }

// Validate returns everything that is wrong with the block.
func (w *WireGuard) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isDevice.MatchString(name) {
		c.Add("", "use at most 15 letters, digits, dots, dashes and underscores, as in wg0", "%q can't be the name of an interface with chains named after it", name)
	}
	w.checkAddresses(c)
	c.Between("listen", w.Listen, 1, 65535)
	c.Between("fwmark", w.Mark, 0, 1<<32-1)
	c.Found = append(c.Found, kind.BadMTU("mtu", w.MTU, w.Addresses)...)
	c.Found = append(c.Found, kind.BadKeepalive("keepalive", resource.Or(w.Keepalive, 0))...)
	if b := resource.Or(w.Backend, "auto"); !slices.Contains([]string{"auto", kind.Kernel, kind.Userspace}, b) {
		c.Add("backend", "use one of auto, kernel, wireguard-go", "%q carries no packets", b)
	}
	w.checkRemote(c)
	w.checkReach(c)
	w.checkNames(c)
	c.Path("private_key", w.Key)
	if w.Profiles != nil && *w.Profiles != "false" {
		c.Path("profiles", w.Profiles)
	}
	w.checkPeers(c, name)
	return c.Found
}

func (w *WireGuard) checkAddresses(c *check) {
	if len(w.Addresses) == 0 {
		c.Add("addresses", `write addresses = ["10.20.0.1/24"]`, "a VPN without an address leads nowhere")
	}
	seen := make(map[netip.Prefix]bool)
	for _, p := range w.Addresses {
		a := p.Addr()
		among, whose := resource.Special(p.Masked())
		switch {
		case !p.IsValid() || a.IsUnspecified() || a.Is4In6() || p.Bits() == 0:
			c.Add("addresses", "write an address and the length of its network, as in 10.20.0.1/24", "%s is no address of an interface", p)
		case among.IsValid():
			c.Add("addresses", `choose one of the private networks, as in "10.20.0.1/24" or "fd00:20::1/64"`, "%s is among %s, the addresses of %s", p, among, whose)
		case wholeNetwork(a, p):
			c.Add("addresses", fmt.Sprintf("write %s", netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits())), "%s stands for the whole network", a)
		case seen[p.Masked()]:
			c.Add("addresses", "keep one of them", "there are two addresses in %s", p.Masked())
		}
		seen[p.Masked()] = true
	}
}

// wholeNetwork says whether an address stands for all of its network.
func wholeNetwork(a netip.Addr, n netip.Prefix) bool {
	if a.Is4() && n.Bits() >= 31 || a.Is6() && n.Bits() >= 127 {
		return false
	}
	return a == n.Masked().Addr() || a.Is4() && !n.Contains(a.Next())
}

func (w *WireGuard) checkRemote(c *check) {
	if w.Remote == nil {
		for _, p := range w.Peers {
			if p.madeHere() && !p.revoked() && resource.Or(w.Profiles, "") != "false" {
				c.Add("remote", "write the name or address of this host as peers see it, or profiles = false", "profiles don't know what to dial")
				return
			}
		}
		return
	}
	if _, err := kind.Dial(*w.Remote, w.listen()); err != nil {
		c.Add("remote", "write it as in vpn.example.com, 192.0.2.1:443 or [2001:db8::1]:443", "%v", err)
	}
}

func (w *WireGuard) checkReach(c *check) {
	c.Masked("reach", w.Reach)
	all := [2]bool{}
	for _, n := range w.Reach {
		if n.Bits() == 0 {
			all[map[bool]int{false: 0, true: 1}[n.Addr().Is6()]] = true
			continue
		}
		for _, o := range w.remote() {
			if o.Bits() > 0 && o.Overlaps(n) {
				c.Add("reach", "name networks behind this host; those peers reach anyway", "%s overlaps with %s, which is in the VPN or behind a peer", n, o)
			}
		}
	}
	if all[0] && !all[1] {
		c.Warn("reach", `write reach = ["0.0.0.0/0", "::/0"]; without an IPv6 address in the VPN that goes nowhere, and does not leak`, "people send all of IPv4 here, and IPv6 past the VPN")
	}
}

func (w *WireGuard) checkNames(c *check) {
	for _, a := range w.DNS {
		if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
			c.Add("dns", "write the address by which peers reach the name server, such as that of this host in the VPN", "%s is each peer itself, or nobody", a)
		}
	}
	for i, domain := range w.Search {
		if !kind.IsDomain(domain) {
			c.Add(fmt.Sprintf("search[%d]", i), "write it as in corp.example.com", "%q is no domain", domain)
		}
	}
	if len(w.Search) > 0 && len(w.DNS) == 0 {
		c.Add("search", "write dns too", "domains are looked up by name servers, and there are none")
	}
}

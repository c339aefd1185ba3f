package wireguard

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/resource"
)

var (
	// isDevice is the name of an interface that chains and a unit are named after.
	isDevice = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)
	// isPeer is what wg-quick(8) takes for the name of a profile, since the interface
	// is called so.
	isPeer = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$`)
)

// check collects mistakes.
type check struct{ found []resource.Mistake }

func (c *check) add(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: summary, Hint: hint})
}

func (c *check) warn(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: summary, Hint: hint, Warning: true})
}

func (c *check) between(path string, got *int, low, high int) {
	if got != nil && (*got < low || *got > high) {
		c.add(path, fmt.Sprintf("%d is out of range", *got), fmt.Sprintf("use a number from %d to %d", low, high))
	}
}

// path checks the path of a file or directory.
func (c *check) path(attribute string, path *string) {
	if path == nil {
		return
	}
	if !strings.HasPrefix(*path, "/") || hasControl(*path) || strings.Contains(*path+"/", "/../") {
		c.add(attribute, fmt.Sprintf("%q is no absolute path", *path), "write it from the root, without .. and without control characters")
	}
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (c *check) masked(path string, networks []netip.Prefix) {
	for _, p := range networks {
		if p != p.Masked() {
			c.add(path, fmt.Sprintf("%s has bits set behind its prefix", p), fmt.Sprintf("write %s", p.Masked()))
		}
	}
}

// Validate returns everything that is wrong with the block.
func (w *WireGuard) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isDevice.MatchString(name) {
		c.add("", fmt.Sprintf("%q can't be the name of an interface with chains named after it", name), "use at most 15 letters, digits, dots, dashes and underscores, as in wg0")
	}
	w.checkAddresses(c)
	c.between("listen", w.Listen, 1, 65535)
	c.between("fwmark", w.Mark, 0, 1<<32-1)
	c.found = append(c.found, kind.BadMTU("mtu", w.MTU, w.Addresses)...)
	c.found = append(c.found, kind.BadKeepalive("keepalive", resource.Or(w.Keepalive, 0))...)
	if b := resource.Or(w.Backend, "auto"); !slices.Contains([]string{"auto", kind.Kernel, kind.Userspace}, b) {
		c.add("backend", fmt.Sprintf("%q carries no packets", b), "use one of auto, kernel, wireguard-go")
	}
	w.checkRemote(c)
	w.checkReach(c)
	w.checkNames(c)
	c.path("private_key", w.Key)
	if w.Profiles != nil && *w.Profiles != "false" {
		c.path("profiles", w.Profiles)
	}
	w.checkPeers(c, name)
	return c.found
}

func (w *WireGuard) checkAddresses(c *check) {
	if len(w.Addresses) == 0 {
		c.add("addresses", "a VPN without an address leads nowhere", `write addresses = ["10.20.0.1/24"]`)
	}
	seen := make(map[netip.Prefix]bool)
	for _, p := range w.Addresses {
		a := p.Addr()
		among, whose := resource.Special(p.Masked())
		switch {
		case !p.IsValid() || a.IsUnspecified() || a.Is4In6() || p.Bits() == 0:
			c.add("addresses", fmt.Sprintf("%s is no address of an interface", p), "write an address and the length of its network, as in 10.20.0.1/24")
		case among.IsValid():
			c.add("addresses", fmt.Sprintf("%s is among %s, the addresses of %s", p, among, whose), `choose one of the private networks, as in "10.20.0.1/24" or "fd00:20::1/64"`)
		case wholeNetwork(a, p):
			c.add("addresses", fmt.Sprintf("%s stands for the whole network", a), fmt.Sprintf("write %s", netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits())))
		case seen[p.Masked()]:
			c.add("addresses", fmt.Sprintf("there are two addresses in %s", p.Masked()), "keep one of them")
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
				c.add("remote", "profiles don't know what to dial", "write the name or address of this host as peers see it, or profiles = false")
				return
			}
		}
		return
	}
	if _, err := kind.Dial(*w.Remote, w.listen()); err != nil {
		c.add("remote", err.Error(), "write it as in vpn.example.com, 192.0.2.1:443 or [2001:db8::1]:443")
	}
}

func (w *WireGuard) checkReach(c *check) {
	c.masked("reach", w.Reach)
	all := [2]bool{}
	for _, n := range w.Reach {
		if n.Bits() == 0 {
			all[map[bool]int{false: 0, true: 1}[n.Addr().Is6()]] = true
			continue
		}
		for _, o := range w.remote() {
			if o.Bits() > 0 && o.Overlaps(n) {
				c.add("reach", fmt.Sprintf("%s overlaps with %s, which is in the VPN or behind a peer", n, o), "name networks behind this host; those peers reach anyway")
			}
		}
	}
	if all[0] && !all[1] {
		c.warn("reach", "people send all of IPv4 here, and IPv6 past the VPN", `write reach = ["0.0.0.0/0", "::/0"]; without an IPv6 address in the VPN that goes nowhere, and does not leak`)
	}
}

func (w *WireGuard) checkNames(c *check) {
	for _, a := range w.DNS {
		if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
			c.add("dns", fmt.Sprintf("%s is each peer itself, or nobody", a), "write the address by which peers reach the name server, such as that of this host in the VPN")
		}
	}
	for i, domain := range w.Search {
		if !kind.IsDomain(domain) {
			c.add(fmt.Sprintf("search[%d]", i), fmt.Sprintf("%q is no domain", domain), "write it as in corp.example.com")
		}
	}
	if len(w.Search) > 0 && len(w.DNS) == 0 {
		c.add("search", "domains are looked up by name servers, and there are none", "write dns too")
	}
}

package gateway

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

	"vpnd/internal/kind/chain"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
)

var (
	isName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice  = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$`)
	isPattern = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,15}$|^[A-Za-z0-9_.@-]{0,14}\+$`)
)

// maxName keeps VPND-GW-NAME-END within the 28 characters of a chain.
const maxName = 28 - len("VPND-GW-") - len("-END")

// Validate returns everything that is wrong with the block.
func (g *Gateway) Validate(name string) []resource.Mistake {
	c := &check{}
	if !isName.MatchString(name) || len(name) > maxName {
		c.Add("", fmt.Sprintf("use letters, digits, dashes and underscores, at most %d of them", maxName), "%q can't be part of the name of a chain", name)
	}
	if uplink := resource.Or(g.Uplink, ""); !isDevice.MatchString(uplink) {
		c.Add("uplink", "write it as ip(8) lists it, for example eth0", "%q is no name of an interface", uplink)
	}
	for _, pattern := range g.Interfaces {
		if !isPattern.MatchString(pattern) {
			c.Add("interfaces", "at most 15 letters, digits, dots and dashes; a + at the end stands for any end", "%q is no name of an interface", pattern)
		}
	}
	if g.Interfaces != nil && len(g.Interfaces) == 0 {
		c.Add("interfaces", "leave it out for any interface but the uplink", "an empty list lets nobody in")
	}
	c.networks(g)
	c.nat("nat", resource.Or(g.NAT, masquerade), false)
	if g.NAT6 != nil {
		c.nat("nat6", *g.NAT6, true)
	}
	c.routerAdvertisements(g)
	return append(c.Found, chain.CheckPriority(g.Priority)...)
}

type check struct{ mistakes.Check }

func (c *check) networks(g *Gateway) {
	if len(g.Networks) == 0 {
		c.Add("networks", `name them, for example networks = ["10.8.0.0/24"]`, "a gateway without networks has nothing to do")
	}
	for _, list := range []struct {
		path     string
		networks []netip.Prefix
	}{{"networks", g.Networks}, {"reach", g.Reach}, {"admit", g.Admit}, {"exempt", g.Exempt}} {
		c.Masked(list.path, list.networks)
	}
	for i, a := range g.Networks {
		if among, whose := resource.Special(a); among.IsValid() {
			c.Add("networks", "name the networks behind this host", "%s is among %s, the addresses of %s", a, among, whose)
		}
		if a.Bits() == 0 {
			c.Add("networks", "name the networks behind this host", "%s is everything, and this gateway would drop the traffic of others", a)
		}
		for _, b := range g.Networks[:i] {
			if a.Overlaps(b) {
				c.Add("networks", "keep the larger of them", "%s and %s overlap", b, a)
			}
		}
	}
}

func (c *check) nat(path, how string, six bool) {
	if slices.Contains([]string{masquerade, "false"}, how) {
		return
	}
	addr, err := netip.ParseAddr(how)
	switch {
	case err != nil || addr.Zone() != "":
		c.Add(path, "write masquerade, an address of this host, or false", "%q says neither how nor to what", how)
	case addr.Is6() != six:
		c.Add(path, "nat takes IPv4 addresses, nat6 those of IPv6", "%s is an address of the other family", how)
	}
}

// routerAdvertisements warns of what cuts hosts off: with forwarding on, the
// kernel ignores router advertisements, and the default route runs out.
func (c *check) routerAdvertisements(g *Gateway) {
	if len(g.side(true).networks) == 0 || g.AcceptRA != nil {
		return
	}
	c.Found = append(c.Found, resource.Mistake{
		Path:    "accept_ra",
		Summary: "forwarding of IPv6 makes the kernel ignore router advertisements, and a default route learned from them runs out",
		Hint:    "set accept_ra = true where the uplink gets its IPv6 route that way and the kernel handles it, else false",
		Warning: true,
	})
}

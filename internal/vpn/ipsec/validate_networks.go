package ipsec

import (
	"fmt"
	"net/netip"
	"slices"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

func (t *Tunnel) checkMode(c *check) {
	c.oneOf("mode", t.Mode, policy, route, transport)
	switch t.mode() {
	case route:
		switch {
		case t.Interface == nil:
			c.Add("interface", "add an xfrm_interface block, and write interface = xfrm_interface.ipsec0", "a routed tunnel needs an interface")
		case resource.Or(t.Interface.IfID, 0) < 1:
			c.Add("interface", "name one as in xfrm_interface.ipsec0", "%s has no if_id, by which its packets are told", t.Interface.Name)
		}
	case policy, transport:
		if t.Interface != nil {
			c.Add("interface", `write mode = "route", or leave it out`, "only a routed tunnel has an interface")
		}
		if t.Routes != nil && !*t.Routes {
			c.Add("routes", `write mode = "route", or leave it out`, "only a routed tunnel has routes")
		}
		if t.Metric != nil {
			c.Add("metric", `write mode = "route", or leave it out`, "only a routed tunnel has routes")
		}
	}
}

// checkChildren wants children that strongSwan can tell apart.
func (t *Tunnel) checkChildren(c *check) {
	for _, child := range t.Children {
		path := "child." + child.Name
		if !isName.MatchString(child.Name) || len(child.Name) > 32 {
			c.Add(path, "use letters, digits, dashes and underscores, at most 32 of them", "%q can't be the name of a child SA", child.Name)
		}
		c.oneOf(path+".start", child.Start, starts...)
		if child.RekeyTime != nil && *child.RekeyTime < minute {
			c.Add(path+".rekey_time", "write 1h, for example", "%s is less than it takes to agree on new keys", child.RekeyTime)
		}
	}
}

var starts = []string{"start", "trap", "trap|start", "none"}

// checkNetworks wants networks that can be told apart on both sides.
func (t *Tunnel) checkNetworks(c *check, name string) {
	for _, list := range t.lists() {
		if list.given != nil && t.mode() == transport {
			c.Add(list.path, `leave it out, or write mode = "policy"`, "transport mode is between both hosts themselves and has no networks")
			return
		}
		if list.given != nil && len(list.given) == 0 {
			c.Add(list.path, "leave it out for the host itself, or name networks", "an empty list lets nothing through")
		}
		for i, n := range list.given {
			c.network(fmt.Sprintf("%s[%d]", list.path, i), n)
		}
	}
	t.checkRouted(c)
	for _, child := range t.children(name) {
		path := t.where(child, "remote")
		locals, remotes := networks(child.Local, t.bound()), networks(child.Remote, t.peer())
		for _, l := range locals {
			both := func(r netip.Prefix) bool { return r.Bits() > 0 && r.Overlaps(l) } // everything was told
			if i := slices.IndexFunc(remotes, both); i >= 0 && l.Bits() > 0 {
				c.Add(path, "name other networks; where both sides have the same addresses, one has to translate its own", "%s of the other side overlaps with %s of this one", remotes[i], l)
			}
		}
		if len(locals) > 0 && len(remotes) > 0 && !slices.ContainsFunc(locals, func(l netip.Prefix) bool {
			return slices.ContainsFunc(remotes, func(r netip.Prefix) bool { return r.Addr().Is4() == l.Addr().Is4() })
		}) {
			c.Add(path, "name networks of one family on both sides", "nothing can go through: the networks of both sides are of different families")
		}
	}
	t.checkAdvertised(c, name)
}

// where returns the path of networks that a child has of its own, or of the tunnel's.
func (t *Tunnel) where(child Child, side string) string {
	for _, own := range t.Children {
		if own.Name == child.Name && (side == "remote" && own.Remote != nil || side == "local" && own.Local != nil) {
			return "child." + child.Name + "." + side
		}
	}
	return side + ".networks"
}

type list struct {
	path  string
	given []netip.Prefix
}

func (t *Tunnel) lists() []list {
	all := []list{{"local.networks", t.Local.Networks}, {"remote.networks", t.Remote.Networks}}
	for _, child := range t.Children {
		all = append(all, list{"child." + child.Name + ".local", child.Local}, list{"child." + child.Name + ".remote", child.Remote})
	}
	return all
}

func (c *check) network(path string, n netip.Prefix) {
	among, whose := resource.Special(n)
	switch {
	case n != n.Masked():
		c.Add(path, fmt.Sprintf("write %s", n.Masked()), "%s has bits set behind its prefix", n)
	case n.Bits() == 0:
		c.Add(path, "name the networks that are there", "%s is everything, the way to the peer and to you included", n)
	case among.IsValid() && !(among.Contains(n.Addr()) && n.Addr().IsLinkLocalUnicast() && n.Addr().Is4()):
		c.Add(path, "name the networks behind it", "%s is among %s, the addresses of %s", n, among, whose)
	}
}

// checkRouted wants what is routed into the tunnel not to be the tunnel itself.
func (t *Tunnel) checkRouted(c *check) {
	if t.mode() != route {
		return
	}
	if resource.Or(t.Routes, true) && !slices.ContainsFunc(t.lists(), func(l list) bool { return l.given != nil && l.path != "local.networks" }) {
		c.Add("remote.networks", "name the networks of the other side", "nothing would be routed to %s", resource.Or(t.Interface, Interface{Name: "the interface"}).Name)
	}
	for _, l := range t.lists() {
		if l.path == "local.networks" {
			continue
		}
		for i, n := range l.given {
			if peer := t.peer(); peer.IsValid() && n.Contains(peer) {
				c.Add(fmt.Sprintf("%s[%d]", l.path, i), `leave it out, or write mode = "policy"`, "%s holds the peer's own address %s, so that packets of the tunnel would be sent into it", n, peer)
			}
		}
	}
}

// checkAdvertised warns where the tunnel has IPv6 forwarded.
func (t *Tunnel) checkAdvertised(c *check, name string) {
	if t.forwards(name, true) {
		c.Found = append(c.Found, walls.Advertised())
	}
}

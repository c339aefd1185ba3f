package aws

import (
	"fmt"
	"net/netip"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/walls"
)

func (c *check) networks(path string, all []netip.Prefix) {
	if all != nil && len(all) == 0 {
		c.Add(path, `name them, as in ["172.31.0.0/16"]`, "an empty list lets nothing through")
	}
	for i, n := range all {
		at := fmt.Sprintf("%s[%d]", path, i)
		among, whose := resource.Special(n)
		switch {
		case n != n.Masked():
			c.Add(at, "write "+n.Masked().String(), "%s has bits set behind its prefix", n)
		case n.Bits() == 0:
			c.Add(at, "name the networks that are there", "%s is everything, the way to Amazon and to you included", n)
		case among.IsValid():
			c.Add(at, "name the networks that are there", "%s is among %s, the addresses of %s", n, among, whose)
		}
		for _, other := range all[:i] {
			if n.Overlaps(other) {
				c.Add(at, "keep the larger of them", "%s and %s overlap", other, n)
			}
		}
	}
}

// checkRouting wants what the block says of routing to fit what the connection has.
func (v *VPN) checkRouting(c *check, d *document.Connection) {
	switch {
	case !d.Static && v.mode() == policy:
		c.Add("mode", `write mode = "route"; or make the connection anew with static routing`, "the connection is routed by BGP, which is spoken through interfaces")
	case d.Static && v.BGP != nil:
		c.Add("bgp", "leave it out; or make the connection anew with dynamic routing", "the connection is routed by static routes")
	case !d.Static && (v.Metric != nil && *v.Metric != 100):
		c.Add("metric", "leave it out", "the connection is routed by BGP, which decides between the tunnels")
	case !d.Static && v.Probe != nil:
		c.Add("probe", "leave it out; a check block with ping tells whether it answers", "the connection is routed by BGP, which proves the tunnels and keeps them up")
	}
	if b := v.BGP; b != nil {
		c.networks("bgp.announce", b.Announce)
		if h := b.HoldTime; h != nil && (*h < resource.Duration(3*time.Second) || *h > resource.Duration(65535*time.Second)) {
			c.Add("bgp.hold_time", "write 30s, for example", "%s is no hold time (RFC 4271)", h)
		}
	}
	if d.Accelerated && v.mode() == policy && version(&d.Tunnels[0]) == 1 {
		c.Warn("configuration", "have Amazon take version 2 of IKE", "an accelerated connection over version 1 of IKE is not documented")
	}
}

// checkNetworks wants networks that go through, and not the tunnel itself.
func (v *VPN) checkNetworks(c *check, d *document.Connection) {
	remotes := v.remotes(d)
	if remotes == nil {
		c.Add("remote_networks", `write the VPC's, as in remote_networks = ["172.31.0.0/16"]; aws ec2 describe-vpcs lists them`, "the document does not say which networks are on Amazon's side")
		return
	}
	for i, r := range remotes {
		at := fmt.Sprintf("remote_networks[%d]", i)
		for _, l := range v.LocalNetworks {
			if l.Overlaps(r) {
				c.Add(at, "name other networks; where both sides have the same addresses, one has to translate its own", "%s overlaps with %s of this side", r, l)
			}
		}
		for _, t := range d.Tunnels {
			if r.Contains(t.Outside) {
				c.Add(at, "leave it out", "%s holds Amazon's outside address %s, so that packets of the tunnel would be sent into it", r, t.Outside)
			}
		}
		if !v.has(r.Addr().Is6()) {
			c.Add(at, "name networks of that family on this side too", "nothing can go to %s: no local network is of its family", r)
		}
		if d.Remote.IsValid() && r.Addr().Is4() && !resource.Within(r, d.Remote) {
			c.Add(at, "name networks within it; or change RemoteIpv4NetworkCidr at Amazon's", "%s is not within %s, and Amazon takes nothing else on its side", r, d.Remote)
		}
	}
	for i, l := range v.LocalNetworks {
		if d.Local.IsValid() && l.Addr().Is4() && !resource.Within(l, d.Local) {
			c.Add(fmt.Sprintf("local_networks[%d]", i), "name networks within it; or change LocalIpv4NetworkCidr at Amazon's", "%s is not within %s, and Amazon takes nothing else on this side", l, d.Local)
		}
	}
	if v.mode() == policy && version(&d.Tunnels[0]) == 1 && len(v.LocalNetworks)*len(remotes) > 1 {
		c.Add("mode", `write mode = "route", or have Amazon take version 2 of IKE`, "version 1 of IKE takes one network a side, and Amazon one pair of SAs a tunnel")
	}
	if v.has(true) && d.Tunnels[0].Inside6.IsValid() {
		c.Found = append(c.Found, walls.Advertised())
	}
	if v.has(true) && !d.Tunnels[0].Inside6.IsValid() {
		c.Add("local_networks", "leave the networks of IPv6 out; or make the connection anew with inside addresses of IPv6", "the tunnels have no inside addresses of IPv6, so that Amazon takes IPv4 alone")
	}
}

package dial

import (
	"net/netip"

	"vpnd/internal/resource"
)

// Exports is what other blocks may know of a client.
type Exports struct {
	Name       string         `vpnd:"name"`
	Tunnel     string         `vpnd:"tunnel" doc:"address of the resource that tells how it stands"`
	Interface  string         `vpnd:"interface" doc:"its interface, as the uplink of a gateway block"`
	Reach      []netip.Prefix `vpnd:"reach" doc:"the networks that lead through it, of the block and of its profile"`
	Unit       string         `vpnd:"unit" doc:"its unit of systemd"`
	Config     string         `vpnd:"config" doc:"path of its configuration"`
	Management string         `vpnd:"management" doc:"path of its management socket"`
}

// Exports tells other blocks where things are.
func (c *Client) Exports(name string) any {
	s := c.settle(name)
	return &Exports{
		Name: name, Tunnel: id("openvpn_connection", name).String(), Interface: s.dev(),
		Reach: append([]netip.Prefix{}, s.networksBehindServer()...),
		Unit:  s.place.Unit(), Config: s.place.Config(), Management: s.place.Management(),
	}
}

// Claims tells what no other block may have: the device, and routes, of which the kernel
// has one each.
func (c *Client) Claims(name string) []resource.Claim {
	s := c.settle(name)
	claims := []resource.Claim{{Sort: "device", Value: s.dev(), Path: "dev"}}
	for _, p := range s.networksBehindServer() {
		claims = append(claims, resource.Claim{Sort: "route", Value: p.String(), Path: "routes"})
	}
	return claims
}

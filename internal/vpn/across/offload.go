package across

import (
	"fmt"
	"slices"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn"
)

// offloaded tells of devices that stand before OpenVPN makes them, as plain tuns: the
// kernel carries the data (DCO) only of a device of its own kind.
func (r *review) offloaded(s block[openvpn.Server], tuns []block[link.Tun]) {
	if !s.shape.Offloads() {
		return
	}
	devs := s.shape.Exports(s.id.Name).(*openvpn.Exports).Devs
	for _, tun := range tuns {
		if slices.Contains(devs, tun.id.Name) {
			r.add(s.id, resource.Mistake{
				Path: "dev", Summary: fmt.Sprintf("%s is made before OpenVPN starts, which keeps the data out of the kernel", tun.id),
				Hint: `leave that block out, and OpenVPN makes the device itself; dco = "false" says that it is meant so`, Warning: true,
			})
		}
	}
}

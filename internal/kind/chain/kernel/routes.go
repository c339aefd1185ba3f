package kernel

import "github.com/vishvananda/netlink"

// Uplinks are the interfaces of the default routes.
func Uplinks() []string {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range routes {
		if r.Dst != nil {
			if bits, _ := r.Dst.Mask.Size(); bits > 0 {
				continue
			}
		}
		if l, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
			names = append(names, l.Attrs().Name)
		}
	}
	return names
}

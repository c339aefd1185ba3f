package aws

import (
	"net/netip"
	"slices"

	"vpnd/internal/kind/ipsec/failover"
	"vpnd/internal/kind/ipsec/proposal"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/aws/document"
	"vpnd/internal/vpn/ipsec/walls"
)

// Names of kinds that the block stands for.
const (
	kindConnection = "ipsec_connection"
	kindFailover   = "ipsec_failover"
	kindInterface  = "xfrm_interface"
)

func id(kind, name string) resource.ID { return resource.ID{Kind: kind, Name: name} }

// service is charon-systemd, on Debian and on Fedora.
var service = id("unit", "strongswan.service")

// Expand returns all that both tunnels need. The rules stand before a tunnel is loaded,
// and before anything is forwarded.
func (v *VPN) Expand(name string) ([]resource.Resource, error) {
	c, err := v.read()
	if err != nil {
		return nil, err
	}
	e := &expansion{VPN: v, name: name, c: c, both: v.tunnels(name, c)}
	e.addPackages()
	if err := e.addWalls(); err != nil {
		return nil, err
	}
	if !c.Static {
		e.addSpeakers()
	}
	e.add(service, &unit.Unit{Enabled: resource.Ptr(true), Active: resource.Ptr(true)}, append(e.packages, e.chains...)...)
	e.resources = append(e.resources, e.credentials(name).Copies(e.packages...)...)
	if e.mode() == route {
		e.addInterfaces()
	}
	for _, t := range e.both {
		if err := e.addConnection(t); err != nil {
			return nil, err
		}
	}
	if e.c.Static {
		e.addFailover()
	} else {
		e.addBGP()
	}
	e.addForwarding()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	*VPN
	name      string
	c         *document.Connection
	both      [2]tunnel
	resources []resource.Resource
	packages  []resource.ID
	chains    []resource.ID // of the firewall
	walls     *walls.Walls
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) *resource.Resource {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: slices.Clone(after)})
	return &e.resources[len(e.resources)-1]
}

func (e *expansion) addPackages() {
	for _, name := range e.Packages {
		e.add(id("package", name), &pkg.Package{Installed: resource.Ptr(true)})
		e.packages = append(e.packages, id("package", name))
	}
}

// addInterfaces makes an interface for each tunnel, with its inside addresses. What
// comes in by one may have been routed by the other, so that only an address that nobody
// has is refused there; see rp_filter in ip-sysctl of the kernel.
func (e *expansion) addInterfaces() {
	for _, t := range e.both {
		mtu := 0
		for _, text := range t.esp {
			if p, err := proposal.Parse(proposal.ESP, text); err == nil && (mtu == 0 || p.MTU(e.path()) < mtu) {
				mtu = p.MTU(e.path())
			}
		}
		x := &link.XFRM{IfID: resource.Ptr(t.ifID), Addresses: []netip.Prefix{t.Inside}, MTU: &mtu, Up: resource.Ptr(true)}
		if t.Inside6.IsValid() {
			x.Addresses = append(x.Addresses, t.Inside6)
		}
		device := id(kindInterface, t.name)
		e.add(device, x, e.chains...)
		key := id("sysctl", "net.ipv4.conf."+t.name+".rp_filter")
		e.add(key, &sysctl.Sysctl{Value: resource.Ptr("2")}).Follow(device)
	}
}

// addFailover has one of the tunnels carry.
func (e *expansion) addFailover() {
	f := &failover.Failover{Mode: resource.Ptr(e.mode()), Settle: e.Settle}
	var after []resource.ID
	for _, t := range e.ordered(e.both) {
		f.Connections = append(f.Connections, t.name)
		after = append(after, id(kindConnection, t.name))
		if e.mode() == route {
			f.Interfaces = append(f.Interfaces, t.name)
			after = append(after, id(kindInterface, t.name))
		}
	}
	if e.Probe != nil {
		f.Probe = []netip.Addr{*e.Probe}
	}
	if e.mode() == route {
		f.Networks, f.Metric = e.remotes(e.c), resource.Ptr(resource.Or(e.Metric, 100))
	}
	e.add(id(kindFailover, e.name), f, after...)
}

func (e *expansion) addForwarding() {
	for i, key := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if six := i == 1; e.walls.Forwards(six) {
			e.add(id("sysctl", key), &sysctl.Sysctl{Value: resource.Ptr("1")}, walls.Of(six, e.resources)...)
		}
	}
}

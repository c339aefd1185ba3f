package aws

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/ipsec"
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

// addWalls puts up one firewall for both tunnels: what goes through either may.
func (e *expansion) addWalls() error {
	w := &walls.Walls{
		Name: e.name, Bound: resource.Or(e.LocalAddress, netip.Addr{}), Uplink: *e.Uplink,
		Guard: resource.Or(e.Guard, true), Firewall: resource.Or(e.Firewall, true), NATExempt: resource.Or(e.NATExempt, true),
	}
	w.Flows = e.Carries(e.name)
	for _, t := range e.both {
		w.Peers = append(w.Peers, t.Outside)
		if e.mode() == route {
			w.Interfaces = append(w.Interfaces, t.name)
		}
	}
	esp, err := e.esp()
	if err != nil {
		return err
	}
	if resource.Or(e.MSSClamp, true) {
		w.MSS, w.MSS6 = proposal.MSS(esp, e.path(), false), proposal.MSS(esp, e.path(), true)
	}
	e.walls = w
	chains := w.Chains()
	e.resources = append(e.resources, chains...)
	for _, r := range chains {
		if r.ID.Kind == "chain" {
			e.chains = append(e.chains, r.ID)
		}
	}
	e.require(chains)
	return nil
}

// require wants the uplink to be there where the first rule is about it.
func (e *expansion) require(chains []resource.Resource) {
	for i := range e.resources {
		if r := &e.resources[i]; r.ID.Kind == "chain" && strings.HasSuffix(r.ID.Name, "-I") {
			r.Requires = append(r.Requires, resource.Requirement{
				Path: "uplink",
				Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
					return link.Present(*e.Uplink, plan)
				},
			})
			return
		}
	}
}

func (e *expansion) path() proposal.Path {
	return proposal.Path{MTU: resource.Or(e.PathMTU, 0), Six: e.c.Tunnels[0].Outside.Is6(), UDP: e.translated(e.c)}
}

// esp returns the proposals of ESP of both tunnels.
func (e *expansion) esp() ([]proposal.Proposal, error) {
	var all []proposal.Proposal
	for _, t := range e.both {
		for _, text := range t.esp {
			p, err := proposal.Parse(proposal.ESP, text)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, nil
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
		e.add(key, &sysctl.Sysctl{Value: resource.Ptr("2")}, device).Triggers = []resource.Trigger{{On: device, Do: resource.Rebuild}}
	}
}

// addConnection comes behind all that makes a tunnel: loading it may start it.
func (e *expansion) addConnection(t tunnel) error {
	want, err := e.connection(t)
	if err != nil {
		return err
	}
	after := append([]resource.ID{service}, e.chains...)
	if e.mode() == route {
		after = append(after, id(kindInterface, t.name))
	}
	r := e.add(id(kindConnection, t.name), want, after...)
	if e.LocalAddress != nil {
		addr := *e.LocalAddress
		r.Requires = append(r.Requires, resource.Requirement{
			Path: "local_address",
			Met:  func(_ context.Context, plan resource.Prospect) *resource.Mistake { return link.Local(addr, plan) },
		})
	}
	return nil
}

// connection is a tunnel as strongSwan shall have it, with the values that Amazon's
// guide to customer gateways recommends. Each side would have its SAs live as long as the
// other; this one makes new ones at nine tenths of that.
func (e *expansion) connection(t tunnel) (*ipsec.Connection, error) {
	ike, err := canonical(proposal.IKE, t.ike)
	if err != nil {
		return nil, err
	}
	ikeRekey, ikeOver := lives(t.IKELifetime)
	c := &ipsec.Connection{
		Version: resource.Ptr(version(&t.Tunnel)), Proposals: ike,
		RemoteAddrs: []string{t.Outside.String()},
		Encap:       resource.Ptr(e.c.Accelerated),
		MOBIKE:      resource.Ptr(false),
		Fragment:    resource.Ptr("yes"),
		Unique:      resource.Ptr("never"),
		DPDDelay:    resource.Ptr(dpd(t)),
		KeyingTries: resource.Ptr(0),
		RekeyTime:   ikeRekey, OverTime: ikeOver, ReauthTime: resource.Ptr(resource.Duration(0)),
	}
	local, remote := e.identities(e.c, t)
	c.Local, c.Remote = e.credentials(e.name).Local(local), e.credentials(e.name).Remote(remote)
	if e.Certificate == nil {
		c.PSK = t.PSK
	}
	if version(&t.Tunnel) == 1 {
		c.DPDTimeout = resource.Ptr(3 * dpd(t))
	}
	if e.LocalAddress != nil {
		c.LocalAddrs = []string{e.LocalAddress.String()}
	}
	child, err := e.child(t)
	c.Children = []ipsec.Child{child}
	return c, err
}

// child is the one pair of SAs that a tunnel may have. With policies the failover begins
// and ends it, so that one tunnel at a time carries; that of the preferred one is a trap,
// so that traffic brings it up where no agent runs. Else it is up whatever comes, and
// begun anew where Amazon closed it, unless Amazon does that itself.
func (e *expansion) child(t tunnel) (ipsec.Child, error) {
	esp, err := canonical(proposal.ESP, t.esp)
	rekey, _ := lives(t.ESPLifetime)
	local, remote := e.selectors(e.c)
	child := ipsec.Child{
		Name: t.name, Mode: resource.Ptr("tunnel"), LocalTS: local, RemoteTS: remote, Proposals: esp,
		StartAction: resource.Ptr("none"), DPDAction: resource.Ptr("clear"), CloseAction: resource.Ptr("none"),
		RekeyTime: rekey, LifeTime: resource.Ptr(resource.Duration(t.ESPLifetime)),
		ReplayWindow: resource.Ptr(replay(t)), CopyDF: resource.Ptr(false),
	}
	switch {
	case e.mode() == policy && t.name == e.ordered(e.both)[0].name:
		child.StartAction = resource.Ptr("trap")
	case e.mode() == route:
		child.StartAction, child.DPDAction, child.IfID = resource.Ptr("start"), resource.Ptr("restart"), resource.Ptr(t.ifID)
		if t.Options == nil || !t.Options.Starts {
			child.CloseAction = resource.Ptr("start")
		}
	}
	return child, err
}

func canonical(use proposal.Use, texts []string) ([]string, error) {
	var all []string
	for _, text := range texts {
		p, err := proposal.Parse(use, text)
		if err != nil {
			return nil, err
		}
		all = append(all, p.String())
	}
	return all, nil
}

// lives returns when new keys are made of a lifetime, and what is left of it then.
func lives(d time.Duration) (rekey, over *resource.Duration) {
	at := (d * 9 / 10).Truncate(time.Second)
	return resource.Ptr(resource.Duration(at)), resource.Ptr(resource.Duration(d - at))
}

func dpd(t tunnel) resource.Duration {
	if t.DPDInterval > 0 {
		return resource.Duration(t.DPDInterval)
	}
	return resource.Duration(10 * time.Second)
}

func replay(t tunnel) int {
	if t.Options != nil && t.Options.ReplayWindow > 0 {
		return t.Options.ReplayWindow
	}
	return 1024
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

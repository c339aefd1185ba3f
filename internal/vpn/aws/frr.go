package aws

import (
	"fmt"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/file"
	"vpnd/internal/kind/frr"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/ipsec/walls"
)

const (
	frrConf    = "/etc/frr/frr.conf"
	frrDaemons = "/etc/frr/daemons"
)

// daemons is /etc/frr/daemons: which programs of FRRouting run, and that none of them
// listens for anybody but this host on its terminal.
const daemons = `bgpd=yes
vtysh_enable=yes
zebra_options="  -A 127.0.0.1 -s 90000000"
bgpd_options="   -A 127.0.0.1"
staticd_options="-A 127.0.0.1"
`

func (v *VPN) bgp() *BGP {
	if v.BGP == nil {
		return &BGP{Packages: []string{"frr", "frr-pythontools"}}
	}
	return v.BGP
}

// addBGP has FRRouting learn and announce routes, where the block leaves it that.
func (e *expansion) addBGP() {
	b := e.bgp()
	if !resource.Or(b.Configure, true) {
		return
	}
	var after []resource.ID
	for _, name := range b.Packages {
		e.add(id("package", name), &pkg.Package{Installed: resource.Ptr(true)})
		after = append(after, id("package", name))
	}
	head := "# vpnd: aws_vpn." + e.name + "; what is changed here by hand is put back\n"
	service := id("unit", "frr.service")
	write := func(path, text string, validate []string) resource.ID {
		it := id("file", path)
		r := e.add(it, &file.File{
			Content: &text, Mode: resource.Ptr(resource.Mode(0o640)), Owner: resource.Ptr("frr"), Group: resource.Ptr("frr"), Validator: validate,
		}, after...)
		r.Requires = append(r.Requires, resource.Requirement{Path: "bgp.configure", Met: frr.Free(path)})
		return it
	}
	conf := write(frrConf, head+e.frr(), []string{"vtysh", "-C", "-f", "{}"})
	running := write(frrDaemons, head+daemons, nil)
	for _, t := range e.both {
		after = append(after, id(kindInterface, t.name))
	}
	r := e.add(service, &unit.Unit{Enabled: resource.Ptr(true), Active: resource.Ptr(true)}, append(after, conf, running)...)
	r.Triggers = []resource.Trigger{{On: conf, Do: resource.Reload}, {On: running, Do: resource.Restart}}
}

// addSpeakers lets Amazon's side speak BGP with this host, through the tunnels alone.
func (e *expansion) addSpeakers() {
	if !resource.Or(e.Firewall, true) {
		return
	}
	for _, six := range e.families() {
		var rules []string
		for _, t := range e.both {
			ours := t.Inside.Addr()
			if six {
				ours = t.Inside6.Addr()
			}
			rules = append(rules, fmt.Sprintf("-i %s -s %s -d %s -p tcp -m tcp --dport 179 -j ACCEPT", t.name, neighbor(t, six), ours))
		}
		it := id("chain", map[bool]string{false: "ip", true: "ip6"}[six]+"/filter/VPND-IPSEC-"+e.name+"-B")
		e.add(it, &chain.Chain{Hook: resource.Ptr("INPUT"), At: resource.Ptr("top"), Priority: resource.Ptr(chain.Listener), Rules: rules}, walls.IPTables)
		e.chains = append(e.chains, it)
	}
}

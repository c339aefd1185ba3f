package openvpn

import (
	"fmt"
	"net/netip"
	"path"
	"slices"

	"vpnd/internal/kind/file"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/openvpn/subnet"
)

// launch adds what one instance needs to start to the resources of its block.
type launch struct {
	*instance
	to      *expansion
	readers []resource.Trigger // what its unit reads, and what a change of it costs
}

// addProcess adds what one instance has for itself. What the unit reads stands
// before it starts, and so does the firewall.
func (e *expansion) addProcess(i *instance) {
	l := &launch{instance: i, to: e, readers: slices.Clone(e.readers)}
	e.add(id("directory", l.ccd()), file.DirectoryOfRoot(0o755), id("directory", l.directory()))
	if l.persists() {
		l.addPool()
	}
	l.addClients()
	l.addConfig()
	l.addUnit()
	l.addAdmission()
}

func (l *launch) read(id resource.ID, effect resource.Effect) {
	l.readers = append(l.readers, resource.Trigger{On: id, Do: effect})
}

// addPool makes the file in which OpenVPN remembers who had which address. What
// it holds is OpenVPN's; that it goes with the block is vpnd's.
func (l *launch) addPool() {
	parent := id("directory", path.Dir(l.leases()))
	l.to.add(parent, file.DirectoryOfRoot(0o700), id("directory", poolRoot))
	pool := file.OfRoot("", 0o644)
	pool.Content, pool.Mode = nil, resource.Ptr(resource.Mode(0o600))
	l.to.add(id("file", l.leases()), pool, parent)
	l.read(id("file", l.leases()), resource.None)
}

// addClients writes the files that OpenVPN reads when a client connects.
func (l *launch) addClients() {
	for _, m := range l.members {
		if !l.hasFile(m) {
			continue
		}
		ccd := id("file", l.ccd()+"/"+m.CommonName)
		lines := l.clientConfig(m)
		l.to.add(ccd, file.OfRoot(lines.text(header(l.name)), 0o644), id("directory", l.ccd()))
		l.read(ccd, resource.None)
	}
}

// addConfig writes the configuration after all that it names, so that OpenVPN
// can be asked about it.
func (l *launch) addConfig() {
	lines := l.serverConfig()
	config := file.OfRoot(lines.text(header(l.name)), 0o644)
	config.Validator = []string{"vpnd:openvpn", "{}"}
	after := []resource.ID{packageID, id("directory", l.ccd())}
	for _, r := range l.readers {
		after = append(after, r.On)
	}
	if l.index > 0 { // so that the one before has left port and device when this one starts
		after = append(after, id("file", l.instances[l.index-1].config()))
	}
	l.to.add(id("file", l.config()), config, after...).Requires = l.requirements()
	l.read(id("file", l.config()), resource.Restart)
}

func (l *launch) addUnit() {
	after := append([]resource.ID{packageID}, l.to.walls...)
	for _, r := range l.readers {
		after = append(after, r.On)
	}
	last := l.to.add(id("unit", l.unit()), &unit.Unit{
		Enabled: resource.Ptr(true),
		Active:  resource.Ptr(true),
		Log:     l.log(),
		Dropins: []unit.Dropin{{Name: "vpnd", Content: resource.Ptr(l.dropin())}},
	}, after...)
	last.Triggers = l.readers
	last.Brings = l.interfaces()
}

// interfaces are what OpenVPN makes when it starts.
func (i *instance) interfaces() []resource.ID {
	all := []resource.ID{id(resource.Interface, i.device)}
	for _, network := range []*netip.Prefix{&i.network, i.network6} {
		if network != nil && network.IsValid() {
			own := netip.PrefixFrom(subnet.First(*network), network.Bits())
			all = append(all, id(resource.Network, own.String()))
		}
	}
	return all
}

// addAdmission has those disconnected who are connected and may be no longer.
// A CA that was there before may have signed for others too, so there only
// those are unwelcome whom the configuration names.
func (l *launch) addAdmission() {
	if !resource.Or(l.Management, true) {
		return
	}
	want := &kindopenvpn.Admission{Refused: l.PKI.Refused, Members: []string{}}
	for _, m := range l.members {
		if m.block != nil && resource.Or(m.block.Disabled, false) {
			want.Refused = append(slices.Clone(want.Refused), m.CommonName)
		} else {
			want.Members = append(want.Members, m.CommonName)
		}
	}
	if l.PKI.Imported && !l.PKI.Outside || l.Auth != nil && !l.Auth.Certified() { // names may be those of accounts
		want.Members = nil
	}
	l.addPlaces(want)
	want.Codes = l.auth().Since()
	want.Issuers = l.issuers()
	l.to.add(id("openvpn_admission", l.management()), want, id("unit", l.unit()))
}

// issuers are the CAs below a root that vouch for all. Of one whose place another one took
// nobody knows here whom it vouches for: that shows at the next handshake.
func (l *launch) issuers() []kindopenvpn.Issuer {
	var all []kindopenvpn.Issuer
	trusted := l.PKI.Trusted
	for _, above := range l.PKI.Above {
		if len(trusted) == 1 {
			all = append(all, kindopenvpn.Issuer{Certificate: &trusted[0], Lists: above.Lists, Void: above.Void})
		}
		trusted = above.Trusted
	}
	return all
}

// addPlaces has those dial anew who came into a group, or left one, since they are
// connected: the rules of a group go by addresses.
func (l *launch) addPlaces(want *kindopenvpn.Admission) {
	for _, g := range l.Groups {
		want.Reserved = append(want.Reserved, g.Network.String())
	}
	for _, m := range l.members {
		address, _ := l.addresses(m)
		if l.groupOf(m.block) == nil || !address.IsValid() {
			continue
		}
		if want.Addresses == nil {
			want.Addresses = make(map[string]string)
		}
		want.Addresses[m.CommonName] = address.String()
	}
}

// dropin has systemd make the directory of the management socket, closed to all
// but root.
func (i *instance) dropin() string {
	text := header(i.name) + "[Service]\n"
	if resource.Or(i.Management, true) {
		text += fmt.Sprintf("RuntimeDirectory=openvpn-server/%s\nRuntimeDirectoryMode=0700\n", i.label)
	}
	if i.scripts() { // each client may have some at work: up to 2.6 the user's processes are limited, from then on the unit's
		text += "LimitNPROC=1024\nTasksMax=1024\n"
	}
	return text
}

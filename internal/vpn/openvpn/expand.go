package openvpn

import (
	"fmt"
	"net/netip"
	"path"
	"slices"

	"vpnd/internal/kind/file"
	kindopenvpn "vpnd/internal/kind/openvpn"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
)

// Expand returns all that the server and its clients need. What the unit reads
// stands before it starts, and so does the firewall.
func (s *Server) Expand(name string) ([]resource.Resource, error) {
	all, err := s.settings(name)
	if err != nil {
		return nil, err
	}
	e := &expansion{settings: all}
	e.addPackage()
	e.addDirectories()
	e.addKeys()
	e.addClients()
	e.addConfig()
	e.addFirewall()
	e.addUnit()
	e.addAdmission()
	e.addProfiles()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	*settings
	resources []resource.Resource
	readers   []resource.Trigger // what the unit reads, and what a change of it costs
	walls     []resource.ID      // chains that shall stand before the unit starts
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
}

// read notes that the unit reads a resource.
func (e *expansion) read(id resource.ID, effect resource.Effect) {
	e.readers = append(e.readers, resource.Trigger{On: id, Do: effect})
}

var packageID = id("package", "openvpn")

func (e *expansion) addPackage() {
	if resource.Or(e.Package, true) {
		e.add(packageID, &pkg.Package{Installed: resource.Ptr(true)})
	}
}

// addDirectories makes the way to the CRL and to the files of the clients open to
// the user that OpenVPN becomes. Fedora's package closes /etc/openvpn/server:
// a server there would go on with an old CRL, and say so only in its log.
func (e *expansion) addDirectories() {
	e.add(id("directory", root), directory(0o755), packageID)
	e.add(id("directory", e.directory()), directory(0o755), id("directory", root))
	e.add(id("directory", e.ccd()), directory(0o755), id("directory", e.directory()))
	if e.persists() {
		e.addPool()
	}
}

// addPool makes the file in which OpenVPN remembers who had which address. What
// it holds is OpenVPN's; that it goes with the block is vpnd's.
func (e *expansion) addPool() {
	e.add(id("directory", poolRoot), directory(0o755), packageID)
	e.add(id("directory", path.Dir(e.pool())), directory(0o700), id("directory", poolRoot))
	pool := plain("")
	pool.Content, pool.Mode = nil, resource.Ptr(resource.Mode(0o600))
	e.add(id("file", e.pool()), pool, id("directory", path.Dir(e.pool())))
	e.read(id("file", e.pool()), resource.None)
}

func directory(mode resource.Mode) *file.Directory {
	return &file.Directory{Mode: &mode, Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
}

func plain(content string) *file.File {
	return &file.File{Content: &content, Mode: resource.Ptr(resource.Mode(0o644)), Owner: resource.Ptr("root"), Group: resource.Ptr("root")}
}

// addClients writes the files that OpenVPN reads when a client connects.
func (e *expansion) addClients() {
	for _, m := range e.members {
		if !e.hasFile(m) {
			continue
		}
		ccd := id("file", e.ccd()+"/"+m.CommonName)
		lines := e.clientConfig(m)
		e.add(ccd, plain(lines.text(header(e.name))), id("directory", e.ccd()))
		e.read(ccd, resource.None)
	}
}

// addConfig writes the configuration after all that it names, so that OpenVPN
// can be asked about it.
func (e *expansion) addConfig() {
	lines := e.serverConfig()
	config := plain(lines.text(header(e.name)))
	config.Validator = []string{"vpnd:openvpn", "{}"}
	after := []resource.ID{packageID, id("directory", e.ccd())}
	for _, r := range e.readers {
		after = append(after, r.On)
	}
	e.add(id("file", e.config()), config, after...)
	e.resources[len(e.resources)-1].Requires = e.requirements()
	e.read(id("file", e.config()), resource.Restart)
}

func (e *expansion) addUnit() {
	after := append([]resource.ID{packageID}, e.walls...)
	for _, r := range e.readers {
		after = append(after, r.On)
	}
	e.add(id("unit", e.unit()), &unit.Unit{
		Enabled: resource.Ptr(true),
		Active:  resource.Ptr(true),
		Log:     e.Log,
		Dropins: []unit.Dropin{{Name: "vpnd", Content: resource.Ptr(e.dropin())}},
	}, after...)
	last := &e.resources[len(e.resources)-1]
	last.Triggers = e.readers
	last.Brings = e.interfaces()
}

// interfaces are what OpenVPN makes when it starts.
func (e *expansion) interfaces() []resource.ID {
	all := []resource.ID{id(resource.Interface, e.dev())}
	for _, p := range []*netip.Prefix{e.Network, e.Network6} {
		if p != nil {
			own := netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits()) // the first address is the server's
			all = append(all, id(resource.Network, own.String()))
		}
	}
	return all
}

// addAdmission has those disconnected who are connected and may be no longer.
// A CA that was there before may have signed for others too, so there only
// those are unwelcome whom the configuration names.
func (e *expansion) addAdmission() {
	if !resource.Or(e.Management, true) {
		return
	}
	want := &kindopenvpn.Admission{Refused: e.PKI.Refused, Members: []string{}}
	for _, m := range e.members {
		if m.block != nil && resource.Or(m.block.Disabled, false) {
			want.Refused = append(slices.Clone(want.Refused), m.CommonName)
		} else {
			want.Members = append(want.Members, m.CommonName)
		}
	}
	if e.PKI.Imported {
		want.Members = nil
	}
	e.add(id("openvpn_admission", e.management()), want, id("unit", e.unit()))
}

// dropin has systemd make the directory of the management socket, closed to all
// but root.
func (e *expansion) dropin() string {
	text := header(e.name) + "[Service]\n"
	if resource.Or(e.Management, true) {
		text += fmt.Sprintf("RuntimeDirectory=openvpn-server/%s\nRuntimeDirectoryMode=0700\n", e.name)
	}
	return text
}

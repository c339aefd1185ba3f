package ssh

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/link"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/pki"
	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/kind/unit"
	"vpnd/internal/kind/user"
	"vpnd/internal/resource"
)

// Expand returns all that the tunnel needs, what the unit reads before it.
func (t *Tunnel) Expand(name string) ([]resource.Resource, error) {
	e := &expansion{settled: t.settle(name)}
	client := id("package", "openssh-client")
	if resource.Or(t.Package, true) {
		e.add(client, &pkg.Package{Installed: resource.Ptr(true)})
	}
	account := id("system_user", e.place.User())
	e.add(id("directory", sysusers), file.DirectoryOfRoot(0o755))
	e.add(account, &user.User{Description: resource.Ptr("SSH tunnel " + name), Home: resource.Ptr("/nonexistent")}, id("directory", sysusers))
	e.add(id("directory", kindssh.Directory), file.DirectoryOfRoot(0o755), client)
	e.add(id("directory", e.place.Directory()), file.DirectoryOfRoot(0o755), id("directory", kindssh.Directory))
	e.addKey()
	e.read(id("file", e.place.KnownHosts()), file.OfRoot(e.knownHostsText(), 0o644), id("directory", e.place.Directory()))
	config := file.OfRoot(e.configText(), 0o644)
	config.Validator = []string{"/usr/bin/ssh", "-G", "-F", "{}", "--", e.alias()}
	e.read(id("file", e.place.Config()), config, client, id("directory", e.place.Directory()))
	text := file.OfRoot(e.unitText(), 0o644)
	text.Validator = []string{"systemd-analyze", "verify", "--man=no", "--", "{}:" + e.place.Unit()}
	e.read(id("file", e.place.UnitFile()), text, client, account)
	e.resources[len(e.resources)-1].Requires = e.given()
	e.addUnit(account)
	return e.resources, nil
}

// sysusers is where the kind system_user keeps its files. It is not on every host,
// and goes again where it was not.
const sysusers = "/etc/sysusers.d"

// expansion collects resources.
type expansion struct {
	settled
	resources []resource.Resource
	readers   []resource.ID // what the tunnel reads when it dials
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
}

// read adds what the tunnel reads.
func (e *expansion) read(id resource.ID, want any, after ...resource.ID) {
	e.add(id, want, after...)
	e.readers = append(e.readers, id)
}

// addKey makes the private key, which is root's: systemd hands it to the unit.
func (e *expansion) addKey() {
	key := id(pki.KindPrivateKey, e.keyOf(e.name))
	switch {
	case e.KeyFile != nil:
		return
	case e.Key != nil:
		e.readers = append(e.readers, key)
		return
	}
	e.add(id("directory", vault), file.DirectoryOfRoot(0o700))
	e.read(key, &pki.PrivateKey{
		Algorithm: resource.Ptr(resource.Or(e.KeyType, "ed25519")), Format: resource.Ptr("openssh"),
		Mode: resource.Ptr(resource.Mode(0o600)), Owner: resource.Ptr("root"), Group: resource.Ptr("root"),
	}, id("directory", vault))
}

// addUnit has the unit enabled, and the tunnel dialled. The unit may be up and its
// tunnel not, and the other way round it is systemd that tries again: so it is the
// tunnel that is waited for, started and restarted.
func (e *expansion) addUnit(account resource.ID) {
	service := id("unit", e.place.Unit())
	e.add(service, &unit.Unit{Enabled: resource.Ptr(true), OnChange: resource.Ptr("none")}, append([]resource.ID{account}, e.readers...)...)
	e.add(id("ssh_forward", e.name), e.forward(), append([]resource.ID{service}, e.readers...)...)
	last := &e.resources[len(e.resources)-1]
	for _, r := range e.readers {
		last.Triggers = append(last.Triggers, resource.Trigger{On: r, Do: resource.Tunnel})
	}
	last.Requires = e.requirements()
}

func (e *expansion) forward() *kindssh.Forward {
	f := &kindssh.Forward{
		Unit: resource.Ptr(e.place.Unit()), User: resource.Ptr(e.place.User()), Peer: resource.Ptr(e.peer()), Control: resource.Ptr(e.place.Control()),
		PublicKey: resource.Ptr(e.keyOf(e.name) + ".pub"),
		Silence:   resource.Ptr(kindssh.Silence(int(e.keepalive()), unanswered)),
	}
	for _, l := range e.Locals {
		f.Locals = append(f.Locals, kindssh.Local{Listen: l.Listen, To: l.To, Probe: resource.Ptr(probe(l))})
	}
	for _, d := range e.Socks {
		f.Dynamic = append(f.Dynamic, resource.Or(d.Listen, ""))
	}
	for _, r := range e.Remotes {
		f.Remote = append(f.Remote, kindssh.Leads(resource.Or(r.Listen, ""), resource.Or(r.To, "")))
	}
	return f
}

// given is a key of somebody else, which ssh has to be able to read. It is looked at
// before the unit names it, and so before one that it takes the place of goes.
func (e *expansion) given() []resource.Requirement {
	if e.KeyFile == nil {
		return nil
	}
	return []resource.Requirement{{Path: "key_file", Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
		return cmp.Or(kindssh.Given(*e.KeyFile, plan), file.Exposed(*e.KeyFile))
	}}}
}

// requirements are ports of this host that nobody else may have.
func (e *expansion) requirements() []resource.Requirement {
	var all []resource.Requirement
	for i, at := range e.listens() {
		end, err := kindssh.ParseEnd(at, false)
		if err != nil || end.Path != "" {
			continue
		}
		path := fmt.Sprintf("local[%d].listen", i)
		if i >= len(e.Locals) {
			path = fmt.Sprintf("socks[%d].listen", i-len(e.Locals))
		}
		addr, _ := netip.ParseAddr(end.Host)
		if end.Everywhere() {
			addr = netip.Addr{}
		}
		all = append(all, resource.Requirement{Path: path, Met: func(_ context.Context, plan resource.Prospect) *resource.Mistake {
			return link.Port("tcp", addr, uint16(end.Port), false, append(kindssh.Moving(plan), e.place.Unit()), plan)
		}})
	}
	return all
}

// Claims tells what no other block may have: where it listens.
func (t *Tunnel) Claims(string) []resource.Claim {
	var all []resource.Claim
	for i, at := range t.listens() {
		end, err := kindssh.ParseEnd(at, false)
		if err != nil || end.Path != "" {
			continue
		}
		value := "tcp/" + strconv.Itoa(end.Port)
		if addr, err := netip.ParseAddr(end.Host); err == nil && !addr.IsUnspecified() {
			value = "tcp/" + netip.AddrPortFrom(addr, uint16(end.Port)).String()
		}
		path := "local"
		if i >= len(t.Locals) {
			path = "socks"
		}
		all = append(all, resource.Claim{Sort: "listener", Value: value, Path: path})
	}
	return all
}

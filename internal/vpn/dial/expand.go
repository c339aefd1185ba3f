package dial

import (
	"fmt"
	"slices"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/openvpn/connection"
	"vpnd/internal/kind/pkg"
	"vpnd/internal/kind/sysctl"
	"vpnd/internal/kind/unit"
	"vpnd/internal/resource"
)

// Expand returns all that the client needs. What the unit reads stands before it starts,
// and so do the rules.
func (c *Client) Expand(name string) ([]resource.Resource, error) {
	e := &expansion{settings: c.settle(name)}
	e.addPackage()
	e.addFiles()
	e.addConfig()
	if err := e.addWalls(); err != nil {
		return nil, err
	}
	e.addUnit()
	e.addForwarding()
	return e.resources, nil
}

// expansion collects resources.
type expansion struct {
	*settings
	resources []resource.Resource
	readers   []resource.ID // what the unit reads
	walls     map[bool][]resource.ID
}

func (e *expansion) add(id resource.ID, want any, after ...resource.ID) *resource.Resource {
	e.resources = append(e.resources, resource.Resource{ID: id, Want: want, After: after})
	return &e.resources[len(e.resources)-1]
}

var packageID = id("package", "openvpn")

func (e *expansion) addPackage() {
	if resource.Or(e.Package, true) {
		e.add(packageID, &pkg.Package{Installed: resource.Ptr(true)})
	}
}

// addFiles makes the directory of keys and what is in it. A list of revoked certificates
// is read again after OpenVPN dropped its privileges, so the way to one is open.
func (e *expansion) addFiles() {
	root, own := id("directory", connection.Root), id("directory", e.place.Directory())
	e.add(root, file.DirectoryOfRoot(0o755), packageID)
	access := resource.Mode(0o700)
	if e.has("crl-verify") {
		access = 0o755
	}
	e.add(own, file.DirectoryOfRoot(access), root)
	for _, k := range e.files() {
		id, want := k.resource()
		e.add(id, want, own)
		e.readers = append(e.readers, id)
	}
}

// addConfig writes the configuration after all that it names, so that OpenVPN can be
// asked about it.
func (e *expansion) addConfig() {
	config := file.OfRoot(e.text(), 0o600)
	config.Validator = []string{"vpnd:openvpn", "{}"}
	it := id("file", e.place.Config())
	e.add(it, config, append([]resource.ID{packageID, id("directory", e.place.Directory())}, e.readers...)...).Requires = e.requirements()
	e.readers = append(e.readers, it)
}

// addUnit has the unit enabled, and the client connected. A process that runs may not be
// connected, and systemd starts anew what ends: so it is the connection that is waited
// for, started and restarted.
func (e *expansion) addUnit() {
	after := slices.Concat([]resource.ID{packageID}, e.readers, e.walls[false], e.walls[true])
	service := id("unit", e.place.Unit())
	e.add(service, &unit.Unit{
		Enabled: resource.Ptr(true), OnChange: resource.Ptr("none"),
		Dropins: []unit.Dropin{{Name: "vpnd", Content: resource.Ptr(e.dropin())}},
	}, after...).Brings = []resource.ID{id(resource.Interface, e.dev())}
	it := e.add(id("openvpn_connection", e.name), e.connection(), append([]resource.ID{service}, e.readers...)...)
	for _, r := range e.readers {
		it.Triggers = append(it.Triggers, resource.Trigger{On: r, Do: resource.Tunnel})
	}
}

func (e *expansion) connection() *connection.Connection {
	c := &connection.Connection{Dev: resource.Ptr(e.dev()), Routes: e.networksBehindServer(), Accept: e.AcceptAddresses}
	for _, r := range e.reading.Remotes {
		c.Peers = append(c.Peers, r.String())
	}
	for _, k := range e.files() {
		switch k.directive {
		case "cert":
			c.Certificate = &k.path
		case "tls-auth", "tls-crypt", "tls-crypt-v2":
			c.Shield = &k.directive
		case "auth-user-pass":
			c.Login = resource.Ptr(true)
		}
	}
	return c
}

// dropin has systemd make the directory of the management socket, closed to all but
// root, and start anew what ends, without a limit: a network may be away for long.
func (e *expansion) dropin() string {
	return header(e.name) + fmt.Sprintf(`[Unit]
StartLimitIntervalSec=0

[Service]
RuntimeDirectory=%s
RuntimeDirectoryMode=0700
Restart=always
RestartSec=5s
`, e.place.Run())
}

// addForwarding switches forwarding on for networks behind this host. It waits for the
// rules.
func (e *expansion) addForwarding() {
	for i, key := range []string{"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"} {
		if six := i == 1; len(resource.OfFamily(six, e.Networks)) > 0 {
			e.add(id("sysctl", key), &sysctl.Sysctl{Value: resource.Ptr("1")}, e.walls[six]...)
		}
	}
}

package ssh

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/file"
	"vpnd/internal/kind/pkg"
	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/kind/user"
	"vpnd/internal/resource"
)

// Account is what SSH tunnels dial: an account that is good for forwards, and for
// those alone that are named. Its label is its name.
type Account struct {
	PublicKeys   []string       `vpnd:"public_keys,required" doc:"the keys that are let in, as in ssh-ed25519 AAAA…; one that goes is thrown out too"`
	PermitOpen   []string       `vpnd:"permit_open" doc:"where tunnels may lead, as HOST:PORT in the words that they use themselves; * stands for every host or port; left out, nowhere"`
	PermitListen []string       `vpnd:"permit_listen" doc:"where tunnels may have this host listen for them, as PORT for its loopback addresses or ADDRESS:PORT; left out, nowhere"`
	Sockets      *bool          `vpnd:"permit_sockets" doc:"whether tunnels may lead to and listen at sockets: at all of them, as far as the account may" default:"false"`
	From         []netip.Prefix `vpnd:"from" doc:"networks from which the keys are let in; left out, everywhere"`
	Package      *bool          `vpnd:"package" doc:"install the package openssh-server" default:"true"`
}

// AccountExports is what other blocks may know of an account.
type AccountExports struct {
	Name       string `vpnd:"name"`
	Authorized string `vpnd:"authorized_keys" doc:"path of the list of keys that are let in"`
}

// Exports tells other blocks where things are.
func (a *Account) Exports(name string) any {
	return &AccountExports{Name: name, Authorized: authorized(name)}
}

// authorized is the path of the keys of an account. A tunnel has a directory beside,
// whose name has no dot.
func authorized(name string) string { return kindssh.Directory + "/account." + name + ".keys" }

// dropin sorts before the files of others: of several Match blocks that fit, the
// first one wins.
func dropin(name string) string { return "/etc/ssh/sshd_config.d/00-vpnd-" + name + ".conf" }

// Expand returns the account, its keys, and what sshd is told about it. The keys go
// first and come last, so that nobody is ever let in for more than is meant.
func (a *Account) Expand(name string) ([]resource.Resource, error) {
	var all []resource.Resource
	add := func(id resource.ID, want any, after ...resource.ID) resource.ID {
		all = append(all, resource.Resource{ID: id, Want: want, After: after})
		return id
	}
	server := id("package", "openssh-server")
	if resource.Or(a.Package, true) {
		add(server, &pkg.Package{Installed: resource.Ptr(true)})
	}
	add(id("directory", sysusers), file.DirectoryOfRoot(0o755))
	account := add(id("system_user", name), &user.User{Description: resource.Ptr("SSH tunnels"), Home: resource.Ptr("/nonexistent")}, id("directory", sysusers))
	add(id("directory", kindssh.Directory), file.DirectoryOfRoot(0o755), server)
	rules := file.OfRoot(a.dropinText(name), 0o644)
	rules.Validator = []string{"vpnd:sshd", "{}"}
	told := add(id("file", dropin(name)), rules, server, account)
	keys := add(id("file", authorized(name)), file.OfRoot(a.keysText(name), 0o644), id("directory", kindssh.Directory), told)
	add(id("ssh_admission", name), &kindssh.Admission{Expect: a.expect(name)}, account, told, keys)
	all[len(all)-1].Triggers = []resource.Trigger{{On: told, Do: resource.Tunnel}, {On: keys, Do: resource.Tunnel}}
	return all, nil
}

// keysText is the list of keys, sshd(8), AUTHORIZED_KEYS FILE FORMAT. What it
// restricts sshd restricts too, so that neither of the two alone opens anything.
func (a *Account) keysText(name string) string {
	options := []string{"restrict", "port-forwarding"}
	if len(a.From) > 0 {
		var from []string
		for _, p := range a.From {
			from = append(from, p.String())
		}
		options = append(options, fmt.Sprintf("from=%q", strings.Join(from, ",")))
	}
	for _, to := range a.PermitOpen {
		options = append(options, fmt.Sprintf("permitopen=%q", to))
	}
	for _, at := range a.listens() {
		options = append(options, fmt.Sprintf("permitlisten=%q", at))
	}
	var b strings.Builder
	b.WriteString(header("ssh_tunnel_account." + name))
	for _, line := range a.PublicKeys {
		if key, _, err := kindssh.ParsePublic(line); err == nil {
			fmt.Fprintf(&b, "%s %s\n", strings.Join(options, ","), key)
		}
	}
	return b.String()
}

// A rule is a keyword of sshd_config(5) and its value.
type rule struct{ keyword, value string }

// rules are what sshd is told about the account. MaxSessions 0 refuses shells,
// commands and subsystems such as sftp, and lets forwards be.
func (a *Account) rules(name string) []rule {
	yes := func(on bool, yes string) string {
		if on {
			return yes
		}
		return "no"
	}
	forwards := "no"
	switch open, listen := len(a.PermitOpen) > 0, len(a.PermitListen) > 0; {
	case open && listen:
		forwards = "yes"
	case open:
		forwards = "local"
	case listen:
		forwards = "remote"
	}
	all := []rule{
		{"AuthorizedKeysFile", authorized(name)},
		{"AuthorizedKeysCommand", "none"},
		{"AuthorizedPrincipalsFile", "none"},
		{"TrustedUserCAKeys", "none"},
		{"AuthenticationMethods", "publickey"},
		{"PubkeyAuthentication", "yes"},
		{"PasswordAuthentication", "no"},
		{"KbdInteractiveAuthentication", "no"},
		{"HostbasedAuthentication", "no"},
		{"MaxSessions", "0"},
		{"ForceCommand", "/usr/sbin/nologin"},
		{"PermitTTY", "no"},
		{"PermitUserRC", "no"},
		{"PermitTunnel", "no"},
		{"X11Forwarding", "no"},
		{"AllowAgentForwarding", "no"},
		{"AllowStreamLocalForwarding", yes(resource.Or(a.Sockets, false), "yes")},
		{"AllowTcpForwarding", forwards},
		{"GatewayPorts", yes(a.beyond(), "clientspecified")},
	}
	if len(a.PermitOpen) > 0 {
		all = append(all, rule{"PermitOpen", strings.Join(a.PermitOpen, " ")})
	}
	if len(a.PermitListen) > 0 {
		all = append(all, rule{"PermitListen", strings.Join(a.listens(), " ")})
	}
	// A tunnel that was cut off holds what it listens at, so that it can't come back.
	return append(all, rule{"ClientAliveInterval", "3"}, rule{"ClientAliveCountMax", "2"})
}

func (a *Account) dropinText(name string) string {
	var b strings.Builder
	b.WriteString(header("ssh_tunnel_account." + name))
	fmt.Fprintf(&b, "Match User %s\n", name)
	for _, r := range a.rules(name) {
		fmt.Fprintf(&b, "    %s %s\n", r.keyword, r.value)
	}
	return b.String()
}

// expect is the same in the words of sshd -T: keywords in small letters, and a port
// that is listened at as one of any address, of which GatewayPorts leaves the loopback
// ones.
func (a *Account) expect(name string) []string {
	var all []string
	for _, r := range a.rules(name) {
		if r.keyword == "PermitListen" {
			r.value = strings.Join(anywhere(a.listens()), " ")
		}
		all = append(all, strings.ToLower(r.keyword)+" "+r.value)
	}
	return all
}

// beyond says whether tunnels choose the address that is listened at.
func (a *Account) beyond() bool { return slices.ContainsFunc(a.PermitListen, hasAddress) }

func hasAddress(at string) bool { return strings.Contains(at, ":") }

// listens are where sshd lets tunnels listen. A port alone is one of any address for
// sshd, and GatewayPorts keeps it to the loopback ones, unless tunnels choose the
// address of another: then those have to be named. ssh -R asks for localhost.
func (a *Account) listens() []string {
	if !a.beyond() {
		return a.PermitListen
	}
	var all []string
	for _, at := range a.PermitListen {
		if hasAddress(at) {
			all = append(all, at)
			continue
		}
		for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
			all = append(all, net.JoinHostPort(host, at))
		}
	}
	return all
}

func anywhere(listen []string) []string {
	var all []string
	for _, at := range listen {
		if !hasAddress(at) {
			at = "*:" + at
		}
		all = append(all, at)
	}
	return all
}

// Validate says what is wrong with the block.
func (a *Account) Validate(name string) []resource.Mistake {
	c := &check{}
	c.Found = (&user.User{}).Validate(name)
	if a.PublicKeys != nil && len(a.PublicKeys) == 0 {
		c.Warn("public_keys", "add the public half of the key of a tunnel, which vpnd show tells there", "without a key nobody is let in")
	}
	seen := make(map[string]bool)
	for i, line := range a.PublicKeys {
		path := fmt.Sprintf("public_keys[%d]", i)
		key, is, err := kindssh.ParsePublic(line)
		switch {
		case err != nil:
			c.Add(path, "copy the line of the .pub file, or what vpnd show ssh_tunnel.NAME tells on the other side", "%s is no key: %v", path, err)
			continue
		case seen[key]:
			c.Add(path, "write it once", "the same key is there twice")
		case kindssh.Touched(is):
			c.Warn(path, "give a tunnel a key of its own", "somebody has to touch a device for this key, which a tunnel can't wait for")
		}
		seen[key] = true
	}
	c.permits(a)
	c.Masked("from", a.From)
	return c.Found
}

func (c *check) permits(a *Account) {
	if len(a.PermitOpen)+len(a.PermitListen) == 0 && !resource.Or(a.Sockets, false) {
		c.Add("permit_open", `name where its tunnels lead, as in permit_open = ["db.internal:5432"]`, "an account that may forward nothing is good for nothing")
	}
	for i, to := range a.PermitOpen {
		path := fmt.Sprintf("permit_open[%d]", i)
		host, _ := strings.CutSuffix(to, ":*")
		if host != to {
			host += ":1"
		}
		end, err := kindssh.ParseEnd(host, false)
		switch {
		case err != nil || end.Path != "":
			c.Add(path, "write HOST:PORT, as in db.internal:5432; sockets are a matter of permit_sockets", "%q is nowhere that a tunnel leads to", to)
		case strings.Contains(to, "*"):
			c.Warn(path, "name hosts with their ports, as in db.internal:5432", "%s opens more than one place to whoever has a key, be it the loopback addresses of this host", to)
		}
	}
	for i, at := range a.PermitListen {
		path := fmt.Sprintf("permit_listen[%d]", i)
		end, err := kindssh.ParseEnd(at, true)
		switch {
		case err != nil || end.Path != "":
			c.Add(path, "write PORT, or ADDRESS:PORT", "%q is no place to listen at", at)
		case end.Everywhere():
			c.Warn(path, "write the port alone, for the loopback addresses", "a tunnel may have this host listen at all its addresses")
		case end.Port < 1024:
			c.Add(path, "choose a port from 1024 on", "port %d is root's, and the account can't listen there", end.Port)
		}
	}
	if resource.Or(a.Sockets, false) {
		c.Warn("permit_sockets", "leave it out unless a tunnel leads to a socket", "permit_open does not hold for sockets: tunnels may connect to each that everybody may, such as that of the system bus")
	}
}

package ssh

import (
	"fmt"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpnd/internal/kind/pki/policy"
	kindssh "vpnd/internal/kind/ssh"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/mistakes"
)

var (
	// The account vpnd-ssh-NAME has at most 31 characters.
	nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,21})$`)
	// What an account of some other system may be called, and no program could take
	// for an option, a pattern or an expression.
	accountForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)
	fileForm    = regexp.MustCompile(`^/[A-Za-z0-9_.@+/-]*[A-Za-z0-9_.@+-]$`)
)

// check collects mistakes.
type check struct{ mistakes.Check }

// Validate says what is wrong with the block.
func (t *Tunnel) Validate(name string) []resource.Mistake {
	c := &check{}
	if !nameForm.MatchString(name) {
		c.Add("", "use small letters, digits, dashes and underscores, at most 22 of them", "%q can't be part of the name of an account", name)
	}
	c.peer(t)
	c.keys(t)
	c.key(t)
	c.locals(name, t)
	c.remotes(t)
	if len(t.Locals)+len(t.Remotes)+len(t.Socks) == 0 {
		c.Add("", `add a block local with listen = "127.0.0.1:8500" and to = "db.internal:5432"`, "a tunnel without local, remote or socks has nothing to forward")
	}
	c.times(t)
	return c.Found
}

func (c *check) peer(t *Tunnel) {
	if t.Host != nil {
		host, port := address(*t.Host)
		if _, err := kindssh.ParseEnd(port, true); !kindssh.Host(host) || err != nil {
			c.Add("host", "write a name or an address, with :PORT where it is not 22, as in bastion.example.com:2222 or [2001:db8::1]:2222", "%q is no host to dial", *t.Host)
		}
	}
	switch user := resource.Or(t.User, "x"); {
	case !accountForm.MatchString(user):
		c.Add("user", "write the account alone; the host stands in host", "%q is no name of an account", user)
	case user == "root":
		c.Warn("user", "make an account there that is good for the tunnel alone, with an ssh_tunnel_account block or restrict,port-forwarding in authorized_keys", "root is dialled, so who has the key has that host")
	}
}

func (c *check) keys(t *Tunnel) {
	if t.HostKey != nil && t.HostKeys != nil {
		c.Add("host_keys", "write them all into host_keys", "host_key and host_keys are both given")
	}
	if len(t.hostKeys()) == 0 {
		host := resource.Or(t.Host, "HOST")
		c.Add("host_key", fmt.Sprintf("run: vpnd ssh-hostkey %s, which shows the keys with their fingerprints and how to compare them", host), "without the host key of the peer anybody could stand in for it")
	}
	for i, line := range t.hostKeys() {
		path := "host_key"
		if t.HostKey == nil {
			path = fmt.Sprintf("host_keys[%d]", i)
		}
		_, key, err := kindssh.ParsePublic(line)
		switch {
		case err != nil:
			c.Add(path, "copy the line that vpnd ssh-hostkey shows, or /etc/ssh/ssh_host_ed25519_key.pub of the peer", "%s is no host key: %v", path, err)
		case kindssh.Touched(key):
			c.Add(path, "write the key of the host", "%s is a key of FIDO, which no host has", key.Type())
		}
	}
}

func (c *check) key(t *Tunnel) {
	switch {
	case t.Key != nil && t.KeyFile != nil:
		c.Add("key_file", "keep one of the two", "key and key_file are both given")
	case t.Key != nil && resource.Or(t.Key.Format, "pkcs8") != "openssh":
		c.Add("key", `add format = "openssh" to that block; a key that stands is converted, not replaced`, "ssh can't read %s, whose format is %s", t.Key.Name, resource.Or(t.Key.Format, "pkcs8"))
	}
	if p := t.keyOf("x"); !fileForm.MatchString(p) || path.Clean(p) != p {
		c.Add("key", "use letters, digits, dots, dashes, @ and + alone", "%q can't be the path of a key here", p)
	}
	if kind := resource.Or(t.KeyType, "ed25519"); !slices.Contains(policy.Algorithms, kind) {
		c.Add("key_algorithm", "one of "+strings.Join(policy.Algorithms, ", "), "there is no algorithm %q", kind)
	}
}

func (c *check) locals(name string, t *Tunnel) {
	seen := make(map[string]string)
	for i, l := range t.Locals {
		at := fmt.Sprintf("local[%d]", i)
		c.listen(name, at+".listen", l.Listen, seen)
		c.target(at+".to", l.To)
		if probe := resource.Or(l.Probe, 0); probe < 0 || probe > 0 && probe < resource.Duration(5*time.Second) {
			c.Add(at+".probe", "write 5s or more, or 0s for never", "every %s is too often for who is knocked at", probe)
		}
	}
	for i, d := range t.Socks {
		at := fmt.Sprintf("socks[%d].listen", i)
		if strings.HasPrefix(resource.Or(d.Listen, ""), "/") {
			c.Add(at, "write ADDRESS:PORT, as in 127.0.0.1:1080", "ssh has no SOCKS proxy at a socket")
			continue
		}
		c.listen(name, at, d.Listen, seen)
	}
}

// listen judges where a forward listens here. seen are those before it.
func (c *check) listen(name, path string, text *string, seen map[string]string) {
	if text == nil {
		return
	}
	end, err := kindssh.ParseEnd(*text, false)
	if err != nil {
		c.Add(path, "write ADDRESS:PORT, as in 127.0.0.1:8500, or the path of a socket", "%q is no place to listen at: %v", *text, err)
		return
	}
	if other := seen[end.String()]; other != "" {
		c.Add(path, "choose another port", "%s listens at %s already", other, end)
	}
	seen[end.String()] = path
	if end.Path != "" {
		if dir := kindssh.Place(name).RunDirectory(); !strings.HasPrefix(end.Path, dir+"/") || strings.Contains(end.Path[len(dir)+1:], "/") || strings.HasPrefix(end.Path, dir+"/control") {
			c.Add(path, fmt.Sprintf("write it as in %s/db.sock", dir), "%s is not in the directory %s, the only one in which the tunnel may make sockets, or is its own", end.Path, dir)
		}
		return
	}
	addr, err := netip.ParseAddr(end.Host)
	switch {
	case end.Everywhere():
		c.Warn(path, "listen at 127.0.0.1 or the address of an inside interface; where it is meant, have a firewall block say who may", "it listens at all addresses of this host, so whoever reaches one of them is let through")
	case err != nil && end.Host != "localhost":
		c.Add(path, "write an address of this host, as in 127.0.0.1:8500", "%q is a name, and it is not certain at what address it would listen", end.Host)
	case err != nil:
		c.Add(path, fmt.Sprintf("write 127.0.0.1:%d", end.Port), "localhost is one address or two, depending on the host")
	case addr.Is4In6():
		c.Add(path, fmt.Sprintf("write %s", addr.Unmap()), "%s is an IPv4 address within an IPv6 one", addr)
	}
}

func (c *check) target(path string, text *string) {
	if text == nil {
		return
	}
	end, err := kindssh.ParseEnd(*text, false)
	switch {
	case err != nil:
		c.Add(path, "write HOST:PORT, as in db.internal:5432, or the path of a socket", "%q is nowhere to lead to: %v", *text, err)
	case end.Path == "" && end.Everywhere():
		c.Add(path, fmt.Sprintf("write 127.0.0.1:%d for the host itself", end.Port), "nothing can be reached at %s", end)
	}
}

func (c *check) remotes(t *Tunnel) {
	seen := make(map[string]bool)
	for i, r := range t.Remotes {
		at := fmt.Sprintf("remote[%d]", i)
		c.target(at+".to", r.To)
		if r.Listen == nil {
			continue
		}
		end, err := kindssh.ParseEnd(*r.Listen, true)
		switch {
		case err != nil:
			c.Add(at+".listen", "write PORT, ADDRESS:PORT or the path of a socket", "%q is no place to listen at: %v", *r.Listen, err)
			continue
		case seen[end.String()]:
			c.Add(at+".listen", "choose another port", "%s is listened at twice", end)
		case end.Everywhere():
			c.Warn(at+".listen", "write the port alone for its loopback addresses", "the peer listens at all its addresses, so whoever reaches it reaches this side")
		}
		seen[end.String()] = true
	}
}

func (c *check) times(t *Tunnel) {
	for _, one := range []struct {
		path        string
		value       *resource.Duration
		least, most time.Duration
	}{
		{"keepalive", t.Keepalive, time.Second, time.Hour},
		{"connect_timeout", t.ConnectTimeout, time.Second, 10 * time.Minute},
		{"retry", t.Retry, time.Second, time.Hour},
	} {
		if one.value == nil {
			continue
		}
		if d := time.Duration(*one.value); d < one.least || d > one.most || d%time.Second != 0 {
			c.Add(one.path, fmt.Sprintf("write whole seconds, from %s to %s", resource.Duration(one.least), resource.Duration(one.most)), "%s can't be had", *one.value)
		}
	}
	if m := resource.Or(t.SocketMode, 0o600); m&^0o666 != 0 || m&0o600 != 0o600 {
		c.Add("socket_mode", "write 0600, 0660 or 0666", "%s is no mode of a socket that the tunnel itself can use", m)
	}
	if resource.Or(t.SocketMode, 0o600)&0o006 != 0 && slices.ContainsFunc(t.listens(), func(at string) bool { return strings.HasPrefix(at, "/") }) {
		c.Warn("socket_mode", "write 0660 and add who may connect to the group vpnd-ssh-NAME", "everybody on this host may connect to its sockets")
	}
}

package ipsec

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/resource"
)

// directory is where swanctl finds connections; its swanctl.conf includes all that
// ends in .conf there.
const directory = "/etc/swanctl/conf.d"

// fileOf is the file of a connection.
func fileOf(name string) string { return directory + "/vpnd-" + name + ".conf" }

// secretOf is the name of the section with its pre-shared key, by which charon knows
// it too.
func secretOf(name string) string { return "ike-" + name }

func header(name string) string {
	return fmt.Sprintf("# Managed by vpnd: %s. Edits are undone by the next vpnd apply.\n", resource.ID{Kind: "ipsec_connection", Name: name})
}

// document is what the file of a connection says.
func document(name string, c *Connection) *swanctl.Section {
	root := &swanctl.Section{}
	conn := root.Add("connections").Add(name)
	put(conn, c)
	put(conn.Add("local"), c.Local)
	put(conn.Add("remote"), c.Remote)
	children := conn.Add("children")
	for i := range c.Children {
		put(children.Add(c.Children[i].Name), &c.Children[i])
	}
	if c.PSK != nil && c.PSK.Reveal() != "" {
		s := root.Add("secrets").Add(secretOf(name))
		for i, id := range owners(c) {
			s.Set(fmt.Sprintf("id-%d", i+1), id)
		}
		s.Set("secret", "0x"+hex.EncodeToString([]byte(c.PSK.Reveal())))
	}
	return root
}

// owners are the identities by which the key is found: that of the other side, or where
// nobody knows it before it says so, that of this one. Never both: charon takes a key for
// an answer that is of either side, so that each peer could say to be every other one.
func owners(c *Connection) []string {
	for _, side := range []struct {
		end       *End
		addresses []string
	}{{c.Remote, c.RemoteAddrs}, {c.Local, c.LocalAddrs}} {
		id := *side.end.ID
		if id == "" && len(side.addresses) == 1 {
			if addr, err := netip.ParseAddr(side.addresses[0]); err == nil {
				id = addr.String()
			}
		}
		if id != "" && id != "%any" {
			return []string{id}
		}
	}
	return nil
}

// Owner is the id by which charon finds the pre-shared key, empty where a connection
// has none, or none that is known yet.
func (c *Connection) Owner() string {
	if c.Local == nil || c.Remote == nil {
		return ""
	}
	if all := owners(fill(c)); len(all) > 0 {
		return all[0]
	}
	return ""
}

// render is the whole text of the file.
func render(name string, c *Connection) string {
	return header(name) + notes(c) + swanctl.Render(document(name, c))
}

// parse tells what the text of a file says of a connection. Nothing of it is nil but
// what charon alone knows.
func parse(name, text string) *Connection {
	c := &Connection{Local: &End{}, Remote: &End{}, Children: []Child{}, PSK: resource.NewSecret(""), Foreign: []string{}}
	root, err := swanctl.Parse(text)
	if err != nil {
		c.Foreign = append(c.Foreign, err.Error())
		root = &swanctl.Section{}
	}
	if !strings.HasPrefix(text, header(name)) {
		c.Foreign = append(c.Foreign, "the first line, which names vpnd, is another one")
	}
	conns := root.Section("connections")
	conn := or(conns.Section(name))
	c.foreign(take(conn, c, name))
	c.foreign(take(or(conn.Section("local")), c.Local, name+".local"))
	c.foreign(take(or(conn.Section("remote")), c.Remote, name+".remote"))
	for _, s := range or(conn.Section("children")).Sections {
		child := Child{Name: s.Name}
		c.foreign(take(s, &child, name+".children."+s.Name))
		c.foreign(strangers(s, name+".children."+s.Name))
		c.Children = append(c.Children, child)
	}
	c.foreign(strangers(conn, name, "local", "remote", "children"))
	c.foreign(strangers(or(conns), "connections", name))
	c.foreign(strangers(root, "", "connections", "secrets"))
	c.secrets(name, or(root.Section("secrets")))
	c.remarks(text)
	settle(c)
	return c
}

// secrets reads the pre-shared key. What others wrote there may be secret, and is
// named only.
func (c *Connection) secrets(name string, s *swanctl.Section) {
	c.foreign(strangers(s, "secrets", secretOf(name)))
	own := or(s.Section(secretOf(name)))
	ids := []string{}
	for _, one := range own.Settings {
		switch {
		case strings.HasPrefix(one.Key, "id"):
			ids = append(ids, one.Value)
		case one.Key == "secret":
			c.PSK = resource.NewSecret(plain(one.Value))
		default:
			c.foreign([]string{"secrets." + secretOf(name) + "." + one.Key})
		}
	}
	if want := owners(c); c.PSK.Reveal() != "" && !slices.Equal(ids, want) {
		c.foreign([]string{fmt.Sprintf("secrets.%s is of %s", secretOf(name), strings.Join(ids, ", "))})
	}
}

// plain is a secret as swanctl reads it: behind 0x are bytes in hexadecimal, behind
// 0s in base64.
func plain(value string) string {
	if digits, ok := strings.CutPrefix(value, "0x"); ok {
		if data, err := hex.DecodeString(digits); err == nil {
			return string(data)
		}
	}
	if digits, ok := strings.CutPrefix(value, "0s"); ok {
		if data, err := base64.StdEncoding.DecodeString(digits); err == nil {
			return string(data)
		}
	}
	return value
}

func (c *Connection) foreign(lines []string) { c.Foreign = append(c.Foreign, lines...) }

// strangers are the sections, and of what is no shape the settings too, that vpnd
// does not write there.
func strangers(s *swanctl.Section, path string, ours ...string) (foreign []string) {
	at := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	for _, inner := range s.Sections {
		if !slices.Contains(ours, inner.Name) {
			foreign = append(foreign, at(inner.Name)+" {}")
		}
	}
	if path == "" || path == "connections" || path == "secrets" {
		for _, one := range s.Settings {
			foreign = append(foreign, at(one.Key))
		}
	}
	return foreign
}

func or(s *swanctl.Section) *swanctl.Section {
	if s == nil {
		return &swanctl.Section{}
	}
	return s
}

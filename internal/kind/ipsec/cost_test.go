package ipsec

import (
	"testing"

	"vpnd/internal/resource"
)

// What a change costs is one tunnel where its SAs are up and have to be made anew.
func TestCost(t *testing.T) {
	const keyFile, cert = "/etc/vpnd/dc.psk", "/etc/swanctl/x509/gw.pem"
	yes, no := resource.Ptr(true), resource.Ptr(false)
	up := States{{Name: "net", Up: true}}
	seen := func(change func(*Connection)) *Connection {
		c := fill(resource.Ptr(tunnel(nil)))
		c.Private, c.Keyed, c.Loaded, c.Current, c.Started, c.Standing = yes, yes, yes, yes, yes, &up
		if change != nil {
			change(c)
		}
		return c
	}
	same := func(*Connection) {}
	for title, c := range map[string]struct {
		got  *Connection
		want func(*Connection) // nil for a removal
		cost resource.Effect
	}{
		"creation":            {nil, same, resource.None},
		"removal":             {seen(nil), nil, resource.Tunnel},
		"removal of one down": {seen(func(c *Connection) { c.Standing = &States{{Name: "net"}} }), nil, resource.None},
		"proposals":           {seen(nil), func(c *Connection) { c.Proposals = []string{"aes256-sha384-ecp384"} }, resource.Tunnel},
		"proposals, down":     {seen(func(c *Connection) { c.Standing = &States{} }), func(c *Connection) { c.Proposals = []string{"aes256-sha384-ecp384"} }, resource.None},
		"another key":         {seen(nil), func(c *Connection) { c.PSK = resource.NewSecret("quite another one, of length") }, resource.Tunnel},
		"a key in a file":     {seen(func(c *Connection) { c.PSKFile = resource.Ptr(keyFile) }), func(c *Connection) { c.PSK, c.PSKFile = nil, resource.Ptr(keyFile) }, resource.None},
		"another in the file": {seen(func(c *Connection) { c.PSKFile, c.Keyed = resource.Ptr(keyFile), no }), func(c *Connection) { c.PSK, c.PSKFile = nil, resource.Ptr(keyFile) }, resource.Tunnel},
		"the same in a file":  {seen(nil), func(c *Connection) { c.PSK, c.PSKFile = nil, resource.Ptr(keyFile) }, resource.None},
		"not started":         {seen(func(c *Connection) { c.Started = no }), same, resource.None},
		"not loaded":          {seen(func(c *Connection) { c.Loaded, c.Unloaded = no, []string{"the connection"} }), same, resource.None},
		"a touched file":      {seen(func(c *Connection) { c.Loaded, c.Unloaded = no, []string{fileOf("dc")} }), same, resource.None},
		"loaded otherwise":    {seen(func(c *Connection) { c.Loaded, c.Unloaded = no, []string{`child["net"].local_ts`} }), same, resource.Tunnel},
		"SAs of the past":     {seen(func(c *Connection) { c.Current = no }), same, resource.Tunnel},
		"a new certificate": {seen(func(c *Connection) {
			c.Local.Certificates, c.Children[0].StartAction = []string{cert}, resource.Ptr("start")
			c.Loaded, c.Unloaded = no, []string{cert}
		}), func(c *Connection) {
			c.Local.Certificates, c.Children[0].StartAction = []string{cert}, resource.Ptr("start")
		}, resource.Tunnel},
		"a new list": {seen(func(c *Connection) {
			c.Remote.CRLs = []string{revoked + "/a.pem"}
			c.Loaded, c.Unloaded = no, []string{revoked + "/a.pem"}
		}), func(c *Connection) { c.Remote.CRLs = []string{revoked + "/a.pem"} }, resource.None},
	} {
		var want *Connection
		if c.want != nil {
			wish := tunnel(func(w *Connection) { w.Local, w.Remote = resource.Ptr(*w.Local), resource.Ptr(*w.Remote); c.want(w) })
			want = fill(&wish)
		}
		if cost := (Verbs{}).Cost("dc", c.got, want); cost != c.cost {
			t.Errorf("%s costs %s, not %s", title, cost, c.cost)
		}
	}
}

package ipsec

import (
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// Every mistake is told with its place and a way out, and a block that is right with
// none.
func TestValidate(t *testing.T) {
	for title, c := range map[string]struct {
		change func(*Connection)
		want   string // "path: summary", or the beginning of it; empty for none
	}{
		"right":             {func(*Connection) {}, ""},
		"a value of 5.9":    {func(c *Connection) { c.Children[0].DPDAction = resource.Ptr("start") }, "child.net.dpd_action: start is no value of dpd_action"},
		"another one":       {func(c *Connection) { c.Children[0].StartAction = resource.Ptr("restart") }, "child.net.start_action: restart is no value"},
		"a version":         {func(c *Connection) { c.Version = resource.Ptr(3) }, "version: 3 is no value"},
		"IKEv1":             {func(c *Connection) { c.Version = resource.Ptr(1) }, "version: IKE version 1 is obsolete"},
		"aggressive":        {func(c *Connection) { c.Aggressive = resource.Ptr(true) }, "aggressive: only IKE version 1"},
		"no PRF":            {func(c *Connection) { c.Proposals = []string{"aes256gcm16-ecp384"} }, "proposals[0]: "},
		"a literal group":   {func(c *Connection) { c.Proposals = []string{"aes256-sha256-group14"} }, "proposals[0]: "},
		"a weak group":      {func(c *Connection) { c.Proposals = []string{"aes256-sha256-modp1024"} }, "proposals[0]: modp1024 is weak"},
		"no proposal":       {func(c *Connection) { c.Proposals = []string{} }, "proposals: no proposal is left"},
		"a directive in id": {func(c *Connection) { c.Local.ID = resource.Ptr("x\n}\nsecrets {") }, "local.id: a control character"},
		"two in one item":   {func(c *Connection) { c.RemoteAddrs = []string{"192.0.2.1, %any"} }, "remote_addrs[0]: "},
		"a list in a zone":  {func(c *Connection) { c.RemoteAddrs = []string{"fe80::1%x, 0.0.0.0/0"} }, "remote_addrs[0]: "},
		"a hash in address": {func(c *Connection) { c.RemoteAddrs = []string{"peer#x"} }, "remote_addrs[0]: "},
		"no key":            {func(c *Connection) { c.PSK = nil }, ": there is no pre-shared key"},
		"an empty key":      {func(c *Connection) { c.PSK = resource.NewSecret("") }, "psk: the pre-shared key is empty"},
		"a short key":       {func(c *Connection) { c.PSK = resource.NewSecret("short") }, "psk: the pre-shared key has fewer than 20"},
		"nobody's key": {func(c *Connection) {
			c.LocalAddrs, c.RemoteAddrs, c.Local.ID = nil, []string{"%any"}, nil
		}, "remote.id: a pre-shared key that is nobody's"},
		"anybody's key":   {func(c *Connection) { c.RemoteAddrs = []string{"%any"} }, ""},
		"a key of lines":  {func(c *Connection) { c.PSK = resource.NewSecret("two lines of a secret\nare one too many") }, "psk: the pre-shared key has more than one line"},
		"no certificate":  {func(c *Connection) { c.Local.Auth = resource.Ptr("pubkey") }, "local: this side has no certificate"},
		"any certificate": {func(c *Connection) { c.Remote.Auth = resource.Ptr("pubkey") }, "remote: any certificate of any CA"},
		"a file elsewhere": {func(c *Connection) {
			c.Local = &End{Auth: resource.Ptr("pubkey"), Certificates: []string{"/root/gw.pem"}, Key: resource.Ptr(private + "/gw.pem")}
		}, "local.certificates: /root/gw.pem is not in /etc/swanctl/x509"},
		"their private key":      {func(c *Connection) { c.Remote.Key = resource.Ptr(private + "/x.pem") }, "remote.key: "},
		"networks in transport":  {func(c *Connection) { c.Children[0].Mode = resource.Ptr("transport") }, "child.net.mode: transport mode has no networks"},
		"no selector":            {func(c *Connection) { c.Children[0].LocalTS = []string{"10.1.0.0/16[tcp"} }, "child.net.local_ts[0]: "},
		"a selector in a zone":   {func(c *Connection) { c.Children[0].LocalTS = []string{"fe80::1%x,0.0.0.0/0"} }, "child.net.local_ts[0]: "},
		"an address for network": {func(c *Connection) { c.Children[0].LocalTS = []string{"10.1.2.3/16"} }, "child.net.local_ts[0]: 10.1.2.3/16 is an address within"},
		"two of a name":          {func(c *Connection) { c.Children = append(c.Children, c.Children[0]) }, "child.net.: there are two"},
		"a name":                 {func(c *Connection) { c.Children[0].Name = "a.b" }, "child.a.b.: "},
		"too long":               {func(c *Connection) { c.RekeyTime = resource.Ptr(resource.Duration(200 * 365 * 24 * time.Hour)) }, "rekey_time: it is too long"},
		"a negative number":      {func(c *Connection) { c.KeyingTries = resource.Ptr(-1) }, "keyingtries: -1 is out of range"},
	} {
		block := tunnel(c.change)
		all := block.Validate("dc")
		found := c.want == "" && len(all) == 0
		for _, m := range all {
			found = found || c.want != "" && strings.HasPrefix(m.Path+": "+m.Summary, c.want)
			if m.Hint == "" || m.Summary == "" {
				t.Errorf("%s: a mistake without a way out: %+v", title, m)
			}
		}
		if !found {
			t.Errorf("%s: %q is not told, but %+v", title, c.want, all)
		}
	}
	for _, name := range []string{"", "a b", "a/b", "../a", "a.b", "a\nb", strings.Repeat("a", 65)} {
		if block := tunnel(nil); len(block.Validate(name)) == 0 {
			t.Errorf("%q may name a connection", name)
		}
	}
}

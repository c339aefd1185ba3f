package ipsec

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/resource/resourcetest"
)

// tunnel is a connection of two networks; change makes another of it.
func tunnel(change func(*Connection)) Connection {
	c := Connection{
		LocalAddrs: []string{"192.0.2.1"}, RemoteAddrs: []string{"192.0.2.2"},
		Proposals: []string{"aes256gcm16-prfsha384-ecp384"},
		Local:     &End{ID: resource.Ptr("gw.example.com")}, Remote: &End{},
		PSK: resource.NewSecret(`0x quotes " and \ and # are {none} of its business`),
		Children: []Child{{
			Name: "net", LocalTS: []string{"10.1.0.0/16"}, RemoteTS: []string{"10.2.0.0/16", "10.3.0.1/32"},
			Proposals: []string{"aes256gcm16-ecp384"},
		}},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestConform(t *testing.T) {
	v, _ := host(t)
	resourcetest.Conform(t, v, resourcetest.Case[Connection]{
		Name: "dc", First: tunnel(nil),
		Second: tunnel(func(c *Connection) {
			c.Version, c.DPDDelay = resource.Ptr(1), resource.Ptr(resource.Duration(10e9))
			c.PSK = resource.NewSecret("another one that is long enough")
			c.Children = append(c.Children, Child{Name: "more", Mode: resource.Ptr("transport"), Proposals: []string{"aes256-sha256-ecp384"}})
		}),
	})
}

// A key that stands in a file of its own is read when it is needed, and followed.
func TestAKeyInAFile(t *testing.T) {
	v, _ := host(t)
	file := filepath.Join(t.TempDir(), "psk")
	want := tunnel(func(c *Connection) { c.PSK, c.PSKFile = nil, &file })
	if from := v.From(want); !slices.Equal(from, []string{file}) {
		t.Errorf("it comes from %q", from)
	}
	normal, err := v.Normalize(t.Context(), map[string]*Connection{"dc": &want})
	if err != nil {
		t.Fatal(err)
	}
	apply := func() (*Connection, error) {
		err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: "dc", Want: *normal["dc"]}})
		got, e := v.Observe(t.Context(), normal)
		if e != nil {
			t.Fatal(e)
		}
		return got["dc"], err
	}
	if _, err := apply(); err == nil || !strings.Contains(err.Error(), "reading the pre-shared key") {
		t.Errorf("without the file: %v", err)
	}
	for _, key := range []string{"the first key in a file", "0xthe other key of a file"} {
		if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := v.Observe(t.Context(), normal)
		if err != nil || got["dc"] != nil && *got["dc"].Keyed {
			t.Errorf("the key in the file is another one, and nobody says so: %v", err)
		}
		there, err := apply()
		if err != nil || len(resource.Compare(there, normal["dc"])) > 0 || there.PSK.Reveal() != key {
			t.Errorf("%v, %+v", err, resource.Compare(there, normal["dc"]))
		}
	}
	for _, bad := range []string{"", "\n", "two\nlines\n"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := apply(); err == nil || !strings.Contains(err.Error(), "holds no pre-shared key on one line") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Whatever a block may say, charon has it loaded as the file says, by all that it
// tells of it.
func TestCharonSaysBackWhatItLoaded(t *testing.T) {
	v, _ := host(t)
	wants := make(map[string]*Connection)
	one := func(change func(*Connection)) {
		wants[fmt.Sprintf("c%d", len(wants))] = resource.Ptr(tunnel(change))
	}
	seconds := func(n int64) *resource.Duration { return resource.Ptr(resource.Duration(n * int64(time.Second))) }
	for _, value := range choices["unique"] {
		one(func(c *Connection) { c.Unique = &value })
	}
	for _, value := range choices["fragmentation"] {
		one(func(c *Connection) { c.Fragment = &value })
	}
	for _, value := range choices["start_action"] {
		one(func(c *Connection) { c.Children[0].StartAction = &value })
	}
	for _, value := range choices["dpd_action"] {
		one(func(c *Connection) { c.Children[0].DPDAction = &value; c.DPDDelay = seconds(10) })
	}
	for _, value := range choices["close_action"] {
		one(func(c *Connection) { c.Children[0].CloseAction = &value })
	}
	for _, value := range choices["send_cert"] {
		one(func(c *Connection) { c.SendCert = &value })
	}
	for _, n := range []int64{0, 1, 59, 3601, 86400, 28800} {
		one(func(c *Connection) {
			c.RekeyTime, c.ReauthTime, c.Children[0].RekeyTime = seconds(n), seconds(n), seconds(n)
		})
	}
	for _, ts := range []string{"dynamic", "10.9.0.1", "10.0.0.0/8[tcp/80]", "dynamic[udp]", "fd00::/8", "0.0.0.0/0", "::/0", "10.0.0.0/24[/1000-2000]"} {
		one(func(c *Connection) { c.Children[0].LocalTS = []string{ts} })
	}
	for _, id := range []string{"203.0.113.1", "@gw.example.com", "user@example.com", "C=CH, O=Acme, CN=gw", "@#0102", "keyid:0xabcd", "%any", "*@example.com", "2001:db8::1"} {
		one(func(c *Connection) { c.Remote.ID = &id })
	}
	for _, addr := range []string{"%any", "peer.example.com", "2001:db8::2", "192.0.2.0/24"} {
		one(func(c *Connection) { c.RemoteAddrs = []string{addr} })
	}
	one(func(c *Connection) { c.LocalAddrs = nil })
	one(func(c *Connection) { c.Children = nil })
	one(func(c *Connection) { c.Version, c.Aggressive = resource.Ptr(1), resource.Ptr(true) })
	one(func(c *Connection) {
		c.Encap, c.MOBIKE, c.KeyingTries = resource.Ptr(true), resource.Ptr(false), resource.Ptr(0)
	})
	one(func(c *Connection) {
		child := &c.Children[0]
		child.RekeyBytes, child.ReplayWindow, child.IfID, child.Priority = resource.Ptr(500000000), resource.Ptr(1024), resource.Ptr(7), resource.Ptr(3)
		child.CopyDF, child.LifeTime = resource.Ptr(false), seconds(7000)
	})
	one(func(c *Connection) {
		c.Children[0].Mode, c.Children[0].LocalTS, c.Children[0].RemoteTS = resource.Ptr("transport"), nil, nil
	})

	for name, want := range wants {
		for _, m := range want.Validate(name) {
			if !m.Warning {
				t.Errorf("%s is refused: %v", name, m)
			}
		}
	}
	normal, err := v.Normalize(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	var items []resource.Item[Connection]
	for name, want := range normal {
		items = append(items, resource.Item[Connection]{Name: name, Want: *want})
	}
	if err := v.Apply(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	got, err := v.Observe(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range normal {
		if diffs := resource.Compare(got[name], want); len(diffs) > 0 {
			t.Errorf("%+v: %+v, not loaded %q", diffs, got[name].Children, got[name].Unloaded)
		}
	}
	nettest.Run(t, "", "swanctl --load-all --noprompt >/dev/null") // as a reload of the unit does
	again, err := v.Observe(t.Context(), wants)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range normal {
		if diffs := resource.Compare(again[name], want); len(diffs) > 0 {
			t.Errorf("after swanctl loaded all: %+v", diffs)
		}
	}
}

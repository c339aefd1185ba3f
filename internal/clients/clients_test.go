package clients

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
	"vpnd/internal/seen"
	"vpnd/internal/status"
)

// Who has one certificate that stands is in, whatever became of earlier ones; who
// has none but revoked ones is out.
func TestEnter(t *testing.T) {
	soon, later := time.Unix(1e9, 0), time.Unix(2e9, 0)
	l := list{}
	l.enter(engine.Roll{Blocks: []string{"pki.office"}, Holders: []resource.Holder{
		{Name: "alice", Serial: "1", Revoked: true},
		{Name: "alice", Serial: "2", NotAfter: soon},
		{Name: "alice", Serial: "3", NotAfter: later},
		{Name: "guest", Serial: "4", Revoked: true},
		{Name: "", Serial: "5", Revoked: true}, // nobody knows whose it was
	}})
	if len(l) != 2 {
		t.Errorf("%d are told of, want alice and guest", len(l))
	}
	if c := l["alice"]; c == nil || c.Revoked || c.Serial != "3" || !c.NotAfter.Equal(later) || len(c.Blocks) == 0 || c.Blocks[0] != "pki.office" {
		t.Errorf("alice: %+v", c)
	}
	if c := l["guest"]; c == nil || !c.Revoked || !c.NotAfter.IsZero() {
		t.Errorf("guest: %+v", c)
	}
}

// Of whom no list tells yet the certificate is asked for; it may be none.
func TestAsk(t *testing.T) {
	at := time.Unix(2e9, 0)
	l := list{"told": {Name: "told", NotAfter: at, Serial: "1"}, "new": {Name: "new", Revoked: true}, "none": {Name: "none"}}
	l.ask(map[string]string{"told": "/told.crt", "new": "/new.crt", "none": "/none.crt"}, func(paths []string) []Term {
		all := make([]Term, len(paths))
		for i, path := range paths {
			switch path {
			case "/told.crt":
				t.Error("it is asked what the list tells")
			case "/new.crt":
				all[i] = Term{NotAfter: at, Serial: "2"}
			}
		}
		return all
	})
	if c := l["new"]; c.Revoked || !c.NotAfter.Equal(at) || c.Serial != "2" {
		t.Errorf("%+v", c)
	}
	if c := l["none"]; !c.NotAfter.IsZero() || c.Serial != "" {
		t.Errorf("%+v", c)
	}
	if c := l["told"]; c.Serial != "1" {
		t.Errorf("%+v", c)
	}
}

// Programs read these names; one that changes is another format.
func TestFormat(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	all := List{FormatVersion: FormatVersion, Remembered: at, Clients: []Client{
		{
			Name: "alice", Blocks: []string{"openvpn_server.office", "pki.office"}, NotAfter: at, Serial: "1f",
			Profiles: []Profile{{Path: "/var/lib/vpnd/profiles/office/alice.ovpn", Server: "openvpn_server.office", Void: []string{"port"}, Since: at, GivenAt: at, GivenBy: "root"}},
			Sessions: []Session{{Server: "openvpn_server.office", Socket: "/run/m.sock", From: "192.0.2.7:1194", Address: "10.8.0.2", Since: at, In: 1, Out: 2}},
			Seen:     &seen.Sighting{Name: "alice", Block: "openvpn_server.office", At: at, From: "192.0.2.7:1194", Address: "10.8.0.2", Since: at, In: 1, Out: 2},
		},
		{Name: "guest", Blocks: []string{"pki.office"}, Revoked: true},
	}}
	got, err := json.MarshalIndent(all, "", "  ")
	want, missing := os.ReadFile("testdata/clients.json")
	if err != nil || missing != nil || strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("%v, %v\n%s", err, missing, got)
	}
}

// Who is connected, now or last, is told where a block that lets them in says so.
func TestRemember(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	l := list{"alice": {Name: "alice", Blocks: []string{"openvpn_server.office"}}, "bob": {Name: "bob", Blocks: []string{"wireguard.wg0"}}, "carol": {Name: "carol", Blocks: []string{"wireguard.wg0"}}}
	now := status.VPNs{
		Servers: []status.Server{{Block: "openvpn_server.office", Socket: "/a", Clients: []status.Client{{Name: "alice", From: "a", Began: at}, {Name: "mallory"}}}},
		Tunnels: []status.Tunnel{
			{Block: "wireguard.wg0", TunnelState: resource.TunnelState{Name: "bob", Up: true, OnDemand: true, Handshake: at, Peer: "b", Remote: []string{"10.20.0.2/32"}}},
			{Block: "wireguard.wg0", TunnelState: resource.TunnelState{Name: "carol", OnDemand: true, Handshake: at.Add(-time.Hour)}},
			{Block: "wireguard.wg1", TunnelState: resource.TunnelState{Name: "alice", Up: true, OnDemand: true, Handshake: at}},
		},
	}
	memory := seen.Memory{Since: at, People: map[seen.Person]seen.Sighting{
		{Block: "wireguard.wg0", Name: "carol"}:       {Name: "carol", Block: "wireguard.wg0", At: at.Add(-time.Minute)},
		{Block: "openvpn_server.old", Name: "carol"}:  {Name: "carol", Block: "openvpn_server.old", At: at},
		{Block: "openvpn_server.office", Name: "who"}: {Name: "who", Block: "openvpn_server.office", At: at},
	}}
	l.connect(now)
	l.remember(memory, seen.Sightings(at, now))
	for name, want := range map[string]string{
		"alice":   "openvpn_server.office /a; seen 12:00",
		"bob":     "wireguard.wg0 ; seen 12:00",
		"carol":   "; seen 11:59",
		"mallory": "openvpn_server.office /a; seen 12:00", // connected, and on no record
	} {
		got := ""
		c := l[name]
		for _, s := range c.Sessions {
			got += s.Server + " " + s.Socket
		}
		if got += "; seen " + c.Seen.At.Format("15:04"); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	if l["who"] != nil {
		t.Error("who is on no record and not connected is told of")
	}
}

package wireguard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"vpnd/internal/resource"
)

// A person who is not there is no fault; a site that does not answer is one, with
// what to do about it.
func TestHowPeersStand(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	person := Seen{Peer: "alice", Networks: nets("10.20.0.2/32")}
	site := Seen{Peer: "branch", Endpoint: "192.0.2.7:51820", Dialled: true, Keepalive: true}
	with := func(s Seen, change func(*Seen)) Seen { change(&s); return s }
	for _, c := range []struct {
		what          string
		seen          Seen
		up, isUp, ask bool
		why           string
	}{
		{"a person who was never here", person, true, false, true, "was never here"},
		{"a person who was here", with(person, func(s *Seen) { s.Handshake = now }), true, false, true, "not here now"},
		{"a person who is here", with(person, func(s *Seen) { s.Handshake, s.Alive = now, true }), true, true, true, ""},
		{"a site that answers", with(site, func(s *Seen) { s.Handshake, s.Alive = now, true }), true, true, false, ""},
		{"a site that never answered", site, true, false, false, "192.0.2.7:51820 never answered; see that"},
		{"a site that answers no more", with(site, func(s *Seen) { s.Handshake = now }), true, false, false, "no answer from 192.0.2.7:51820 since 2026-11-28T12:00:00Z; see that"},
		{"a site without a keepalive", with(site, func(s *Seen) { s.Keepalive = false }), true, false, true, "was never here"},
		{"a site by an interface that is off", with(site, func(s *Seen) { s.Alive = true }), false, false, false, "the interface is switched off"},
	} {
		i := &Interface{Up: &c.up, Seen: []Seen{c.seen}, Addresses: nets("10.20.0.1/24")}
		all := i.Tunnels()
		if len(all) != 2 || all[0].Name != "" || all[0].Up != c.up || all[1].Name != c.seen.Peer {
			t.Errorf("%s: %+v", c.what, all)
		}
		if got := all[1]; got.Up != c.isUp || got.OnDemand != c.ask || !strings.HasPrefix(got.Why, c.why) || (c.why == "") != (got.Why == "") {
			t.Errorf("%s: %+v", c.what, got)
		}
	}
}

func TestWhatProfilesDial(t *testing.T) {
	for remote, want := range map[string]string{
		"vpn.example.com": "vpn.example.com:51820", "vpn.example.com:443": "vpn.example.com:443", "192.0.2.1": "192.0.2.1:51820",
		"2001:db8::1": "[2001:db8::1]:51820", "[2001:db8::1]:443": "[2001:db8::1]:443", "192.0.2.1:443": "192.0.2.1:443",
		"": "", "a b": "", "vpn.example.com:0": "", "vpn.example.com:x": "", "vpn\nPostUp = id": "", "0.0.0.0": "", "fe80::1%eth0": "", "vpn:1:2": "",
	} {
		if got, err := Dial(remote, 51820); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", remote, got, err)
		}
	}
}

func TestDomains(t *testing.T) {
	for name, want := range map[string]bool{"corp.example.com": true, "corp": true, "10.0.0.53": false, "fd00::53": false, "a b": false, "corp\nPostUp = id": false, "": false} {
		if IsDomain(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestMistakesOfAnInterface(t *testing.T) {
	const key = "uHBbTsJVqdBOjfYJYpvS3zBaXvzDzmUyBS+sNZ6JU0M="
	i := &Interface{
		Key: p("wg.key"), Backend: p("boringtun"), Listen: p(70000), Mark: p(-1), MTU: p(1000), Addresses: nets("fd00::1/64", "127.0.0.1/8", "10.0.0.1/24", "10.0.0.1/16", "fe80::1/64"),
		Revoked: []string{"alice"},
		Peers: []Peer{
			{Name: "none"},
			{Name: "both", PublicKey: p(key), KeyFile: p("x\n.pub"), PSKFile: p("psk"), Endpoint: p("[::]:1"), Keepalive: p(resource.Duration(time.Millisecond)), Networks: nets("10.1.0.1/16", "10.2.0.0/16")},
			{Name: "both", PublicKey: p(key), Networks: nets("10.2.0.0/16")},
			{Name: "bad", PublicKey: p(key + "\n[Peer]")},
		},
	}
	var lines []string
	for _, m := range i.Validate("wg 0") {
		if m.Hint == "" {
			t.Errorf("%s has no way out", m.Summary)
		}
		lines = append(lines, m.Path+": "+m.Summary)
	}
	got := strings.Join(lines, "\n")
	for _, want := range []string{
		`: "wg 0" is no name of an interface`, `key: "wg.key" is no absolute path`, `backend: "boringtun" carries no packets`, "listen: 70000 is out of range", "fwmark: -1 is out of range",
		"mtu: IPv6 needs an mtu of 1280", "addresses: 127.0.0.1/8 is no address", "addresses: 10.0.0.1 is there twice", "addresses: fe80::1/64 is link-local", `revoked[0]: "alice" is no public key`,
		"peer.none: nothing tells the key", "peer.both: the key of this peer is told twice", `peer.both.key_file: "x\n.pub"`, `peer.both.psk_file: "psk"`, `peer.both.endpoint: "[::]:1" is no endpoint`,
		"peer.both.keepalive: ", "peer.both.networks: 10.1.0.1/16 has bits set", "peer.both: there are two peers of this name", "peer.both.public_key: the peer both has this key", "peer.both.networks: 10.2.0.0/16 is at the peer both",
		`peer.bad.public_key: "uHB`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in:\n%s", want, got)
		}
	}
	if found := (&Interface{Key: p("/k"), Peers: []Peer{{Name: "a", PublicKey: p(key)}}}).Validate("wg0"); len(found) > 0 {
		t.Errorf("nothing is wrong, and it says %v", found)
	}
}

// What an interface is made from, and brings, is what others are told to wait for.
func TestWhatAnInterfaceRestsOn(t *testing.T) {
	want := Interface{Key: p("/k/own"), Addresses: nets("10.20.0.1/24"), Peers: []Peer{{KeyFile: p("/k/a.pub"), PSKFile: p("/k/a.psk")}, {PublicKey: p("x")}}}
	if is := strings.Join(Verbs{}.From(want), " "); is != "/k/own /k/a /k/a.psk" {
		t.Errorf("it is made from %s", is)
	}
	if brings, _ := (Verbs{}).Brings("wg0", nil, &want); !slices.Equal(brings, []resource.ID{{Kind: resource.Interface, Name: "wg0"}, {Kind: resource.Network, Name: "10.20.0.1/24"}}) {
		t.Errorf("it brings %v", brings)
	}
}

// What a plan needs is said before anything is touched.
func TestWhatIsMissing(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	want.Peers = append(want.Peers, Peer{Name: "self", KeyFile: p(*want.Key + ".pub")}, Peer{Name: "again", KeyFile: want.Peers[0].KeyFile}, Peer{Name: "later", KeyFile: p(r.dir + "/later.pub"), PSKFile: p(r.dir + "/later.psk")})
	want.Backend = p(Kernel)
	err := r.Preflight(t.Context(), "wg0", want, resource.Prospect{})
	for _, text := range []string{"the kernel of this host has no WireGuard", "this is the key of this host itself", "the peer alice has the same key", "later.pub: ", "later.psk: "} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
	if err := r.users.start(t.Context(), "wg9"); err != nil {
		t.Fatal(err)
	}
	other := Interface{Key: want.Key, Listen: p(51999), Backend: p(auto)}
	r.make("wg8", other)
	for name, taken := range map[string]bool{"wg8": false, "wg9": true} {
		if m := r.port(t.Context(), name, other, resource.Prospect{}); (m != nil) != taken {
			t.Errorf("that the port of %s is taken: %v", name, m)
		}
	}
	changed := resource.Prospect{Coming: map[resource.ID]resource.Arrival{{Kind: "wireguard_interface", Name: "wg8"}: {Step: 7}}}
	if m := r.port(t.Context(), "wg7", other, changed); m != nil {
		t.Errorf("one that moves to another port makes no room: %v", m)
	}
	renamed := resource.Prospect{Leaving: map[resource.ID]bool{{Kind: "wireguard_interface", Name: "wg8"}: true, {Kind: "wireguard_interface", Name: "wg9"}: true}}
	if m := r.port(t.Context(), "wg7", other, renamed); m != nil {
		t.Errorf("one that goes makes no room: %v", m)
	}
}

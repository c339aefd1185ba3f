package wireguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"vpnd/internal/kind/link"
	"vpnd/internal/resource"
)

const second = resource.Duration(time.Second)

// twoPeers is an interface with a person and a site.
func (r *room) twoPeers() Interface {
	alice, branch := r.key("alice"), r.key("branch")
	return Interface{
		Key: p(r.key("own")), Listen: p(51820), Addresses: nets("10.20.0.1/24"), Up: p(true), Backend: p(auto),
		Peers: []Peer{
			{Name: "alice", KeyFile: p(alice + ".pub"), Networks: nets("10.20.0.2/32")},
			{Name: "branch", PublicKey: p(r.public(branch)), Endpoint: p("vpn.example.com:51820"), Networks: nets("10.9.1.0/24"), Keepalive: p(25 * second)},
		},
	}
}

func (r *room) keyOf(path string) wgtypes.Key {
	r.Helper()
	key, err := parseKey(r.public(path))
	if err != nil {
		r.Fatal(err)
	}
	return key
}

// What is done to an interface by hand is named, and repaired, and of the others
// nothing is told again.
func TestWhatIsDoneByHandIsNamedAndRepaired(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	r.make("wg0", want)
	stranger := r.keyOf(r.key("stranger"))
	alice := r.keyOf(r.dir + "/alice")
	for what, hand := range map[string]wgtypes.Config{
		`peer["` + stranger.String() + `"].public_key: ` + stranger.String() + " -> ": {Peers: []wgtypes.PeerConfig{{PublicKey: stranger, AllowedIPs: ipNets(nets("10.66.0.0/16"))}}},
		`peer["alice"].networks:  -> [10.20.0.2/32]`:                                  {Peers: []wgtypes.PeerConfig{{PublicKey: alice, Remove: true}}},
		`peer["alice"].networks: [10.20.0.2/32, 10.66.0.0/16] -> [10.20.0.2/32]`:      {Peers: []wgtypes.PeerConfig{{PublicKey: alice, AllowedIPs: ipNets(nets("10.66.0.0/16"))}}},
		`peer["alice"].preshared: another -> none`:                                    {Peers: []wgtypes.PeerConfig{{PublicKey: alice, PresharedKey: p(wgtypes.Key{7})}}},
		`listen: 4711 -> 51820`:                                                       {ListenPort: p(4711)},
		`keyed: false -> true`:                                                        {PrivateKey: p(wgtypes.Key{8})},
	} {
		r.wg("wg0", hand)
		if got := r.diffs("wg0", want); !strings.Contains(got, what) {
			t.Errorf("%s is not in:\n%s", what, got)
		}
		r.make("wg0", want)
	}
	r.ip("link set wg0 down")
	if got := r.diffs("wg0", want); !strings.Contains(got, "up: false -> true") {
		t.Errorf("switched off by hand: %s", got)
	}
	r.make("wg0", want)
}

// Only what changes is told to WireGuard: whoever is told of loses nothing.
func TestAChangedPeerDisturbsNoOther(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	r.make("wg0", want)
	told := func(change Interface) []wgtypes.PeerConfig {
		c, _, unfound, err := r.config(t.Context(), r.device("wg0"), *r.normal("wg0", change), r.recall("wg0"))
		if err != nil || unfound != nil || c.ReplacePeers || c.PrivateKey != nil || c.ListenPort != nil {
			t.Errorf("told: %+v, %v, %v", c, unfound, err)
		}
		return c.Peers
	}
	if all := told(want); len(all) > 0 {
		t.Errorf("told although nothing changes: %+v", all)
	}
	without := want
	without.Peers = want.Peers[1:]
	if all := told(without); len(all) != 1 || !all[0].Remove || all[0].PublicKey != r.keyOf(r.dir+"/alice") {
		t.Errorf("told of who goes: %+v", all)
	}
	moved := want
	moved.Peers = []Peer{want.Peers[0], want.Peers[1]}
	moved.Peers[1].Networks = nets("10.9.2.0/24")
	if all := told(moved); len(all) != 1 || !all[0].UpdateOnly || !all[0].ReplaceAllowedIPs || all[0].Endpoint != nil || all[0].PresharedKey != nil {
		t.Errorf("told of who changes: %+v", all)
	}
	rekeyed, shared := want, want
	rekeyed.Key = p(r.key("another"))
	shared.Peers = []Peer{want.Peers[0], want.Peers[1]}
	shared.Peers[0].PSKFile = p(r.put("psk", wgtypes.Key{7}.String()))
	for change, cost := range map[*Interface]resource.Effect{
		&want: resource.None, &without: resource.Client, &moved: resource.Client, &rekeyed: resource.Restart, &shared: resource.Client,
	} {
		wish := r.normal("wg0", *change)
		if got := r.Cost("wg0", r.see("wg0", wish), wish); got != cost {
			t.Errorf("it costs %s, not %s", got, cost)
		}
	}
}

// Who is called otherwise loses nothing, and is known by that name from then on, also to
// who asks without a configuration.
func TestARenamedPeer(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	r.make("wg0", want)
	renamed := want
	renamed.Peers = []Peer{want.Peers[0], want.Peers[1]}
	renamed.Peers[1].Name = "works"
	if got := r.diffs("wg0", renamed); !strings.Contains(got, `peer["branch"]`) || !strings.Contains(got, `peer["works"]`) {
		t.Errorf("to be done: %s", got)
	}
	wish := r.normal("wg0", renamed)
	if cost := r.Cost("wg0", r.see("wg0", wish), wish); cost != resource.None {
		t.Errorf("another name costs %s", cost)
	}
	r.make("wg0", renamed)
	for _, wish := range []*Interface{nil, wish} {
		if seen := r.see("wg0", wish).Seen; len(seen) != 2 || seen[1].Peer != "works" {
			t.Errorf("it is seen as %+v", seen)
		}
	}
}

// A peer that moves is no drift; one whose endpoint is another in the configuration
// is, and so is one that was lost while its name means another address.
func TestWhereAPeerIsFound(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	r.make("wg0", want)
	branch := r.keyOf(r.dir + "/branch")
	is := func() wgtypes.Peer {
		for _, peer := range r.device("wg0").Peers {
			if peer.PublicKey == branch {
				return peer
			}
		}
		t.Fatal("the branch is gone")
		return wgtypes.Peer{}
	}
	if at := endpointOf(is().Endpoint); at != "192.0.2.7:51820" {
		t.Errorf("it is found at %s", at)
	}
	moved := is()
	moved.Endpoint, moved.LastHandshakeTime = &net.UDPAddr{IP: net.IPv4(198, 51, 100, 9), Port: 4000}, r.now.Add(-time.Minute)
	lost := moved
	lost.LastHandshakeTime = r.now.Add(-time.Hour)
	quiet := lost
	quiet.PersistentKeepaliveInterval = 0
	const name, set = "vpn.example.com:51820", "vpn.example.com:51820"
	for _, c := range []struct {
		what      string
		wish, set string
		is        wgtypes.Peer
		stands    bool
	}{
		{"it moved, and is there", name, set, moved, true},
		{"it moved, and is silent without a keepalive", name, set, quiet, true},
		{"it moved, and is lost", name, set, lost, false},
		{"it is lost where it shall be", name, set, is(), true},
		{"the configuration names another", "192.0.2.8:51820", set, moved, false},
		{"nothing is known of what was set", name, "", moved, false},
		{"nothing is known of what was set, and it is right", name, "", is(), true},
		{"the name has no address any more", "gone.example.com:51820", "gone.example.com:51820", lost, true},
		{"the name has no address, and was not set", "gone.example.com:51820", "", lost, false},
		{"it was never set", name, set, wgtypes.Peer{}, false},
	} {
		if got := r.stands(t.Context(), c.wish, c.set, c.is); got != c.stands {
			t.Errorf("%s: that it stands is %v", c.what, got)
		}
	}
	r.hosts["vpn.example.com"] = "192.0.2.9" // it has not answered yet, so it is looked up again
	if got := r.diffs("wg0", want); !strings.Contains(got, `peer["branch"].endpoint: 192.0.2.7:51820 -> vpn.example.com:51820`) {
		t.Errorf("a name that means another address: %q", got)
	}
	r.make("wg0", want)
}

// A name that has no address keeps nobody else out, and is told.
func TestAnEndpointThatIsNotFound(t *testing.T) {
	r := newRoom(t)
	want := r.twoPeers()
	err := r.try("wg0", want)
	if err == nil || !strings.Contains(err.Error(), "peer branch: looking up the endpoint vpn.example.com:51820: there is no such name") {
		t.Errorf("it was not told: %v", err)
	}
	for why, want := range map[*net.DNSError]string{
		{Err: "i/o timeout", Server: "[::1]:53", IsTimeout: true}:                             "the name server does not answer",
		{Err: "read udp [::1]:49613->[::1]:53: read: connection refused", Server: "[::1]:53"}: "the name server can't be asked; see /etc/resolv.conf",
	} {
		if is := unfound(why); is != want {
			t.Errorf("%v is told as %s", why, is)
		}
	}
	if got := r.diffs("wg0", want); got != `peer["branch"].endpoint:  -> vpn.example.com:51820` {
		t.Errorf("this differs besides:\n%s", got)
	}
}

// Many names that nobody answers for take less together than wireguard-go is waited for:
// it would be blamed, and told of them when nobody waits any more.
func TestManyEndpointsThatAreNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := Verbs{Clock: time.Now, Lookup: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		want := Interface{Peers: []Peer{}}
		for i := range 20 {
			want.Peers = append(want.Peers, Peer{Name: fmt.Sprint(i), PublicKey: p(wgtypes.Key{byte(i + 1)}.String()), Endpoint: p("vpn.example.com:51820")})
		}
		begun := time.Now()
		c, _, unfound, err := v.config(t.Context(), new(wgtypes.Device), want, nil)
		if took := time.Since(begun); took >= answer || len(c.Peers) != 20 || unfound == nil || err != nil {
			t.Errorf("after %s: %d peers, %v, %v", took, len(c.Peers), unfound, err)
		}
	})
}

// stuck is a program that takes a question and never answers.
type stuck struct {
	Control
	end chan struct{}
}

func (s stuck) Device(string) (*wgtypes.Device, error) { <-s.end; return nil, os.ErrClosed }
func (stuck) Close() error                             { return nil }

// A wireguard-go that hangs holds nobody up for good.
func TestAProgramThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stuck{end: make(chan struct{})}
		time.AfterFunc(time.Hour, func() { close(s.end) })
		v := Verbs{Open: func() (Control, error) { return s, nil }}
		begun := time.Now()
		if _, err := v.ask(t.Context(), "wg0", Userspace); err == nil || !strings.Contains(err.Error(), "wireguard-go does not answer") || time.Since(begun) > answer {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
		time.Sleep(time.Hour)
	})
}

// What carries the packets is another one, and what is not wished for stays as it was:
// settings, and routes that others made.
func TestAnotherBackendKeepsWhatNobodyWishesFor(t *testing.T) {
	r := newRoom(t)
	r.Start = func(ctx context.Context, name string) error {
		return errors.Join(r.users.stop(ctx, name), r.users.start(ctx, name))
	}
	want := r.twoPeers()
	want.Peers, want.MTU = want.Peers[:1], p(1390)
	r.make("wg0", want)
	r.ip("route add 10.99.0.0/16 dev wg0 table 100")
	least := r.normal("wg0", Interface{Key: want.Key, Backend: p(Userspace)})
	got := r.see("wg0", least)
	got.Backend = p(Kernel) // as far as is known
	if cost := r.Cost("wg0", got, least); cost != resource.Restart {
		t.Errorf("it costs %s", cost)
	}
	if err := r.Apply(t.Context(), []resource.Item[Interface]{{Name: "wg0", Got: got, Want: *least}}); err != nil {
		t.Fatal(err)
	}
	if left := r.diffs("wg0", want); left != "" {
		t.Errorf("this went:\n%s", left)
	}
	if is := r.ip("route show table 100"); !strings.HasPrefix(is, "10.99.0.0/16 dev wg0") {
		t.Errorf("the route of somebody else is now %q", is)
	}
}

// Interfaces of others are not touched, and what they could not be given back is not
// taken.
func TestInterfacesOfOthersAreLeftAlone(t *testing.T) {
	r := newRoom(t)
	if err := r.users.start(t.Context(), "wg7"); err != nil {
		t.Fatal(err)
	}
	theirs := r.key("theirs")
	key, err := readKey(theirs)
	if err != nil {
		t.Fatal(err)
	}
	r.wg("wg7", wgtypes.Config{PrivateKey: &key})
	r.ip("link add veth7 type veth peer name veth8")
	t.Cleanup(func() { _ = link.Delete("veth7") })
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	for name, what := range map[string]string{
		"wg7":   "there is an interface wg7 of WireGuard already that somebody else made",
		"veth7": "there is an interface veth7 already, and it is none of WireGuard but a veth",
	} {
		if _, err := r.Observe(t.Context(), map[string]*Interface{name: &want}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("observing %s: %v", name, err)
		}
		if m := r.Foreign(t.Context(), name, *want.Key); m == nil || !strings.HasPrefix(m.Summary, what) || m.Hint == "" {
			t.Errorf("rules for %s are not refused: %v", name, m.Err())
		}
		if err := r.Remove(t.Context(), []string{name}); err == nil {
			t.Errorf("%s was removed", name)
		}
	}
	if m := r.Foreign(t.Context(), "wg7", theirs); m != nil {
		t.Errorf("with its own key: %v", m)
	}
	r.make("wg0", want)
	for _, name := range []string{"wg0", "wg9"} {
		if m := r.Foreign(t.Context(), name, *want.Key); m != nil {
			t.Errorf("%s: %v", name, m)
		}
	}
	r.ip("link show wg7")
}

// What a run leaves that was killed before it could mark an interface is made anew,
// and can be taken away.
func TestAnInterfaceThatWasHalfMade(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	for _, name := range []string{"wg5", "wg6"} {
		if err := r.users.start(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	r.make("wg5", r.twoPeers())
	if err := r.Remove(t.Context(), []string{"wg6"}); err != nil {
		t.Error(err)
	}
	if is, err := link.Interfaces(); err != nil || is["wg5"].Alias != link.Mark || is["wg6"].Type != "" {
		t.Errorf("%+v, %+v, %v", is["wg5"], is["wg6"], err)
	}
}

// Who was taken out comes back with an undo, with all that belongs to them.
func TestWhoWasTakenOutComesBack(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	both := r.twoPeers()
	both.Peers[0].PSKFile = p(r.put("psk", wgtypes.Key{1, 2, 3}.String()))
	r.make("wg0", both)
	without := both
	without.Peers = []Peer{}
	before := r.see("wg0", r.normal("wg0", without))
	r.make("wg0", without)
	undo := resource.Lasting(before).(*Interface)
	if err := r.Apply(t.Context(), []resource.Item[Interface]{{Name: "wg0", Got: r.see("wg0", undo), Want: *undo}}); err != nil {
		t.Fatal(err)
	}
	if left := resource.Compare(r.see("wg0", undo), undo); len(left) > 0 {
		t.Errorf("it differs still: %+v", left)
	}
	if left := r.diffs("wg0", both); left != "" {
		t.Errorf("it is not as before:\n%s", left)
	}
}

// No key is in anything that is shown, told or kept.
func TestKeysStayInTheirFiles(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	want := r.twoPeers()
	want.Peers[0].PSKFile = p(r.put("psk", wgtypes.Key{1, 2, 3}.String()))
	r.make("wg0", want)
	own, err := os.ReadFile(*want.Key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := resource.Encode(r.see("wg0", r.normal("wg0", want)), resource.Reveal)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(r.memory("wg0"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{strings.TrimSpace(string(own)), wgtypes.Key{1, 2, 3}.String()} {
		if strings.Contains(string(data), secret) || strings.Contains(string(kept), secret) {
			t.Error("a key is in what is observed or kept")
		}
	}
}

// Who was revoked comes in by no undo, and by a configuration only with another key.
func TestWhoIsRevokedStaysSo(t *testing.T) {
	r := newRoom(t)
	r.hosts["vpn.example.com"] = "192.0.2.7"
	both := r.twoPeers()
	r.make("wg0", both)
	revoked := both
	revoked.Peers, revoked.Revoked = both.Peers[1:], []string{*both.Peers[0].KeyFile}
	if got := r.diffs("wg0", revoked); got != "admitted: [\"alice\"] -> []" {
		t.Errorf("to be done: %s", got)
	}
	record := r.normal("wg0", revoked)
	before := r.see("wg0", record) // as a snapshot has it
	r.make("wg0", revoked)
	undo := resource.Lasting(before).(*Interface)
	if err := r.Apply(t.Context(), []resource.Item[Interface]{{Name: "wg0", Got: r.see("wg0", undo), Want: *undo}}); err != nil {
		t.Fatal(err)
	}
	if d := r.device("wg0"); len(d.Peers) != 1 || d.Peers[0].PublicKey != r.keyOf(r.dir+"/branch") {
		t.Errorf("an undo lets in: %+v", d.Peers)
	}
	again := r.Recall(both, *record)
	const refused = "the peer alice was revoked, and its key stays so"
	if err := r.Preflight(t.Context(), "wg0", *r.normal("wg0", again), resource.Prospect{}); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("a configuration that lets alice in with her old key: %v", err)
	}
	r.ip("link set wg0 down")
	if err := r.try("wg0", again); err == nil || !strings.Contains(err.Error(), refused) {
		t.Errorf("it is let in: %v", err)
	}
	if got := r.diffs("wg0", again); !strings.HasPrefix(got, `peer["alice"]`) || strings.Contains(got, "up:") {
		t.Errorf("all but that is to be done, and this differs:\n%s", got)
	}
}

package wireguard

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/kind/chain"
	"vpnd/internal/kind/pki"
	kind "vpnd/internal/kind/wireguard"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
	"vpnd/internal/vpn/vpntest"
)

func TestMain(m *testing.M) { nettest.Main(m, "/var/lib") }

func word(s string) *string { return &s }

func addr(s string) *netip.Addr { return resource.Ptr(netip.MustParseAddr(s)) }

func nets(all ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range all {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func span(s string) *resource.Duration {
	d, err := resource.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return &d
}

const (
	theirs = "uHBbTsJVqdBOjfYJYpvS3zBaXvzDzmUyBS+sNZ6JU0M="
	others = "GtL7fZc/bLnqZldpVofMCD6hDjrK28SsdLxevJ+qtKU="
)

// seed is the block of the contract with users.
func seed() *WireGuard {
	return &WireGuard{
		Listen: resource.Ptr(51820), Addresses: nets("10.20.0.1/24"), Remote: word("vpn.example.com"),
		Peers: []Peer{
			{Name: "alice", Address: addr("10.20.0.2")},
			{Name: "branch", PublicKey: word(theirs), Endpoint: word("203.0.113.7:51820"), Networks: nets("10.9.1.0/24"), Keepalive: span("25s")},
		},
	}
}

// all uses every attribute.
func all() *WireGuard {
	yes, no := true, false
	return &WireGuard{
		Listen: resource.Ptr(443), Addresses: nets("10.20.0.1/24", "fd00:20::1/64"), Remote: word("[2001:db8::1]:4443"),
		Reach: nets("0.0.0.0/0", "::/0", "192.168.40.0/24"), DNS: []netip.Addr{*addr("10.20.0.1"), *addr("fd00:20::1")}, Search: []string{"corp.example.com"},
		MTU: resource.Ptr(1380), Keepalive: span("0s"), PSK: &no, Key: word("/etc/wireguard/wg0.key"), Mark: resource.Ptr(51820), Backend: word("wireguard-go"),
		Between: &no, Routes: &yes, Guard: &yes, Firewall: &yes, Profiles: word("/srv/profiles"), Tools: &yes,
		Peers: []Peer{
			{Name: "alice", Address: addr("10.20.0.2"), Address6: addr("fd00:20::2"), PSK: &yes, Keepalive: span("15s")},
			{Name: "bob", Address: addr("10.20.0.3"), Disabled: &yes, Networks: nets("10.7.0.0/16")},
			{Name: "carol", Address: addr("10.20.0.4"), Revoked: &yes},
			{Name: "dave", Address: addr("10.20.0.5"), PublicKey: word(others)},
			{Name: "branch", PublicKey: word(theirs), PSKFile: word("/etc/acme/branch.psk"), Endpoint: word("[2001:db8::7]:51820"), Networks: nets("10.9.1.0/24", "fd00:9::/64")},
		},
	}
}

func expand(t *testing.T, w *WireGuard) []resource.Resource {
	t.Helper()
	resources, err := w.Expand("wg0")
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

func TestWireGuardBecomesWhatTheHostTakes(t *testing.T) {
	nettest.Need(t)
	for name, w := range map[string]*WireGuard{
		"seed.txt": seed(),
		"all.txt":  all(),
		"least.txt": {
			Addresses: nets("10.20.0.2/24"), Routes: resource.Ptr(false), Guard: resource.Ptr(false), Firewall: resource.Ptr(false), Profiles: word("false"),
			Peers: []Peer{{Name: "hub", PublicKey: word(theirs), Endpoint: word("vpn.example.com:51820"), Networks: nets("0.0.0.0/0")}},
		},
	} {
		if found := w.Validate("wg0"); len(found) > 0 {
			t.Errorf("%s: %s", name, vpntest.Mistakes(found))
		}
		resources := expand(t, w)
		vpntest.Golden(t, name, vpntest.Print(resources))
		vpntest.Restore(t, resources)
		for _, r := range resources {
			if v, ok := r.Want.(resource.Validator); ok {
				if found := v.Validate(r.ID.Name); len(found) > 0 {
					t.Errorf("%s: %s: %s", name, r.ID, vpntest.Mistakes(found))
				}
			}
		}
	}
}

func TestDefaultsInTheDocumentationAreThoseUsed(t *testing.T) {
	spelled := seed()
	spelled.Keepalive, spelled.PSK, spelled.Backend = span("25s"), resource.Ptr(true), word("auto")
	spelled.Between, spelled.Routes, spelled.Guard, spelled.Firewall = resource.Ptr(true), resource.Ptr(true), resource.Ptr(true), resource.Ptr(true)
	spelled.Profiles, spelled.Tools = word("/var/lib/vpnd/profiles/wg0"), resource.Ptr(false)
	left := seed()
	left.Listen, left.Peers[1].Keepalive = nil, nil
	a, b := expand(t, left), expand(t, spelled)
	if a, b := vpntest.Print(a), vpntest.Print(b); a != b {
		t.Errorf("left out:\n%s\nspelled out:\n%s", a, b)
	}
}

// Forwarding waits for the rules, and so does the interface.
func TestNothingPassesBeforeTheRules(t *testing.T) {
	resources := expand(t, all())
	for _, r := range resources {
		if r.ID.Kind != "sysctl" && r.ID.Kind != kind.Kind {
			continue
		}
		for _, c := range resources {
			if _, is := c.Want.(*chain.Chain); is && !slices.Contains(r.After, c.ID) && (r.ID.Kind == kind.Kind || strings.HasPrefix(c.ID.Name, "ip/") == strings.Contains(r.ID.Name, "ipv4")) {
				t.Errorf("%s does not wait for %s", r.ID, c.ID)
			}
		}
	}
}

// Who is shut out is not in the interface, and the key of who is revoked is known
// there; a profile is left to who may come back.
func TestWhoIsShutOut(t *testing.T) {
	var names, profiles []string
	for _, r := range expand(t, all()) {
		switch want := r.Want.(type) {
		case *kind.Interface:
			for _, p := range want.Peers {
				names = append(names, p.Name)
			}
			if !slices.Equal(want.Revoked, []string{"/var/lib/vpnd/wireguard/wg0/peers/carol.key.pub"}) {
				t.Errorf("revoked: %q", want.Revoked)
			}
		case *pki.AssembledFile:
			profiles = append(profiles, *want.Holder)
		}
	}
	if !slices.Equal(names, []string{"alice", "dave", "branch"}) || !slices.Equal(profiles, []string{"alice", "bob", "dave", "branch"}) {
		t.Errorf("let in: %q, profiles of %q", names, profiles)
	}
}

// What was behind a site that is shut out, for the time being or for good, does not
// leave in clear.
func TestBehindWhoIsShutOutStaysClosed(t *testing.T) {
	for _, shut := range []func(*Peer){func(p *Peer) { p.Disabled = resource.Ptr(true) }, func(p *Peer) { p.Revoked = resource.Ptr(true) }} {
		w := seed()
		shut(&w.Peers[slices.IndexFunc(w.Peers, func(p Peer) bool { return len(p.Networks) > 0 })])
		e := &expansion{settings: settings{w, "wg0"}}
		const drop = "-d 10.9.1.0/24 ! -o wg0 -j DROP"
		if kept, guarded := e.kept(false), e.guarded(false); !slices.Contains(kept, drop) || !slices.Contains(guarded, drop) {
			t.Errorf("of this host %q, through it %q", kept, guarded)
		}
	}
}

// A change that voids profiles names their holders, and one that does not, nobody.
func TestWhatVoidsAProfile(t *testing.T) {
	terms := func(w *WireGuard) map[string]string {
		return (&expansion{settings: settings{w, "wg0"}}).terms(w.Peers[0])
	}
	before := terms(seed())
	for what, change := range map[string]func(*WireGuard){
		"remote":     func(w *WireGuard) { w.Listen = resource.Ptr(443) },
		"server key": func(w *WireGuard) { w.Key = word("/etc/wg.key") },
		"shared key": func(w *WireGuard) { w.PSK = resource.Ptr(false) },
		"address":    func(w *WireGuard) { w.Peers[0].Address = addr("10.20.0.9") },
		"networks":   func(w *WireGuard) { w.Reach = nets("192.168.40.0/24") },
		"":           func(w *WireGuard) { w.DNS, w.MTU = []netip.Addr{*addr("10.20.0.1")}, resource.Ptr(1300) },
	} {
		w := seed()
		change(w)
		after := terms(w)
		var differ []string
		for term := range after {
			if after[term] != before[term] {
				differ = append(differ, term)
			}
		}
		if strings.Join(differ, " ") != what {
			t.Errorf("of %q these differ: %q", what, differ)
		}
	}
}

// Forwarding is switched on for a family of which something is passed on.
func TestWhatIsForwarded(t *testing.T) {
	for _, c := range []struct {
		addresses, reach, behind string
		between                  bool
		four, six                bool
	}{
		{"10.20.0.1/24 fd00:20::1/64", "", "", false, false, false},
		{"10.20.0.1/24 fd00:20::1/64", "", "", true, true, true},
		{"fd00:20::1/64", "", "10.9.1.0/24", false, true, false},
		{"10.20.0.1/24", "::/0", "", true, true, false},
		{"10.20.0.1/24 fd00:20::1/64", "10.1.0.0/16", "", false, true, false},
		{"fd00:20::1/64", "fd00:1::/64", "", false, false, true},
	} {
		w := &WireGuard{
			Addresses: nets(strings.Fields(c.addresses)...), Reach: nets(strings.Fields(c.reach)...), Between: &c.between,
			Peers: []Peer{{Name: "a", PublicKey: word(theirs), Networks: nets(strings.Fields(c.behind)...)}, {Name: "b"}},
		}
		if four, six := w.Forwards(false), w.Forwards(true); four != c.four || six != c.six {
			t.Errorf("%+v: IPv4 %v, IPv6 %v", c, four, six)
		}
	}
}

func TestKeysOfOthersAreKept(t *testing.T) {
	dir := t.TempDir()
	w := all()
	w.Key, w.Peers[0].PSKFile = word(dir+"/own.key"), word(dir+"/psk")
	told := func() (places []string) {
		e := expansion{settings: settings{w, "wg0"}}
		for _, r := range e.requirements() {
			if !strings.HasSuffix(r.Path, "key") && !strings.HasSuffix(r.Path, "psk_file") {
				continue
			}
			if m := r.Met(t.Context(), resource.Prospect{}); m != nil && m.Warning {
				places = append(places, r.Path)
			}
		}
		return places
	}
	if is := told(); len(is) > 0 {
		t.Errorf("what is not there is open: %q", is)
	}
	for mode, want := range map[os.FileMode]string{0o600: "", 0o640: "private_key peer." + w.Peers[0].Name + ".psk_file"} {
		for _, file := range []string{*w.Key, *w.Peers[0].PSKFile} {
			if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chmod(file, mode)); err != nil {
				t.Fatal(err)
			}
		}
		if is := strings.Join(told(), " "); is != want {
			t.Errorf("open with mode %s: %q", mode, is)
		}
	}
}

func TestOtherBlocksAreTold(t *testing.T) {
	e := all().Exports("wg0").(*Exports)
	if e.Network != nets("10.20.0.0/24")[0] || *e.Network6 != nets("fd00:20::/64")[0] || e.Tunnel != "wireguard_interface.wg0" || e.Port != 443 ||
		!slices.Equal(e.Remote, nets("10.9.1.0/24", "fd00:9::/64")) || e.Profiles != "/srv/profiles" {
		t.Errorf("%+v", e)
	}
	var claims []string
	for _, c := range seed().Claims("wg0") {
		claims = append(claims, c.Sort+" "+c.Value)
	}
	if got := strings.Join(claims, ", "); got != "listener udp/51820, device wg0, network 10.20.0.0/24, network 10.9.1.0/24" {
		t.Error(got)
	}
	if in := all().Enrolled(); in.With != "address" || in.Value != "10.20.0.6" || len(in.People) != 3 || !in.People["alice"] || in.People["carol"] {
		t.Errorf("%+v", in)
	}
}

// What the host has elsewhere, as every host has its loopback interface, is told before
// anything is touched: a network that would lead past it, and an interface whose packets
// the rules would drop.
func TestWhatTheHostHasElsewhere(t *testing.T) {
	w := &WireGuard{Addresses: nets("127.9.0.1/24"), Peers: []Peer{{Name: "branch", PublicKey: word("x"), Networks: nets("127.10.0.0/16")}}}
	for name, want := range map[string][]string{
		"wg0": {"wireguard_interface addresses: the network of lo", "wireguard_interface peer.branch.networks: the network of lo"},
		"lo":  {"chain : there is an interface lo already"},
	} {
		all, err := w.Expand(name)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, r := range all {
			for _, need := range r.Requires {
				m := need.Met(t.Context(), resource.Prospect{})
				if m != nil && elsewhere.MatchString(m.Summary) {
					told = append(told, fmt.Sprintf("%s %s: %s", r.ID.Kind, need.Path, elsewhere.FindString(m.Summary)))
				}
			}
		}
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %q", name, told)
		}
	}
}

var elsewhere = regexp.MustCompile(`the network of lo|there is an interface lo already`)

// The largest packet inside has to fit through the uplink with the headers around it.
func TestPacketsThatDoNotFitThroughTheUplink(t *testing.T) {
	nettest.Fresh(t)
	for _, line := range []string{"link add up0 mtu 1400 type veth peer name up1", "addr add 192.0.2.1/24 dev up0", "link set up0 up", "link set up1 up", "route add default via 192.0.2.9"} {
		nettest.Run(t, "", "ip "+line)
	}
	for mtu, want := range map[int]string{0: "packets of 1420 bytes do not fit through up0", 1380: "packets of 1380 bytes", 1300: ""} {
		w := seed()
		if mtu > 0 {
			w.MTU = &mtu
		}
		all, err := w.Expand("wg0")
		if err != nil {
			t.Fatal(err)
		}
		needs := all[slices.IndexFunc(all, func(r resource.Resource) bool { return r.ID.Kind == kind.Kind })].Requires
		m := needs[len(needs)-1].Met(t.Context(), resource.Prospect{})
		if (m == nil) != (want == "") || m != nil && !strings.HasPrefix(m.Summary, want) {
			t.Errorf("mtu %d: %v", mtu, m.Err())
		}
	}
}

func TestEveryMistakeIsNamed(t *testing.T) {
	wrong := &WireGuard{
		Addresses: nets("10.20.0.0/24", "169.254.0.1/16", "10.20.0.9/24", "fd00:20::1/64"), Listen: resource.Ptr(0), Remote: word("vpn.example.com\nPostUp = id"), Mark: resource.Ptr(-1),
		Reach: nets("10.9.1.1/16", "0.0.0.0/0"), DNS: []netip.Addr{*addr("127.0.0.1")}, Search: []string{"a b"}, MTU: resource.Ptr(1000), Keepalive: span("90d"),
		Backend: word("boringtun"), Key: word("wg.key"), Profiles: word("/srv/../etc"),
		Peers: []Peer{
			{Name: "a b"},
			{Name: "../etc/passwd\n"},
			{Name: "of-seventeen-bytes"},
			{Name: "nobody"},
			{Name: "nowhere", PublicKey: word(theirs)},
			{Name: "malformed", PublicKey: word(theirs[:40]), Networks: nets("10.1.0.0/24")},
			{Name: "twice", PublicKey: word(theirs), Networks: nets("10.1.0.0/16", "10.1.7.0/24")},
			{Name: "zero", PublicKey: word("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Networks: nets("10.9.1.0/24")},
			{Name: "everything", PublicKey: word(others), Networks: nets("0.0.0.0/0")},
			{Name: "inside", Address: addr("10.20.0.2"), Networks: nets("10.20.0.128/25")},
			{Name: "taken", Address: addr("10.20.0.2"), PSK: resource.Ptr(true), PSKFile: word("psk")},
			{Name: "ours", Address: addr("10.20.0.9")},
			{Name: "outside", Address: addr("10.21.0.2"), Address6: addr("10.20.0.3")},
			{Name: "whole", Address: addr("10.20.0.255")},
			{Name: "nowhere", Address: addr("10.20.0.7"), Endpoint: word("vpn.example.com"), Keepalive: span("90000s")},
			{Name: "loop", Address: addr("10.20.0.8"), Endpoint: word("10.8.0.1:51820"), Networks: nets("10.8.0.0/24")},
			{Name: "injected", Address: addr("10.20.0.10"), Endpoint: word("a\n[Peer]:1")},
		},
	}
	got := vpntest.Mistakes(wrong.Validate("wg0/../x")) + vpntest.Mistakes((&WireGuard{Peers: []Peer{{Name: "a", Address: addr("10.0.0.1")}}}).Validate("wg0"))
	vpntest.Golden(t, "mistakes.txt", got)
}

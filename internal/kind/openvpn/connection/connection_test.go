package connection

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/openvpn"
	"vpnd/internal/nettest"
	"vpnd/internal/resource"
)

func TestMain(m *testing.M) { nettest.Main(m, "/etc/openvpn", "/run") }

func wish() *Connection {
	return &Connection{Dev: resource.Ptr("tun-hq"), Peers: []string{"udp/vpn.example.com:1194"}, Routes: []netip.Prefix{netip.MustParsePrefix("10.77.0.0/16"), netip.MustParsePrefix("fd00:77::/64")}}
}

func nets(all ...string) (nets []netip.Prefix) {
	for _, text := range all {
		nets = append(nets, netip.MustParsePrefix(text))
	}
	return nets
}

// Of what a server gives with an address nothing is led away that is not the VPN's.
func TestAstray(t *testing.T) {
	for _, c := range []struct{ given, accept, why string }{
		{"10.8.0.0/24", "", ""},
		{"172.31.255.0/24", "", ""},
		{"100.64.0.0/10", "", ""},
		{"fd00:8::/64", "", ""},
		{"10.0.0.0/7", "", "accept_addresses"},
		{"0.0.0.0/0", "", "accept_addresses"},
		{"198.51.100.0/24", "", "accept_addresses"},
		{"2001:db8::/64", "", "accept_addresses"},
		{"198.51.100.0/24", "198.51.0.0/16", ""},
		{"198.0.0.0/8", "198.51.0.0/16", "accept_addresses"},
		{"10.8.0.0/24", "198.51.0.0/16", "accept_addresses"},
		{"192.168.0.0/16", "", "overlaps with 192.168.1.0/24, the network of eth0"},
		{"192.168.1.1/32", "", "overlaps with 192.168.1.0/24, the network of eth0"},
	} {
		d := device{networks: nets("fe80::/64", c.given), others: map[string][]netip.Prefix{"eth0": nets("192.168.1.0/24", "fe80::/64")}}
		if got := d.astray(nets(strings.Fields(c.accept)...)); !strings.Contains(got, c.why) || (got == "") != (c.why == "") {
			t.Errorf("%s, of %q: %q", c.given, c.accept, got)
		}
	}
}

// well is a client that is connected.
func well() scene {
	local := netip.MustParseAddr("10.8.0.2")
	return scene{
		state: "active", stands: &openvpn.Standing{State: connected, Local: []netip.Addr{local}, Peer: "192.0.2.1:1194"},
		device: device{there: true, up: true, addresses: []netip.Addr{local}, routes: append(wish().Routes, netip.MustParsePrefix("10.8.0.0/24")), networks: nets("10.8.0.0/24", "fe80::/64"), others: map[string][]netip.Prefix{"eth0": nets("192.168.1.0/24")}},
	}
}

// A client is up where all of it is, and what only looks so is found.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		what             string
		spoil            func(*scene)
		connected, stale bool
		why, lacking     string
	}{
		{"it is well", func(*scene) {}, true, false, "", ""},
		{"stopped", func(s *scene) { s.state, s.stands = "inactive", nil }, false, true, "its unit does not run", ""},
		{"failed", func(s *scene) { s.state, s.stands = "failed", nil }, false, true, "its unit does not run", ""},
		{"on its way out", func(s *scene) { s.state = "deactivating" }, false, false, "is being stopped", ""},
		{"started again", func(s *scene) { s.state, s.stands, s.deaf = "activating", nil, true }, false, false, "", ""},
		{"deaf", func(s *scene) { s.stands, s.deaf = nil, true }, false, true, "nobody listens at its management socket", ""},
		{"frozen", func(s *scene) { s.stands, s.hangs = nil, true }, false, true, "hangs", ""},
		{"looking a name up", func(s *scene) { s.stands, s.busy = nil, true }, false, false, "", ""},
		{"dialling", func(s *scene) { s.stands.State = "WAIT" }, false, false, "", ""},
		{"dialling with what it was told before", func(s *scene) { s.stands.State, s.old = "WAIT", true }, false, true, "", ""},
		{"well with what it was told before", func(s *scene) { s.old = true }, true, false, "", ""},
		{"its interface is gone", func(s *scene) { s.device = device{} }, false, true, "its interface tun-hq is gone", ""},
		{"its interface is off", func(s *scene) { s.device.up = false }, false, true, "its interface tun-hq is switched off", ""},
		{"its address is gone", func(s *scene) { s.device.addresses = nil }, false, true, "its address 10.8.0.2 is gone from tun-hq", ""},
		{"it has no address", func(s *scene) { s.stands.Local = nil }, false, false, "gave it no address", ""},
		{"its address is of elsewhere", func(s *scene) { s.device.networks = nets("192.168.1.0/25") }, false, false, "the network of eth0", ""},
		{"a route is gone", func(s *scene) { s.device.routes = s.device.routes[1:] }, false, false, "there is no route to 10.77.0.0/16 through tun-hq", "[10.77.0.0/16]"},
	} {
		s := well()
		c.spoil(&s)
		f := judge(wish(), s)
		lacking := ""
		if f.lacking != nil {
			lacking = fmt.Sprint(f.lacking)
		}
		if f.connected != c.connected || f.stale != c.stale || !strings.Contains(f.why, c.why) || (c.why == "") != (f.why == "") || lacking != c.lacking {
			t.Errorf("%s: %+v", c.what, f)
		}
	}
}

// What stands on the host tells what to look at where nobody has a wish.
func TestRead(t *testing.T) {
	c := read("# Made by vpnd\nclient\ndev tun-hq\n<connection>\nremote vpn.example.com 443 tcp\n</connection>\nremote 2001:db8::1\n" +
		"route 10.77.0.0 255.255.0.0\nroute 10.1.2.3 255.255.255.255 net_gateway\nroute-ipv6 fd00:77::/64\ncert \"/etc/a b\"\ntls-crypt /k\nauth-user-pass /l\nbad 'quote\n")
	if got := fmt.Sprintln(*c.Dev, c.Peers, c.Routes, *c.Certificate, *c.Shield, *c.Login); got != "tun-hq [tcp/vpn.example.com:443 udp/[2001:db8::1]:1194] [10.77.0.0/16 fd00:77::/64] /etc/a b tls-crypt true\n" {
		t.Error(got)
	}
}

// Whoever does not answer and serves nobody hangs; one that serves somebody else does not.
func TestWhoIsServed(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	waiting, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if served(socket) {
		t.Error("somebody waits, and counts as served")
	}
	taken, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if !served(socket) {
		t.Error("somebody is served, and it counts as hanging")
	}
}

// idle is a systemd whose units have failed.
type idle struct{ Manager }

func (idle) ActiveState(context.Context, string) (string, error) { return "failed", nil }
func (idle) RestartUnit(context.Context, string) error           { return fmt.Errorf("no such thing") }

func (idle) StopUnit(context.Context, string) error { return fmt.Errorf("no such thing") }
func (idle) Close()                                 {}

func TestOneThatDoesNotRun(t *testing.T) {
	nettest.Need(t)
	if err := os.MkdirAll(Root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Place("hq").Config(), []byte("client\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := Verbs{Connect: func(context.Context) (Manager, error) { return idle{}, nil }}
	seen, err := v.Observe(t.Context(), map[string]*Connection{"hq": wish()})
	if err != nil {
		t.Fatal(err)
	}
	s := seen["hq"].Tunnels()[0]
	if s.Up || s.Attached || s.Why != "its unit does not run" || s.Peer != "udp/vpn.example.com:1194" || len(s.Remote) != 2 {
		t.Errorf("%+v", s)
	}
	for _, names := range []map[string]*Connection{{"none": nil}, {"none": wish()}} {
		if seen, err := v.Observe(t.Context(), names); err != nil || len(seen) > 0 {
			t.Errorf("%v: %v, %v", names, seen, err)
		}
	}
	if err := v.Apply(t.Context(), []resource.Item[Connection]{{Name: "hq", Want: *wish()}}); err == nil || !strings.Contains(err.Error(), "restarting openvpn-client@hq.service: no such thing") {
		t.Error(err)
	}
}

func TestMistakes(t *testing.T) {
	for name, dev := range map[string]string{"a/b": "tun0", "": "tun0", "hq": "a b"} {
		if found := (&Connection{Dev: &dev}).Validate(name); len(found) != 1 {
			t.Errorf("%q, %q: %v", name, dev, found)
		}
	}
}

package system

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/lab/office"
)

// A dialIn is a host that dials in and the server that it dials, each with a network
// behind it, in a network namespace of its own.
type dialIn struct {
	scene
	server scene
}

// lan makes a network behind a host, with somebody in it.
const lan = `ip netns add lan; ip link add lan0 type veth peer name eth0 netns lan; ip addr add %[1]s/24 dev lan0; ip link set lan0 up
ip -n lan addr add %[2]s/24 dev eth0; ip -n lan link set eth0 up; ip -n lan link set lo up; ip -n lan route add default via %[1]s`

func dialsIn(t *testing.T, release string) dialIn {
	t.Helper()
	l := labtest.For(t, 2, release, newer[release]...)
	o, err := office.Alone(t.Context(), l, vpnd)
	if err != nil {
		t.Fatal(err)
	}
	h := labtest.Host(t, l, "hq")
	d := dialIn{scene{o, t}, scene{&office.Office{Gateway: h}, t}}
	d.ok(l.Join("internet", h, "eth0", netip.MustParsePrefix(bastion+"/24")))
	d.ok(h.Copy(t.Context(), vpnd, "/usr/sbin/vpnd"))
	d.sh(fmt.Sprintf(lan, "192.168.44.1", "192.168.44.9"))
	d.server.sh(fmt.Sprintf(lan, "10.77.0.1", "10.77.0.9"))
	return d
}

func (d dialIn) in(t *testing.T) dialIn { return dialIn{d.scene.in(t), d.server.in(t)} }

// offices is the server. It pushes more than a host that dials in should take.
func (d dialIn) offices(pki, server string) string {
	return fmt.Sprintf(`
sysctl "net.ipv4.ip_forward" { value = "1" }
pki "office" {
  subject { common_name = "Office CA" }
  server "vpn" {}
  %s
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "%s"
  keepalive {
    ping    = "1s"
    restart = "10s"
  }
  push {
    routes           = ["10.77.0.0/24", "198.51.100.0/24"]
    dns              = ["10.77.0.53"]
    redirect_gateway = true
    options          = ["\"route\" 9.9.9.0 255.255.255.0", "setenv opt route 9.9.10.0 255.255.255.0", "route-ipv6 2001:db8:9::/48", "route-gateway 10.8.0.1"]
  }
  client "tpham" { routes = ["192.168.44.0/24"] }
  %s
}
`, pki, bastion, server)
}

// handed puts the profile of a person on the host that dials in.
func (d dialIn) handed(name string) {
	d.t.Helper()
	profile, err := d.server.Gateway.ReadFile("/var/lib/vpnd/profiles/office/" + name + ".ovpn")
	d.ok(err)
	d.ok(d.Gateway.WriteFile(d.t.Context(), "/etc/vpnd/hq.ovpn", profile, 0o600))
}

// here is the host that dials in.
const here = `
openvpn_client "hq" {
  profile  = "/etc/vpnd/hq.ovpn"
  networks = ["192.168.44.0/24"]
  keepalive {
    ping    = "1s"
    restart = "4s"
  }
}
check "hq" { tunnel = openvpn_client.hq }
`

// talks wants somebody in each network to reach somebody in the other.
func (d dialIn) talks(what string) {
	d.t.Helper()
	for _, way := range []struct {
		from scene
		to   string
	}{{d.scene, "10.77.0.9"}, {d.server, "192.168.44.9"}} {
		way.from.within(time.Minute, what+": "+way.to+" answers", "ip netns exec lan ping -c1 -W2 "+way.to)
	}
}

// TestDialIn has a host dial in whatever happens to it and to its server, take no more
// than it shall of what that pushes, and go without a trace.
func TestDialIn(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		d := dialsIn(t, release)
		mine, theirs := d.print(), d.server.print()
		d.server.configure(d.offices(`client "tpham" {}`, ""))
		d.server.apply()
		d.sh("mkdir -p /etc/vpnd")
		d.handed("tpham")
		d.configure(here)
		d.names(d.vpnd(0, "plan"), "openvpn_client.hq")
		d.apply()
		d.talks("at first")
		d.names(d.sh("vpnd status || true"), "hq: up", bastion)
		d.lacks(d.sh("ip route; cat /etc/resolv.conf"), "128.0.0.0/1", "default", "198.51.100", "10.77.0.53", "9.9.9", "9.9.10")

		d.scene.agent()
		if release == lab.Trixie { // by either the agent sees the same, and it takes long
			t.Run("drift", func(t *testing.T) { d.in(t).kept() })
		}
		t.Run("server cut", func(t *testing.T) { d.in(t).cut() })
		t.Run("profile changed", func(t *testing.T) { d.in(t).moved() })
		t.Run("password", func(t *testing.T) { d.in(t).asked() })
		t.Run("by attributes", func(t *testing.T) { d.in(t).attributes() })
		t.Run("revoked", func(t *testing.T) { d.in(t).revoked() })
		d.scene.agentRemoved()

		d.sh("rm -rf /etc/vpnd/*.ovpn /etc/vpnd/hq")
		d.vpnd(0, "destroy", "--yes")
		d.server.vpnd(0, "destroy", "--yes")
		for was, is := range map[string]string{mine: d.print(), theirs: d.server.print()} {
			if is != was {
				t.Errorf("after destroying a host is not as it was:\n%s", office.Diff(was, is))
			}
		}
	})
}

// kept has the agent keep the client whatever is done to it, and name what that was. It
// begins anew each time, since what one of these does looks like the work of another
// program that does it again and again.
func (d dialIn) kept() {
	for what, one := range map[string][2]string{
		"its unit stopped":         {"systemctl stop openvpn-client@hq", "openvpn_connection.hq"},
		"its unit killed":          {"systemctl kill -s KILL openvpn-client@hq", ""},
		"its process frozen":       {"systemctl kill -s STOP openvpn-client@hq", "its process hangs"},
		"its unit disabled":        {"systemctl disable --now -q openvpn-client@hq", "openvpn-client@hq.service"},
		"its configuration edited": {"echo 'remote 203.0.113.99' > /etc/openvpn/client/hq.conf; systemctl restart openvpn-client@hq || true", "/etc/openvpn/client/hq.conf"},
		"its key gone":             {"rm /etc/openvpn/client/hq/client.key; systemctl restart openvpn-client@hq || true", "/etc/openvpn/client/hq/client.key"},
		"its interface gone":       {"ip link del tun-hq", ""}, // which OpenVPN may notice sooner
		"its address gone":         {"ip addr flush dev tun-hq", "its address 10.8.0."},
		"its interface off":        {"ip link set tun-hq down", "its interface tun-hq is switched off"},
	} {
		d.scene.agentAnew()
		begun, since := time.Now(), d.sh("date +%s")
		d.scene.against(one[0])
		d.scene.within(time.Minute, what+": it is named", "journalctl -u vpnd -o cat --since @"+since+" | grep -qF '"+one[1]+"'")
		d.scene.within(time.Minute, what+": it is back", "ip netns exec lan ping -c1 -W1 10.77.0.9 && vpnd drift")
		d.t.Logf("%s: back after %s", what, time.Since(begun).Round(10*time.Millisecond))
	}
}

// cut has the server go and come back, twice: its process, and its power.
func (d dialIn) cut() {
	for _, way := range []struct {
		what, why string
		off, on   func()
	}{
		{"its process ends", "refuses connections", func() { d.server.run("systemctl", "stop", "openvpn-server@office") }, func() { d.server.run("systemctl", "start", "openvpn-server@office") }},
		{"its network goes", "silent now", func() { d.server.run("ip", "link", "set", "eth0", "down") }, func() { d.server.run("ip", "link", "set", "eth0", "up") }},
	} {
		way.off()
		d.scene.within(2*time.Minute, way.what+": the status says why", "vpnd status | tr -s ' \n' ' ' | grep -F 'hq: down' | grep -F '"+way.why+"'")
		way.on()
		begun := time.Now()
		d.talks(way.what + ", and is back")
		d.t.Logf("%s: back after %s", way.what, time.Since(begun).Round(10*time.Millisecond))
	}
}

// moved has the server listen elsewhere, with a new key for who dials in: the new profile
// is all that it takes.
func (d dialIn) moved() {
	d.server.configure(d.offices(`client "tpham" {}`, `listen = ["tcp/4443"]`))
	d.server.apply()
	d.server.vpnd(0, "pki", "rekey", "tpham", "--yes")
	d.server.vpnd(0, "apply", "--yes")
	d.handed("tpham")
	d.names(d.vpnd(0, "plan"), "+remote "+bastion+" 4443 tcp", "client.key", "re-establishes one tunnel")
	d.apply()
	d.talks("by the new profile")
	d.names(d.sh("vpnd status || true"), "hq: up", bastion+":4443")
}

// asked has the server want a password besides.
func (d dialIn) asked() {
	d.ok(d.server.Gateway.WriteFile(d.t.Context(), "/usr/local/sbin/knows", []byte("#!/bin/sh\ntest \"$(sed -n 2p \"$1\")\" = right\n"), 0o755))
	d.server.configure(d.offices(`client "tpham" {}`, `listen = ["tcp/4443"]
  auth { command = ["/usr/local/sbin/knows"] }`))
	d.server.apply()
	d.handed("tpham")
	d.names(d.vpnd(1, "plan"), "hq.ovpn:", "the server wants a name and a password, and nobody is there to type them")
	d.configure(strings.Replace(here, "profile  =", "username = \"tpham\"\n  password = trimspace(sensitive(file(\"/etc/vpnd/password\")))\n  profile  =", 1))
	d.sh("umask 077; echo wrong > /etc/vpnd/password")
	d.names(d.vpnd(1, "apply", "--yes"), "refuses the name or the password")
	d.sh("echo right > /etc/vpnd/password")
	d.lacks(d.apply(), "right\n")
	d.talks("by its password")
	d.sh("test $(stat -c %a /etc/openvpn/client/hq/login) = 600; rm /etc/vpnd/password")

	d.server.configure(d.offices(`client "tpham" {}`, `listen = ["tcp/4443"]`))
	d.server.apply()
	d.server.sh("rm /usr/local/sbin/knows")
	d.handed("tpham")
}

// attributes has the same said without a profile.
func (d dialIn) attributes() {
	d.sh(`mkdir -p /etc/vpnd/hq; chmod 700 /etc/vpnd/hq; cd /etc/vpnd/hq; umask 077
for tag in ca cert key tls-crypt-v2; do sed -n "/^<$tag>/,/^<\/$tag>/p" ../hq.ovpn | sed '1d;$d' > $tag; done`)
	d.configure(`
openvpn_client "hq" {
  remotes          = ["udp/` + bastion + `:4443", "tcp/` + bastion + `:4443"]
  ca               = "hq/ca"
  cert             = "hq/cert"
  key              = "hq/key"
  tls_crypt_v2     = "hq/tls-crypt-v2"
  verify_x509_name = "vpn"
  accept_routes    = []
  routes           = ["10.77.0.0/24"]
  networks         = ["192.168.44.0/24"]
  keepalive {
    ping    = "1s"
    restart = "4s"
  }
}
check "hq" { tunnel = openvpn_client.hq }
`)
	d.apply()
	d.talks("by attributes, and by the second remote")
	d.sh("ip route del 10.77.0.0/24")
	d.scene.within(time.Minute, "the route is back", "ip route show 10.77.0.0/24 | grep -q tun-hq && vpnd drift")
	d.names(d.sh("journalctl -u vpnd -o cat"), "there is no route to 10.77.0.0/24 through tun-hq")
}

// revoked has the server shut it out.
func (d dialIn) revoked() {
	d.server.configure(d.offices(`client "tpham" { revoked = true }`, `listen = ["tcp/4443"]`))
	d.server.apply()
	d.scene.within(2*time.Minute, "the status says why", "vpnd status | tr -s ' \n' ' ' | grep -F 'hq: down' | grep -F 'does not take our certificate'")
	d.names(d.sh("vpnd status || true"), "revoked", "/etc/openvpn/client/hq/client.crt")
	out := d.vpnd(1, "apply", "--yes")
	d.names(out, "does not take our certificate")
}

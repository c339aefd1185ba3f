package system

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

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
	l := labtest.Of(t, release)
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
		d.lacks(d.sh("ip route; cat /etc/resolv.conf"), "128.0.0.0/1", "default", "198.51.100", "10.77.0.53")

		d.vpnd(0, "destroy", "--yes")
		d.server.vpnd(0, "destroy", "--yes")
		for was, is := range map[string]string{mine: d.print(), theirs: d.server.print()} {
			if is != was {
				t.Errorf("after destroying a host is not as it was:\n%s", office.Diff(was, is))
			}
		}
	})
}

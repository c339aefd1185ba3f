package system

import (
	"fmt"
	"strings"
	"testing"

	"vpnd/internal/lab/labtest"
)

// TestSiteToSite joins the private networks of two sites by ipsec_tunnel blocks: behind
// each gateway is a PC, and beside the tunnel one that translates addresses. Nothing
// passes in clear, the tunnel up or down; people of an OpenVPN server reach the other
// site; certificates take the place of the secret; and destroy gives all back.
func TestSiteToSite(t *testing.T) {
	t.Parallel()
	labtest.OnEach(t, func(t *testing.T, release string) {
		east, west := twoSites(t, release)
		both(east, west, func(s site) { s.furnish() })
		first := map[int]string{east.n: east.print(), west.n: west.print()}

		both(east, west, func(s site) { s.configure(s.tunnel(bySecret) + s.nat()); s.apply() })
		east.pings(pc(west))
		west.pings(pc(east))
		east.translatesNothing(west)
		east.losesNothing(west)
		east.isReachedByPeople(west)
		byCertificate(east, west)

		both(east, west, func(s site) {
			s.vpnd(0, "destroy", "--yes")
			s.as(first[s.n], "destroying")
		})
	})
}

// furnish puts a PC behind the gateway, 10.N.3.2, and leads what is for elsewhere to
// the other site: what leaves in clear arrives there, and is counted.
func (s site) furnish() {
	s.t.Helper()
	s.sh(fmt.Sprintf(`ip netns add pc && ip link add lan3 type veth peer name eth0 netns pc
ip addr add 10.%[1]d.3.1/24 dev lan3 && ip link set lan3 up
ip -n pc addr add 10.%[1]d.3.2/24 dev eth0 && ip -n pc link set eth0 up && ip -n pc link set lo up && ip -n pc route add default via 10.%[1]d.3.1
ip route add default via 203.0.113.%[2]d
iptables -t raw -A PREROUTING -i eth0 -s 10.0.0.0/8 -m comment --comment clear
iptables -t raw -A PREROUTING -i eth0 -s 203.0.113.%[2]d -d 10.0.0.0/8 -m comment --comment translated`, s.n, s.other()))
}

func pc(s site) string { return fmt.Sprintf("10.%d.3.2", s.n) }

// bySecret is how a tunnel proves who it is where both sites have a secret.
const bySecret = `psk = sensitive("the secret of two sites, east and west")`

// tunnel is the block of this side.
func (s site) tunnel(proof string, more ...string) string {
	network := func(n int) string { return fmt.Sprintf(`"10.%d.3.0/24"`, n) }
	locals, remotes := network(s.n), network(s.other())
	if len(more) > 0 && s.n == 1 {
		locals += ", openvpn_server.office.network"
	} else if len(more) > 0 {
		remotes += ", " + more[0]
	}
	return fmt.Sprintf(`
ipsec_tunnel "sites" {
  local {
    address  = "203.0.113.%[1]d"
    id       = "gw%[1]d.example.com"
    networks = [%[3]s]
  }
  remote {
    address  = "203.0.113.%[2]d"
    id       = "gw%[2]d.example.com"
    networks = [%[4]s]
  }
  start    = "start" # in user space nothing is trapped
  packages = []
  %[5]s
}
`, s.n, s.other(), locals, remotes, proof)
}

// nat is a gateway that translates all that it lets out, on the way of the tunnel.
func (s site) nat() string {
	return fmt.Sprintf("gateway \"g\" {\n  uplink   = \"eth0\"\n  networks = [\"10.%d.3.0/24\"]\n}\n", s.n)
}

// pings wants the PC to reach an address in a while.
func (s site) pings(address string) {
	s.t.Helper()
	s.eventually("ip netns exec pc ping -c1 -W1 "+address, "1 received")
}

// counted is how many packets of a sort arrived by the outside interface.
func (s site) counted(sort string) string {
	s.t.Helper()
	return s.sh("iptables -t raw -vnxL PREROUTING | awk '/" + sort + "/ { print $1 }'")
}

// translatesNothing wants what goes through the tunnel, to the other gateway itself too,
// to arrive as it was sent, while what goes elsewhere has the gateway's address.
func (s site) translatesNothing(other site) {
	s.t.Helper()
	s.sh("ip netns exec pc ping -c3 -W2 " + pc(other))
	s.sh(fmt.Sprintf("ip netns exec pc ping -c3 -W2 10.%d.3.1", other.n))
	if clear, translated := other.counted("clear"), other.counted("translated"); clear != "0" || translated != "0" {
		s.t.Errorf("with the tunnel up, %s packets came in clear and %s translated", clear, translated)
	}
	s.sh(fmt.Sprintf("ip netns exec pc ping -c1 -W1 10.%d.9.9 || true", other.n)) // no network of the tunnel
	if other.counted("translated") == "0" {
		s.t.Error("what is for elsewhere did not arrive with the gateway's address, so that nothing was measured")
	}
}

// losesNothing wants nothing to leave while the tunnel is down, whichever way it went,
// and that it comes back.
func (s site) losesNothing(other site) {
	s.t.Helper()
	clear, translated := other.counted("clear"), other.counted("translated")
	for _, down := range []string{"swanctl --terminate --ike sites --timeout 2", "systemctl stop strongswan", "systemctl kill -s KILL strongswan; systemctl stop strongswan"} {
		other.sh("systemctl stop strongswan")
		s.sh("{ " + down + "; } >/dev/null 2>&1 || true")
		s.sh("ip netns exec pc ping -c3 -i0.2 -W1 " + pc(other) + " || true")
		s.sh(fmt.Sprintf("ping -c3 -i0.2 -W1 -I 10.%d.3.1 %s || true", s.n, pc(other)))
		if c, x := other.counted("clear"), other.counted("translated"); c != clear || x != translated {
			s.t.Errorf("after %s, packets left in clear: %s of %s as they were, %s of %s translated", down, c, clear, x, translated)
		}
		both(s, other, func(s site) { s.apply() })
		s.pings(pc(other))
	}
	dropped := s.sh("iptables -vnxL VPND-IPSEC-sites-G | awk '/DROP/ { n += $1 } END { print n }'")
	if dropped == "0" {
		s.t.Error("nothing was dropped, so that nothing was on its way in clear")
	}
}

// isReachedByPeople wants who dials in here to reach the other site through the tunnel.
func (s site) isReachedByPeople(other site) {
	s.t.Helper()
	const people = `
pki "office" {
  subject { common_name = "Office" }
  server "server" {}
  client "alice" {}
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "10.1.4.1"
  push { routes = ["10.2.3.0/24"] }
}
`
	other.configure(other.tunnel(bySecret, `"10.8.0.0/24"`) + other.nat())
	s.configure(s.tunnel(bySecret, "") + s.nat() + people)
	both(s, other, func(s site) { s.apply() })
	s.pings(pc(other))
	// A road from which only the server is reached.
	s.sh(`ip netns add road && ip link add road0 type veth peer name eth0 netns road
ip addr add 10.1.4.1/24 dev road0 && ip link set road0 up
ip -n road addr add 10.1.4.2/24 dev eth0 && ip -n road link set eth0 up
ip netns exec road openvpn --cd / --daemon --writepid /run/road.pid --log /run/road.log --config /var/lib/vpnd/profiles/office/alice.ovpn`)
	s.eventually("ip netns exec road ping -c1 -W1 "+pc(other), "1 received")
	other.sh("ip netns exec pc ping -c1 -W2 10.8.0.2")
	s.sh("kill $(cat /run/road.pid) && ip netns del road && rm /run/road.*")
	other.configure(other.tunnel(bySecret) + other.nat())
	s.configure(s.tunnel(bySecret) + s.nat())
	both(s, other, func(s site) { s.apply() })
}

// byCertificate has both sites prove who they are by certificates of a CA in the east
// that stands below a root, whose list is wanted too. The pair of the west is carried
// there.
func byCertificate(east, west site) {
	east.t.Helper()
	const authority = `
pki "root" {
  subject { common_name = "Root" }
  path_length = 1
}
pki "sites" {
  parent = pki.root
  subject { common_name = "Sites" }
  server "gw1" { dns_names = ["gw1.example.com"] }
  server "gw2" { dns_names = ["gw2.example.com"] }
}
`
	east.configure(east.tunnel(`certificate = pki.sites.server["gw1"]`) + east.nat() + authority)
	east.apply()
	was := east.sa("sites")
	for from, to := range map[string]string{
		"sites/certs/gw2.crt": "gw2.crt", "sites/keys/gw2.key": "gw2.key", "sites/ca.crt": "ca.crt", "sites/crl.pem": "crl.pem", "root/ca.crt": "root.crt", "root/crl.pem": "root.crl",
	} {
		west.sh("umask 077; cat > /root/" + to + " <<'E'\n" + east.sh("cat /var/lib/vpnd/pki/"+from) + "\nE")
	}
	west.configure(west.tunnel(`certificate = {
    certificate = "/root/gw2.crt"
    key         = "/root/gw2.key"

    ca_certificate = "/root/ca.crt"
    crl            = "/root/crl.pem"
    above          = ["/root/root.crt"]
    above_lists    = ["/root/root.crl"]
  }
  revocation = "strict"`) + west.nat())
	west.apply()
	east.apply()
	east.pings(pc(west))
	if east.sa("sites") == was || !strings.Contains(west.sh("swanctl --list-sas --raw"), "remote-id=gw1.example.com") {
		east.t.Errorf("the tunnel is not one of certificates: %s", west.sh("swanctl --list-sas"))
	}
	east.names(east.sh("stat -c %a /etc/swanctl/private/vpnd-sites.pem"), "600")
	west.sh("rm /root/gw2.* /root/ca.crt /root/crl.pem /root/root.*")
}

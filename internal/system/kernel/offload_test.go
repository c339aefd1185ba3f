package kernel

import (
	"os/exec"
	"strings"
)

// people is a server for one person. %s is what else stands in its block.
const people = `
pki "office" {
  subject { common_name = "Office CA" }
  server "server" {}
  client "east" {}
}
openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  remote  = "` + westOutside + `"
  OPTION
}
`

// pinged is a script that succeeds once the person reaches the server by the tunnel.
const pinged = "ping -I tun0 -c1 -W2 10.8.0.1"

// A server of vpnd's leaves its data to the kernel (DCO) where that can carry it, and
// keeps it where an option says so; the plan tells which do.
func (s sites) offloaded() {
	if out, err := exec.Command("modprobe", "ovpn-dco-v2").CombinedOutput(); err != nil {
		s.t.Fatalf("the module: %v: %s", err, out)
	}
	defer s.leave()
	with := func(option string) string { return strings.Replace(people, "OPTION", option, 1) }
	s.apply(with(""))
	s.carried("without an option", true)
	s.write(s.east, "/etc/openvpn/client/office.conf", s.sh(s.west, "vpnd client export east")+"\n")
	s.sh(s.east, "systemctl start openvpn-client@office")
	defer s.sh(s.east, "systemctl stop openvpn-client@office; rm /etc/openvpn/client/office.conf")
	s.eventually(s.east, "the person reaches the server", pinged)
	s.sh(s.west, "grep -q '^ovpn_dco_v2 ' /proc/modules")
	if link := s.sh(s.east, "ip -d link show tun0"); !strings.Contains(link, "ovpn-dco") {
		s.t.Errorf("the profile keeps the data of the client out of the kernel:\n%s", link)
	}
	s.sh(s.east, "ping -I tun0 -q -c 200 -i 0.01 -s 1200 10.8.0.1")
	if status := s.sh(s.west, "vpnd status || true"); !strings.Contains(status, "east") {
		s.t.Errorf("vpnd status does not know the person:\n%s", status)
	}
	// What changes nothing of that: the interface that stands is no obstacle.
	s.apply(with(`keepalive { ping = "15s" }`))
	s.carried("with another keepalive", true)
	s.eventually(s.east, "the person comes back by itself", pinged)
	for _, option := range []string{
		`topology = "net30"`,
		`fragment = 1300`,
		`compression = "lzo"`,
		`data_ciphers = ["AES-256-GCM", "AES-256-CBC"]`,
		`data_ciphers_fallback = "AES-256-CBC"`,
		`dco = "false"`,
	} {
		s.write(s.west, "/etc/vpnd/vpn.hcl", with(option))
		plan := strings.Join(strings.Fields(s.sh(s.west, "vpnd plan 2>&1")), " ")
		if !strings.Contains(plan, "out of the kernel") && !strings.Contains(option, "dco") {
			s.t.Errorf("with %s the plan does not tell that the kernel does not carry:\n%s", option, plan)
		}
		s.apply(with(option))
		s.carried("with "+option, false)
	}
	s.apply(with(`compression = "migrate"`))
	s.carried("with a compression that is only asked for", true)
}

// carried says whether the kernel carries what the server sends.
func (s sites) carried(when string, want bool) {
	s.t.Helper()
	link := s.sh(s.west, "ip -d link show tun0")
	if got := strings.Contains(link, "ovpn-dco"); got != want {
		s.t.Errorf("%s: that the kernel carries the data is %v:\n%s\n%s", when, got, link, s.sh(s.west, "journalctl -u openvpn-server@office -n 30 -o cat --no-pager"))
	}
}

package kernel

import "strings"

// By policy, on a host that is a gateway to the internet too: what goes through the
// tunnel keeps its addresses, everything else is translated, and what would leave in
// clear while the tunnel is down does not leave.
func (s sites) byPolicy() {
	defer s.leave()
	p := peer{"west", eastFirst, westOutside, 0, eastNetwork, westNetwork, psk}
	s.write(s.east, "/etc/swanctl/conf.d/west.conf", p.config())
	s.sh(s.east, "systemctl start strongswan; swanctl --load-all --noprompt")
	s.write(s.west, "/etc/vpnd/branch.psk", psk+"\n")
	s.apply(`
ipsec_tunnel "branch" {
  local {
    address  = "` + westOutside + `"
    networks = ["` + westNetwork + `"]
  }
  remote {
    address  = "` + eastFirst + `"
    networks = ["` + eastNetwork + `"]
  }
  psk_file = "/etc/vpnd/branch.psk"
}

gateway "office" {
  uplink   = "wan0"
  networks = ["` + westNetwork + `"]
}
`)
	s.eventually(s.west, "the sites talk", talks(eastInside))
	s.eventually(s.east, "the other way too", talks(westInside))
	if from := s.heard(true, talks(eastInside)); !strings.Contains(from, westInside+" > "+eastInside) {
		s.t.Errorf("east hears, inside,\n%s", from)
	}
	if from := s.heard(false, talks(eastSecond)); !strings.Contains(from, westOutside+" > "+eastSecond) || strings.Contains(from, westInside) {
		s.t.Errorf("east hears, outside,\n%s", from)
	}
	s.run("full size", ipsecSize.transferred)
	s.sh(s.east, "systemctl stop strongswan")
	s.sh(s.west, "systemctl stop strongswan; ip xfrm state flush; ip xfrm policy flush")
	if clear := s.heard(false, talks(eastInside)+" || true"); strings.Contains(clear, eastInside) {
		s.t.Errorf("while the tunnel is down this leaves in clear:\n%s", clear)
	}
}

// heard returns the pings that come to east, to its computer inside or outside, while a
// script runs on west.
func (s sites) heard(inside bool, script string) string {
	s.t.Helper()
	listen := "timeout 120 tcpdump -n -l -i wan0 icmp >/root/heard 2>/root/listening &"
	if inside {
		listen = "ip netns exec inside timeout 120 tcpdump -n -l -i eth0 icmp >/root/heard 2>/root/listening &"
	}
	s.sh(s.east, listen+"\nuntil grep -q listening /root/listening; do sleep 0.1; done")
	s.sh(s.west, script)
	return s.sh(s.east, "sleep 1; pkill -x tcpdump; cat /root/heard")
}

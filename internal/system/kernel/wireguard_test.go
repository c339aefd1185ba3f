package kernel

import "strings"

// Two sites by the kernel's own WireGuard, the other one made by hand.
func (s sites) wireGuard() {
	defer s.leave()
	key := s.sh(s.east, "umask 077; wg genkey >/root/wg.key; wg pubkey </root/wg.key")
	s.apply(`
wireguard "wg0" {
  addresses = ["10.20.0.1/24"]
  remote    = "` + westOutside + `"
  reach     = ["` + westNetwork + `"]
  peer "east" {
    address    = "10.20.0.2"
    public_key = "` + key + `"
    endpoint   = "` + eastFirst + `:51820"
    networks   = ["` + eastNetwork + `"]
  }
}
`)
	s.sh(s.east, strings.NewReplacer("WEST", s.sh(s.west, "wg show wg0 public-key"), "OUTSIDE", westOutside).Replace(`
		ip link add wg0 type wireguard
		wg set wg0 listen-port 51820 private-key /root/wg.key peer WEST allowed-ips 192.168.40.0/24,10.20.0.0/24 endpoint OUTSIDE:51820
		ip addr add 10.20.0.2/24 dev wg0
		ip link set wg0 up
		ip route add 192.168.40.0/24 dev wg0`))
	s.eventually(s.west, "the sites talk", talks(eastInside))
	s.eventually(s.east, "the other way too", talks(westInside))
	s.sh(s.west, "ip -d link show wg0 | grep -qw wireguard")
	if status := s.sh(s.west, "vpnd status || true"); !strings.Contains(status, "wg0 east: up") || !strings.Contains(status, "handshake") {
		s.t.Errorf("vpnd status says\n%s", status)
	}
	s.run("full size", wireGuardSize.transferred)
}

package kernel

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// downloaded is the configuration of a connection as Amazon gives it, with its two
// tunnels to east: routed by BGP, or static.
func downloaded(bgp bool) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<vpn_connection id="vpn-0a1b2c3d4e5f60718">
  <customer_gateway_id>cgw-0a1b2c3d4e5f60718</customer_gateway_id>
  <vpn_gateway_id>vgw-0a1b2c3d4e5f60718</vpn_gateway_id>
  <vpn_connection_type>ipsec.1</vpn_connection_type>
`)
	if !bgp {
		b.WriteString("  <vpn_connection_attributes>NoBGPVPNConnection</vpn_connection_attributes>\n")
	}
	speaker := func(asn int) string {
		if !bgp {
			return ""
		}
		return fmt.Sprintf("<bgp><asn>%d</asn><hold_time>30</hold_time></bgp>", asn)
	}
	for i, outside := range []string{eastFirst, eastSecond} {
		end := func(address string, host, asn int) string {
			return fmt.Sprintf(`<tunnel_outside_address><ip_address>%s</ip_address></tunnel_outside_address>
      <tunnel_inside_address><ip_address>169.254.1%d.%d</ip_address><network_mask>255.255.255.252</network_mask><network_cidr>30</network_cidr></tunnel_inside_address>
      %s`, address, i+1, host, speaker(asn))
		}
		fmt.Fprintf(&b, `  <ipsec_tunnel>
    <customer_gateway>%s</customer_gateway>
    <vpn_gateway>%s</vpn_gateway>
    <ike><authentication_protocol>sha1</authentication_protocol><encryption_protocol>aes-128-cbc</encryption_protocol><lifetime>28800</lifetime>
      <perfect_forward_secrecy>group2</perfect_forward_secrecy><mode>main</mode><pre_shared_key>%s</pre_shared_key></ike>
    <ipsec><protocol>esp</protocol><authentication_protocol>hmac-sha1-96</authentication_protocol><encryption_protocol>aes-128-cbc</encryption_protocol><lifetime>3600</lifetime>
      <perfect_forward_secrecy>group2</perfect_forward_secrecy><mode>tunnel</mode><clear_df_bit>true</clear_df_bit>
      <fragmentation_before_encryption>true</fragmentation_before_encryption><tcp_mss_adjustment>1379</tcp_mss_adjustment>
      <dead_peer_detection><interval>10</interval><retries>3</retries></dead_peer_detection></ipsec>
  </ipsec_tunnel>
`, end(westOutside, 2, 65000), end(outside, 1, 64512), psk)
	}
	b.WriteString("</vpn_connection>\n")
	return b.String()
}

// vpc is the block for it, with more in it.
func vpc(more string) string {
	return `
aws_vpn "vpc" {
  configuration   = "vpn.xml"
  uplink          = "wan0"
  local_address   = "` + westOutside + `"
  local_networks  = ["` + westNetwork + `"]
  remote_networks = ["` + eastNetwork + `"]
  mode            = "route"
  if_id           = 1
` + more + `
}
`
}

// through is a script that succeeds where packets for east go by an interface.
func through(device string) string {
	return "ip route get " + eastInside + " | grep -q 'dev " + device + " '"
}

// moves cuts the tunnel that carries and wants the other one to, and back. What east
// has to do about its own way back, which nobody tells it of, is done by scripts.
func (s sites) moves(away, back string) {
	s.t.Helper()
	s.cut(eastFirst)
	s.sh(s.east, away)
	cut := time.Now()
	s.eventually(s.west, "packets go by the second tunnel", through("vpc-2"))
	s.eventually(s.west, "the sites talk by the second tunnel", talks(eastInside))
	s.t.Logf("the sites talk by the second tunnel %s after the first one was cut", time.Since(cut).Round(100*time.Millisecond))
	s.mend(eastFirst)
	s.sh(s.east, back)
	mended := time.Now()
	s.eventually(s.west, "packets go by the first tunnel again", through("vpc-1"))
	s.eventually(s.west, "the sites talk by the first tunnel again", talks(eastInside))
	s.t.Logf("back %s after it was mended", time.Since(mended).Round(100*time.Millisecond))
}

// Both tunnels are up, and the metrics of two routes decide.
func (s sites) static() {
	defer s.leave()
	s.amazon()
	s.write(s.west, "/etc/vpnd/vpn.xml", downloaded(false))
	s.apply(vpc(`  probe = "` + eastInside + `"
  settle = "5s"`))
	s.eventually(s.west, "the sites talk", talks(eastInside))
	s.agent() // where the second one was up before the first, it moves what goes by it
	s.eventually(s.west, "packets go by the first tunnel", through("vpc-1"))
	routes := s.sh(s.west, "ip route show "+eastNetwork)
	if lines := strings.Split(routes, "\n"); len(lines) != 2 || !strings.Contains(lines[0], "dev vpc-1") || !strings.Contains(lines[1], "dev vpc-2") {
		s.t.Errorf("the routes are\n%s", routes)
	}
	s.moves("ip route del 192.168.40.0/24 dev vpc1", "ip route add 192.168.40.0/24 dev vpc1 metric 1")
}

// speaker is FRRouting on the other side.
const speaker = `frr defaults traditional
router bgp 64512
 bgp router-id 172.31.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 169.254.11.2 remote-as 65000
 neighbor 169.254.11.2 timers 3 9
 neighbor 169.254.11.2 timers connect 5
 neighbor 169.254.12.2 remote-as 65000
 neighbor 169.254.12.2 timers 3 9
 neighbor 169.254.12.2 timers connect 5
 address-family ipv4 unicast
  network 172.31.0.0/16
  network 10.66.0.0/16
 exit-address-family
`

// Routes are learned and announced through both tunnels by FRRouting; the tunnel that
// dies is withdrawn, and no agent has to be there for that.
func (s sites) bgp() {
	defer s.leave()
	s.amazon()
	s.sh(s.east, "ip route del 192.168.40.0/24; ip route del 192.168.40.0/24; sed -i s/bgpd=no/bgpd=yes/ /etc/frr/daemons")
	s.ok(s.east.WriteFile(s.t.Context(), "/etc/frr/frr.conf", []byte(speaker), 0o644))
	s.sh(s.east, "systemctl restart frr")
	s.write(s.west, "/etc/vpnd/vpn.xml", downloaded(true))
	s.apply(vpc(`  bgp { hold_time = "9s" }`))
	s.eventually(s.west, "the first route is learned", through("vpc-1"))
	s.t.Logf("the sites talk %s later", s.eventually(s.west, "the sites talk", talks(eastInside)))
	s.eventually(s.west, "both sessions stand", `test "$(vtysh -c 'show bgp summary json' | grep -c '"state":"Established"')" = 2`)
	if out := s.sh(s.west, "ip route show 10.66.0.0/16"); out != "" {
		s.t.Errorf("what is not to be learned was: %s", out)
	}
	if out := s.sh(s.east, "ip route show 192.168.40.0/24"); !strings.Contains(out, "proto bgp") || !strings.Contains(out, "dev vpc1") {
		s.t.Errorf("east has learned %q", out)
	}
	s.moves("true", "true")
}

func TestDownloadedIsWhole(t *testing.T) {
	for _, bgp := range []bool{false, true} {
		if text := downloaded(bgp); strings.Count(text, "<ipsec_tunnel>") != 2 || strings.Contains(text, "%!") {
			t.Error(text)
		}
	}
}

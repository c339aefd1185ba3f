package amazon

import (
	"cmp"
	"fmt"
	"strings"
)

// Swanctl is what Amazon's side runs for these tunnels: it answers and does not
// call, is one SA pair a tunnel, and offers what the downloaded file asks for.
//
// Beside them the branch has a tunnel of its own, which a router there would serve.
func Swanctl(tunnels []Tunnel) string {
	var conns, secrets strings.Builder
	add := func(name, network string, t Tunnel) {
		fmt.Fprintf(&conns, `
  %[1]s {
    version = 2
    local_addrs = %[2]s
    remote_addrs = %[3]s
    proposals = %[6]s
    unique = never
    dpd_delay = 2s
    local {
      auth = psk
      id = %[2]s
    }
    remote {
      auth = psk
      id = %[3]s
    }
    children {
      %[1]s {
        local_ts = %[4]s
        remote_ts = %[5]s
        esp_proposals = aes256gcm16-ecp384
      }
    }
  }`, name, t.Outside, Gateway, network, Private, cmp.Or(t.IKE, "aes256gcm16-prfsha384-ecp384"))
		fmt.Fprintf(&secrets, "\n  ike-%s {\n    id-1 = %s\n    id-2 = %s\n    secret = \"%s\"\n  }", name, t.Outside, Gateway, t.PSK)
	}
	for i, t := range tunnels {
		add(fmt.Sprintf("tunnel%d", i+1), VPC, t)
	}
	add("branch", Branch, BranchTunnel)
	return fmt.Sprintf("connections {%s\n}\nsecrets {%s\n}\n", &conns, &secrets)
}

// XML is what Amazon gives to download for these tunnels. As in all such files, the
// algorithms are those of 2009, whatever the tunnels take.
func XML(tunnels []Tunnel) string {
	var all strings.Builder
	for _, t := range tunnels {
		fmt.Fprintf(&all, `
  <ipsec_tunnel>
    <customer_gateway>
      <tunnel_outside_address><ip_address>%[1]s</ip_address></tunnel_outside_address>
      <tunnel_inside_address><ip_address>%[2]s.2</ip_address><network_mask>255.255.255.252</network_mask><network_cidr>30</network_cidr></tunnel_inside_address>
    </customer_gateway>
    <vpn_gateway>
      <tunnel_outside_address><ip_address>%[3]s</ip_address></tunnel_outside_address>
      <tunnel_inside_address><ip_address>%[2]s.1</ip_address><network_mask>255.255.255.252</network_mask><network_cidr>30</network_cidr></tunnel_inside_address>
    </vpn_gateway>
    <ike>
      <authentication_protocol>sha1</authentication_protocol>
      <encryption_protocol>aes-128-cbc</encryption_protocol>
      <lifetime>28800</lifetime>
      <perfect_forward_secrecy>group2</perfect_forward_secrecy>
      <mode>main</mode>
      <pre_shared_key>%[4]s</pre_shared_key>
    </ike>
    <ipsec>
      <protocol>esp</protocol>
      <authentication_protocol>hmac-sha1-96</authentication_protocol>
      <encryption_protocol>aes-128-cbc</encryption_protocol>
      <lifetime>3600</lifetime>
      <perfect_forward_secrecy>group2</perfect_forward_secrecy>
      <mode>tunnel</mode>
      <clear_df_bit>true</clear_df_bit>
      <fragmentation_before_encryption>true</fragmentation_before_encryption>
      <tcp_mss_adjustment>1379</tcp_mss_adjustment>
      <dead_peer_detection><interval>10</interval><retries>3</retries></dead_peer_detection>
    </ipsec>
  </ipsec_tunnel>`, Gateway, t.Inside, t.Outside, t.PSK)
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<vpn_connection id="vpn-0a1b2c3d4e5f60718">
  <customer_gateway_id>cgw-0a1b2c3d4e5f60718</customer_gateway_id>
  <vpn_gateway_id>vgw-0a1b2c3d4e5f60718</vpn_gateway_id>
  <vpn_connection_type>ipsec.1</vpn_connection_type>
  <vpn_connection_attributes>NoBGPVPNConnection</vpn_connection_attributes>%s
</vpn_connection>
`, &all)
}

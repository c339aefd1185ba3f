package amazon

import (
	"fmt"
	"strings"
)

// Swanctl is what Amazon's side runs for these tunnels: it answers and does not
// call, is one SA pair a tunnel, and offers what the downloaded file asks for.
func Swanctl(tunnels []Tunnel) string {
	var conns, secrets strings.Builder
	for i, t := range tunnels {
		fmt.Fprintf(&conns, `
  tunnel%[1]d {
    version = 2
    local_addrs = %[2]s
    remote_addrs = %[3]s
    proposals = aes256gcm16-prfsha384-ecp384
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
      tunnel%[1]d {
        local_ts = %[4]s
        remote_ts = %[5]s
        esp_proposals = aes256gcm16-ecp384
      }
    }
  }`, i+1, t.Outside, Gateway, VPC, Private)
		fmt.Fprintf(&secrets, "\n  ike-tunnel%d {\n    id-1 = %s\n    id-2 = %s\n    secret = \"%s\"\n  }", i+1, t.Outside, Gateway, t.PSK)
	}
	return fmt.Sprintf("connections {%s\n}\nsecrets {%s\n}\n", &conns, &secrets)
}

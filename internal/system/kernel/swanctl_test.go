package kernel

import (
	"fmt"
	"strings"
)

// A peer is what the other side of a tunnel is configured with by hand, as somebody
// would without vpnd.
type peer struct {
	name          string
	local, remote string // outside addresses
	ifID          int    // of its xfrm interface; 0 for one that goes by policy
	localTS       string
	remoteTS      string
	psk           string
}

// config is its file for swanctl(8). It waits to be called.
func (p peer) config() string {
	return strings.NewReplacer(
		"NAME", p.name, "LOCAL", p.local, "REMOTE", p.remote, "ID", fmt.Sprint(p.ifID), "LTS", p.localTS, "RTS", p.remoteTS,
		"PSK", p.psk,
	).Replace(`connections {
  NAME {
    version = 2
    local_addrs = LOCAL
    remote_addrs = REMOTE
    proposals = aes256gcm16-prfsha384-ecp384
    mobike = no
    dpd_delay = 10s
    local {
      auth = psk
      id = LOCAL
    }
    remote {
      auth = psk
      id = REMOTE
    }
    children {
      net {
        local_ts = LTS
        remote_ts = RTS
        esp_proposals = aes256gcm16-ecp384
        if_id_in = ID
        if_id_out = ID
        start_action = none
        dpd_action = clear
      }
    }
  }
}
secrets {
  ike-NAME {
    id-1 = LOCAL
    id-2 = REMOTE
    secret = "PSK"
  }
}
`)
}

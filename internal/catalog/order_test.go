package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/kind/chain"
)

// Blocks in the order in which nobody would want their chains.
const disorderly = `
chain "ip/filter/VPND-LATE" {
  hook       = "FORWARD"
  rules      = ["-p udp -j ACCEPT"]
  depends_on = [gateway.office]
}

gateway "office" {
  uplink   = "eth0"
  networks = ["10.8.0.0/24"]
}

firewall "second" {
  input_default   = "drop"
  forward_default = "drop"
  input {
    protocol = "tcp"
    ports    = ["ssh"]
    action   = "accept"
  }
  forward {
    source      = gateway.office.networks
    destination = ["10.0.0.9/32"]
    action      = "drop"
  }
}

dynamic "chain" {
  for_each = ["B", "A"]
  iterator = each
  labels   = ["ip/filter/VPND-${each.value}"]
  content {
    hook  = "INPUT"
    rules = ["-p icmp -j ACCEPT"]
  }
}

chain "ip/filter/VPND-FIRST" {
  hook     = "FORWARD"
  priority = 5
  rules    = ["-p sctp -j DROP"]
}

chain "ip/filter/VPND-LOW" {
  hook     = "FORWARD"
  at       = "bottom"
  priority = 999
  rules    = ["-j LOG"]
}

pki "office" {
  subject {
    common_name = "Office CA"
  }
  server "vpn" {}
}

openvpn_server "office" {
  network = "10.8.0.0/24"
  pki     = pki.office
  server  = "vpn"
  remote  = "vpn.example.com"
}
`

// One order a hook, by priority, then by the files, and behind what a block
// depends on; defaults last. That a firewall refers to a gateway does not put
// its drops behind what the gateway accepts.
func TestChainsHaveOneOrderInAHook(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vpn.hcl"), []byte(disorderly), 0o600); err != nil {
		t.Fatal(err)
	}
	orders, first := make(map[string]string), make(map[string]*string)
	for _, r := range load(t, dir).Desired.Present {
		want, ok := r.Want.(*chain.Chain)
		if !ok || !strings.HasPrefix(r.ID.Name, "ip/filter/") {
			continue
		}
		lane := *want.Hook + " " + *want.At
		order := strings.ReplaceAll(strings.Join(want.Order, " "), "VPND-", "")
		if known := orders[lane]; known != "" && known != order {
			t.Errorf("%s: %s and %s", lane, known, order)
		}
		orders[lane] = order
		if first[lane] == nil {
			first[lane] = &want.Order[0]
		}
		if first[lane] != &want.Order[0] {
			t.Errorf("%s: it is kept once more for %s", lane, r.ID)
		}
	}
	for lane, want := range map[string]string{
		"INPUT top":      "OVPN-office second-IN B A",
		"INPUT bottom":   "second-IN-END",
		"FORWARD top":    "FIRST second-FWD GW-office LATE",
		"FORWARD bottom": "GW-office-END LOW second-FWD-END",
	} {
		if orders[lane] != want {
			t.Errorf("%s: got %s, want %s", lane, orders[lane], want)
		}
	}
}

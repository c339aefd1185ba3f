package catalog

import (
	"os"
	"path/filepath"
	"testing"

	"vpnd/internal/kind/sysctl"
	"vpnd/internal/resource"
)

// Forwarding that comes after filter rules is off at boot, whichever block asks
// for it and however the rules come before it, and that is kept with the wish.
func TestForwardingBehindRulesIsOffAtBoot(t *testing.T) {
	const (
		forward  = "sysctl \"net.ipv4.ip_forward\" {\n value = \"1\"\n"
		gateway  = "gateway \"g\" {\n uplink = \"eth0\"\n networks = [\"10.8.0.0/24\"]\n}\n"
		firewall = "firewall \"f\" {\n forward_default = \"drop\"\n}\n"
		chain    = "chain \"ip/filter/VPND-A\" {\n hook = \"FORWARD\"\n rules = [\"-j DROP\"]\n}\n"
		nat      = "chain \"ip/nat/VPND-A\" {\n hook = \"POSTROUTING\"\n rules = [\"-j MASQUERADE\"]\n}\n"
	)
	for _, c := range []struct {
		what, text string
		off        bool
	}{
		{"a gateway", gateway, true},
		{"a gateway and the same once more", gateway + forward + "}\n", true},
		{"the same once more and a gateway", forward + "}\n" + gateway, true},
		{"depends_on a block", firewall + forward + " depends_on = [firewall.f]\n}\n", true},
		{"depends_on a chain", chain + forward + " depends_on = [chain[\"ip/filter/VPND-A\"]]\n}\n", true},
		{"rules of something else", nat + forward + " depends_on = [chain[\"ip/nat/VPND-A\"]]\n}\n", false},
		{"rules beside it", firewall + forward + "}\n", false},
	} {
		file := filepath.Join(t.TempDir(), "vpn.hcl")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range load(t, file).Desired.Present {
			if r.ID.Name != "net.ipv4.ip_forward" {
				continue
			}
			data, err := resource.Encode(r.Want, resource.Reveal)
			if err != nil {
				t.Fatal(err)
			}
			var kept sysctl.Sysctl
			if err := resource.Decode(data, &kept); err != nil || !resource.Equal(&kept, r.Want) {
				t.Errorf("%s: kept as %s: %v", c.what, data, err)
			}
			off := kept.Boot != nil && *kept.Boot == "0" && kept.Runtime != nil && *kept.Runtime == "1"
			if off != c.off || *kept.Value != "1" {
				t.Errorf("%s: off at boot is %v", c.what, off)
			}
		}
	}
}

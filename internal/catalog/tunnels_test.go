package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"vpnd/internal/kind/pki"
	"vpnd/internal/resource"
)

// Every block that stands for a tunnel, and every thing that is one, can be checked by
// its name, and what that leads to tells how it stands.
func TestEveryTunnelCanBeChecked(t *testing.T) {
	dir := t.TempDir()
	copied, err := os.ReadFile("testdata/all.hcl")
	if err != nil {
		t.Fatal(err)
	}
	catalog := New(Options{Root: "/"})
	checks := make(map[string]bool)
	var text strings.Builder
	for _, b := range load(t, "testdata/all.hcl").Blocks {
		if tunnels(catalog, b.ID, b.Shape) {
			checks[b.ID.String()] = true
			fmt.Fprintf(&text, "check %q {\n  tunnel = %s\n}\n", b.ID, b.ID)
		}
	}
	for _, block := range []string{"aws_vpn.acme", "ipsec_tunnel.sites", "openvpn_client.acme", "openvpn_server.acme", "ssh_tunnel.acme", "tun.tun7", "wireguard.wg8"} {
		if !checks[block] {
			t.Errorf("%s is no tunnel", block)
		}
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files { // what the blocks name lies beside
		data, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "all.hcl")
	if err := os.WriteFile(file, append(copied, text.String()...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range load(t, file).Checks {
		if c.Tunnel == nil || !checks[c.Name] {
			continue
		}
		delete(checks, c.Name)
		id, address := c.Tunnel.Address()
		k, ok := catalog.Kind(id.Kind)
		if !address && c.Tunnel.IsInterface() {
			continue
		}
		if !ok {
			t.Errorf("%s leads to %s", c.Name, *c.Tunnel)
		} else if _, tells := k.New().(resource.Tunneler); !tells || k.View != resource.Tunnels {
			t.Errorf("%s leads to %s, which does not tell how it stands", c.Name, *c.Tunnel)
		}
	}
	if len(checks) > 0 {
		t.Errorf("not checked: %v", checks)
	}
}

// tunnels says whether a block stands for a tunnel, or is one.
func tunnels(c resource.Catalog, id resource.ID, shape any) bool {
	if c.Traits(id.Kind).View == resource.Tunnels {
		return true
	}
	e, ok := shape.(resource.Exporter)
	if !ok {
		return false
	}
	for _, f := range resource.Fields(reflect.TypeOf(e.Exports(id.Name))) {
		if f.Name == "tunnel" || f.Name == "dev" {
			return true
		}
	}
	return false
}

// What proves who this side is can be written by hand: a certificate and its key, and no
// more than that.
func TestCertificatesOfSidesAreWrittenByHand(t *testing.T) {
	for block, more := range map[string]string{
		"ipsec_tunnel": `
  local { networks = ["10.1.0.0/24"] }
  remote {
    address  = "203.0.113.7"
    id       = "branch.example.com"
    networks = ["10.9.0.0/24"]
  }
  ca = "/etc/ssl/branch-ca.pem"`,
		"aws_vpn": `
  configuration   = "aws.xml"
  uplink          = "eth0"
  local_networks  = ["192.168.40.0/24"]
  remote_networks = ["172.31.0.0/16"]
  mode            = "route"
  tunnel "203.0.113.17" {}
  ca = "/etc/ssl/amazon.pem"
  bgp {}`,
	} {
		t.Run(block, func(t *testing.T) {
			dir := t.TempDir()
			document, err := os.ReadFile("testdata/aws.xml")
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "aws.xml"), document, 0o600)
			}
			text := fmt.Sprintf("%s \"dc\" {%s\n  certificate = { certificate = \"/etc/ssl/gw.pem\", key = \"/etc/ssl/gw.key\" }\n}\n", block, more)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "vpn.hcl"), []byte(text), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			copies := 0
			for _, r := range load(t, filepath.Join(dir, "vpn.hcl")).Desired.Present {
				if r.ID.Kind == pki.KindAssembledFile {
					copies++
				}
			}
			if copies < 2 {
				t.Errorf("charon gets %d copies of the certificate, its key and the CA", copies)
			}
		})
	}
}

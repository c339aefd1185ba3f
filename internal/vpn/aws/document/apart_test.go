package document

import (
	"reflect"
	"strings"
	"testing"
)

// What is taken out of a document is one connection, and it reads as before.
func TestOneConnection(t *testing.T) {
	const id = "vpn-0a1b2c3d4e5f60718"
	for _, name := range []string{"vgw-static.xml", "generic-bgp.txt", "many-connections.json", "weak.json"} {
		text := sample(t, name)
		one, err := One(text, id)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, _ := Read(text, id)
		if got, err := Read(one, ""); err != nil || show(got) != show(want) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(one, "vpn-0fedcba9876543210") {
			t.Errorf("%s: another connection is in it", name)
		}
	}
	if _, err := One(sample(t, "many-connections.json"), ""); err == nil {
		t.Error("one of several is taken")
	}
	one := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(sample(t, "weak.json")), "{\n    \"VpnConnections\": ["), "]\n}")
	for form, text := range map[string]string{"a list": "[" + one + "]", "alone": one, "as made": `{"VpnConnection":` + one + "}"} {
		if got, err := One(text, id); err != nil {
			t.Errorf("%s: %v", form, err)
		} else if c, err := Read(got, ""); err != nil || c.ID != id {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// Without its keys a document holds none, not even an older one, and is else the same.
func TestWithoutKeys(t *testing.T) {
	for _, name := range []string{"vgw-static.xml", "white-space.xml", "generic-static.txt", "generic-bgp.txt", "many-algorithms.json", "tgw-accelerated.json", "no-key.xml"} {
		text, with, err := WithoutKeys(sample(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(text, "made.up") {
			t.Errorf("%s: a key is left in it", name)
		}
		without, err := Read(text, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range with.Tunnels {
			if name != "no-key.xml" && with.Tunnels[i].PSK == nil || without.Tunnels[i].PSK != nil {
				t.Errorf("%s: keys before and after: %v, %v", name, with.Tunnels[i].PSK, without.Tunnels[i].PSK)
			}
			with.Tunnels[i].PSK = nil
		}
		if !reflect.DeepEqual(with, without) {
			t.Errorf("%s: it is another connection without its keys", name)
		}
	}
}

// A key that can't be taken out without harm is not.
func TestKeysThatStay(t *testing.T) {
	whole := sample(t, "vgw-static.xml")
	for name, text := range map[string]string{
		"entities":        strings.ReplaceAll(whole, "made.up_key_of_tunnel_one_17", "made.up_key&#95;of_one"),
		"part of an id":   strings.ReplaceAll(whole, "made.up_key_of_tunnel_one_17", "0a1b2c3d"),
		"part of a field": strings.ReplaceAll(whole, "made.up_key_of_tunnel_one_17", "ip_address"),
	} {
		if _, _, err := WithoutKeys(text); err == nil || strings.Contains(err.Error(), "0a1b2c3d") || strings.Contains(err.Error(), "made.up") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

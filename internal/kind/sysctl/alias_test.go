package sysctl

import (
	"slices"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

func TestOneVariableUnderTwoNames(t *testing.T) {
	wish := func(value string) *Sysctl { return &Sysctl{Value: &value} }
	for _, c := range []struct {
		one, first, other, second string
		contradict                bool
	}{
		{"net.ipv4.ip_forward", "1", "net.ipv4.conf.all.forwarding", "0", true},
		{"net.ipv4.ip_forward", "1", "net.ipv4.conf.all.forwarding", "1", false},
		{"vm.dirty_ratio", "20", "vm.dirty_bytes", "1000000", true},
		{"vm.dirty_ratio", "20", "vm.dirty_bytes", "0", false},
		{"net.ipv4.neigh.default.base_reachable_time", "30", "net.ipv4.neigh.default.base_reachable_time_ms", "30000", false},
		{"net.ipv4.neigh.default.base_reachable_time", "30", "net.ipv4.neigh.default.base_reachable_time_ms", "40000", true},
	} {
		one, other := wish(c.first), wish(c.second)
		if !slices.Contains(one.Aliases(c.one), c.other) || !slices.Contains(other.Aliases(c.other), c.one) {
			t.Errorf("%s and %s are not told to be one", c.one, c.other)
		}
		if one.Contradicts(c.one, c.other, other) != c.contradict || other.Contradicts(c.other, c.one, one) != c.contradict {
			t.Errorf("%s = %s and %s = %s: contradict %v", c.one, c.first, c.other, c.second, !c.contradict)
		}
	}
	if names := wish("1").Aliases("net.ipv4.conf.eth0.forwarding"); len(names) > 0 {
		t.Errorf("it has other names: %v", names)
	}
}

// Of what the kernel holds as numbers words are refused before they are written.
func TestPreflightOfAValue(t *testing.T) {
	v := Verbs{Root: t.TempDir(), Proc: "/proc/sys"}
	for value, fine := range map[string]bool{"64": true, "0x40": false, "on": false, "6 4x": false} {
		err := v.Preflight(t.Context(), "net.ipv4.ip_default_ttl", Sysctl{Value: &value}, resource.Prospect{})
		if (err == nil) != fine {
			t.Errorf("%q: %v", value, err)
		}
	}
	err := v.Preflight(t.Context(), "net.ipv4.no_such_key", Sysctl{Value: resource.Ptr("1")}, resource.Prospect{})
	if err == nil {
		t.Error("a key that is not there is taken")
	}
	by := resource.Arrival{By: resource.ID{Kind: "tun", Name: "tun77"}}
	coming := resource.Prospect{
		Step: 1, Coming: map[resource.ID]resource.Arrival{{Kind: resource.Interface, Name: "tun77"}: by},
		May: map[string][]resource.Arrival{"sysctl": {by}},
	}
	for _, name := range []string{"net.ipv4.no_such_key", "net.ipv4.conf.all.frwarding", "kernel.hostnames"} {
		if err := v.Preflight(t.Context(), name, Sysctl{Value: resource.Ptr("1")}, coming); err == nil || !strings.Contains(err.Error(), "spelling") {
			t.Errorf("%s, which nothing brings: %v", name, err)
		}
	}
	if err := v.Preflight(t.Context(), "net.ipv4.conf.tun77.forwarding", Sysctl{Value: resource.Ptr("1")}, coming); err != nil {
		t.Errorf("an interface that comes with the plan: %v", err)
	}
	if err := v.Preflight(t.Context(), "net.ipv4.conf.tun78.forwarding", Sysctl{Value: resource.Ptr("1")}, coming); err == nil || !strings.Contains(err.Error(), "no interface tun78") {
		t.Errorf("another one: %v", err)
	}
}

// A number is judged by the kernel, and nothing is written by that.
func TestTheKernelJudgesANumber(t *testing.T) {
	v := Verbs{Root: t.TempDir(), Proc: "/proc/sys"}
	for name, values := range map[string][2]string{
		"net.ipv4.tcp_syncookies":      {"2", "9999999999999"},
		"net.ipv4.ip_default_ttl":      {"77", "256"},
		"net.ipv4.conf.lo.rp_filter":   {"2", "9999999999999"},
		"net.ipv6.conf.all.hop_limit":  {"77", "256"},
		"net.ipv4.ip_local_port_range": {"20000 30000", "30000 20000"},
		"net.ipv4.tcp_rmem":            {"4096 87380 6291456", "4096 87380"},
		"net.core.somaxconn":           {"1024", "9999999999999"},
		"kernel.shmmni":                {"4000", "9999999999"},
		"vm.overcommit_memory":         {"2", "3"},
		"fs.protected_symlinks":        {"0", "2"},
		"kernel.pid_max":               {"65536", "99999999999999999999999"},
	} {
		before, err := v.read(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, value := range values {
			err := v.Preflight(t.Context(), name, Sysctl{Value: &value}, resource.Prospect{})
			if refused := err != nil; refused != (i == 1) {
				t.Errorf("%s = %s: %v", name, value, err)
			}
		}
		if after, err := v.read(name); err != nil || after != before {
			t.Errorf("%s was %s and is %s (%v)", name, before, after, err)
		}
	}
}

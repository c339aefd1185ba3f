package compile

import (
	"testing"

	"vpnd/internal/resource"
)

func TestClash(t *testing.T) {
	for _, c := range []struct {
		sort, a, b string
		want       bool
	}{
		{"listener", "udp/1194", "udp/1194", true},
		{"listener", "udp/1194", "udp/192.0.2.1:1194", true},
		{"listener", "udp/[2001:db8::1]:1194", "udp/1194", true},
		{"listener", "udp/192.0.2.1:1194", "udp/192.0.2.2:1194", false},
		{"listener", "udp/1194", "tcp/1194", false},
		{"listener", "udp/1194", "udp/1195", false},
		{"network", "10.8.0.0/24", "10.0.0.0/8", true},
		{"network", "10.8.0.0/24", "10.8.1.0/24", false},
		{"network", "10.8.0.0/24", "nonsense", false},
		{"device", "tun0", "tun0", true},
		{"device", "tun0", "tun1", false},
	} {
		a, b := resource.Claim{Sort: c.sort, Value: c.a}, resource.Claim{Sort: c.sort, Value: c.b}
		if clash(a, b) != c.want || clash(b, a) != c.want {
			t.Errorf("%s %s and %s: clash is not %v", c.sort, c.a, c.b, c.want)
		}
	}
}

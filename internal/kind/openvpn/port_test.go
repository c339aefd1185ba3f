package openvpn

import (
	"strings"
	"testing"
)

func TestWhoConnectionsArePassedOnTo(t *testing.T) {
	for _, c := range []struct{ host, port, says string }{
		{"127.0.0.1", "443", ""},
		{"::1", "https", ""},
		{"localhost", "8443", ""},
		{"127.0.0.1", "htps", `there is no service "htps"`},
		{"127.0.0.1", "65536", `there is no service "65536"`},
		{"127.0.0.1", "0", `there is no service "0"`},
	} {
		m := Shared(t.Context(), c.host, c.port)
		if c.says == "" && m != nil || c.says != "" && (m == nil || !strings.HasPrefix(m.Summary, c.says) || m.Warning) {
			t.Errorf("port-share %s %s: %+v", c.host, c.port, m)
		}
	}
}

package system

import (
	"fmt"
	"strings"
	"testing"
)

// Servers end side by side: a destroy takes as long as the slowest of them, and
// not as long as all together.
func TestServersEndSideBySide(t *testing.T) {
	t.Parallel()
	const servers = 10
	s := alone(t)
	first := s.print()
	var b strings.Builder
	b.WriteString("pki \"o\" {\n  subject { common_name = \"O\" }\n")
	for i := range servers {
		fmt.Fprintf(&b, "  server \"s%d\" {}\n", i)
	}
	b.WriteString("}\n")
	for i := range servers {
		fmt.Fprintf(&b, `openvpn_server "s%d" {
  network     = "10.8.%[1]d.0/24"
  listen      = ["udp/%d"]
  dev         = "tun%[1]d"
  pki         = pki.o
  server      = "s%[1]d"
  remote      = "vpn.example.com"
}
`, i, 1194+i)
	}
	s.configure(b.String())
	s.timed("the first apply", "apply", "--yes")
	s.timed("destroying it all", "destroy", "--yes")
	s.as(first, "destroying")
	var stopping, most, ended int
	for _, line := range strings.Split(s.sh("journalctl -b -o cat _PID=1 | grep -E '^Stopp(ing|ed) .*[oO]pen[vV][pP][nN]'"), "\n") {
		switch {
		case strings.HasPrefix(line, "Stopping"):
			stopping++
		case strings.HasPrefix(line, "Stopped"):
			stopping, ended = stopping-1, ended+1
		}
		most = max(most, stopping)
	}
	if most < servers/2 || ended != servers {
		t.Errorf("of %d servers that ended, %d were on their way at the same time", ended, most)
	}
}

package system

import (
	"fmt"
	"strings"
	"testing"
)

// whom has a program that ends at once write files. Whether the kernel's word is
// read while it is still there is chance on a busy machine: of several tries
// one is enough.
func (s scene) whom(t *testing.T) {
	s = s.in(t)
	const tries = 10
	var blocks strings.Builder
	for i := range tries {
		fmt.Fprintf(&blocks, "file \"/etc/whom%d\" {\n  content = \"right\\n\"\n}\n", i)
	}
	blocks.WriteString("sysctl \"net.ipv4.tcp_keepalive_time\" {\n  value = 601\n}\n")
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/whom.hcl", []byte(blocks.String()), 0o600))
	s.run("systemctl", "reload", "vpnd")
	s.shortly(fmt.Sprintf("test -e /etc/whom%d", tries-1))
	named := false
	for i := 0; i < tries && !named; i++ {
		s.sh(fmt.Sprintf("sed -i s/right/wrong/ /etc/whom%d", i))
		s.shortly(fmt.Sprintf("grep -q right /etc/whom%d", i))
		named = strings.HasPrefix(s.repaired(fmt.Sprintf(`file["/etc/whom%d"]`, i)).By, "sed (process ")
	}
	if !named {
		t.Error("nobody is told of sed")
	} else {
		s.names(s.vpnd(0, "history"), "by sed (process ")
	}
	// netlink is silent about this key: only who watches the /proc of everybody
	// hears of it.
	s.sh("echo 602 > /proc/sys/net/ipv4/tcp_keepalive_time; sleep 1")
	if d := s.repaired(`sysctl["net.ipv4.tcp_keepalive_time"]`); d.Noticed != "event" || !strings.HasPrefix(d.By, "sh (process ") {
		t.Errorf("a key that nothing else tells of: %+v", d)
	}
	s.run("rm", "/etc/vpnd/whom.hcl")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test ! -e /etc/whom0")
}

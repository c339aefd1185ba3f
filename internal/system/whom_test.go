package system

import (
	"fmt"
	"strings"
	"testing"
)

// everywhere has drift told wherever it can be.
const everywhere = `
vpnd {
  notify { command = ["/bin/sh", "-c", "cat >> /run/told; env >> /run/told"] }
  metrics { textfile = "/run/vpnd.prom" }
}
secret_file "/etc/whom-secret" {
  content = "s3cret-as-wished"
}
`

// explained has a secret drift, and asks everybody who is told of it.
func (s scene) explained() {
	s.t.Helper()
	s.sh("echo s3cret-as-found > /etc/whom-secret; chmod 0644 /etc/whom-secret; sleep 1")
	s.repaired(`secret_file["/etc/whom-secret"]`)
	s.shortly("grep -q whom-secret /run/told")
	told := map[string]string{
		"the command":     s.sh("cat /run/told"),
		"the journal":     s.sh("journalctl -u vpnd -o json --no-pager | grep whom-secret"),
		"history":         s.vpnd(0, "history", `secret_file["/etc/whom-secret"]`),
		"history in JSON": s.vpnd(0, "history", "--json"),
		"status":          s.vpnd(0, "status"),
		"status in JSON":  s.vpnd(0, "status", "--json"),
	}
	for who, text := range told {
		for _, want := range []string{"whom-secret", "drift", "content", "event", "sh (process "} {
			if !strings.Contains(text, want) {
				s.t.Errorf("%s does not tell of %q:\n%s", who, want, text)
			}
		}
		if strings.Contains(text, "s3cret") {
			s.t.Errorf("%s tells the secret:\n%s", who, text)
		}
	}
	s.names(s.sh("cat /run/vpnd.prom"), `vpnd_drift_total{kind="secret_file",reason="drift"} `)
}

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
	blocks.WriteString(everywhere)
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
	s.explained()
	s.run("rm", "/etc/vpnd/whom.hcl")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test ! -e /etc/whom0")
}

package frr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vpnd/internal/resource"
)

// packaged is what Debian's package of FRRouting 8.4.4 brings.
const (
	packagedConf = `# default to using syslog. /etc/rsyslog.d/45-frr.conf places the log in
# /var/log/frr/frr.log
#
# Note:
# FRR's configuration shell, vtysh, dynamically edits the live, in-memory
log syslog informational
`
	packagedDaemons = `# This file tells the frr package which daemons to start.
bgpd=no
ospfd=no

vtysh_enable=yes
zebra_options="  -A 127.0.0.1 -s 90000000"
bgpd_options="   -A 127.0.0.1"
#frr_profile="traditional"
`
)

func TestWhoseAFileIs(t *testing.T) {
	for _, c := range []struct{ name, text, asked string }{
		{"as packaged", packagedConf, ""},
		{"daemons as packaged", packagedDaemons, ""},
		{"ours", "# vpnd: aws_vpn.vpc; what is changed here by hand is put back\nrouter bgp 65000\n", ""},
		{"empty", "", ""},
		{"saved by vtysh without anything", "Building configuration...\n", "Building"},
		{"written anew by FRRouting", "frr version 8.4.4\nfrr defaults traditional\nhostname gw\nlog syslog informational\nservice integrated-vtysh-config\n!\nend\n", ""},
		{"another router", packagedConf + "!\nrouter ospf\n network 10.0.0.0/8 area 0\n", "router"},
		{"another daemon", strings.Replace(packagedDaemons, "ospfd=no", "ospfd=yes", 1), "ospfd=yes"},
		{"another profile", packagedDaemons + "frr_profile=\"datacenter\"\n", `frr_profile="datacenter"`},
		{"a password", "password hush\n", "password"},
	} {
		if got := asked(c.text); got != c.asked {
			t.Errorf("%s: %q, want %q", c.name, got, c.asked)
		}
	}
}

// Where a file can't be looked at, it is nobody's to write.
func TestFree(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "frr.conf")
	ask := func() *resource.Mistake { return Free(file)(t.Context(), resource.Prospect{}) }
	if m := ask(); m != nil {
		t.Errorf("a file that is not there: %v", m)
	}
	if err := os.WriteFile(file, []byte("router rip\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if m := ask(); m == nil || !strings.Contains(m.Summary, `"router"`) || m.Hint == "" || m.Warning {
		t.Errorf("somebody else's: %v", m)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if m := ask(); m == nil || !strings.Contains(m.Summary, "nobody knows whose") {
		t.Errorf("a directory: %v", m)
	}
}

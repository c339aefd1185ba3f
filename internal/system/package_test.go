package system

import (
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vpnd/internal/lab/office"
	"vpnd/internal/nettest"
)

// makeDeb makes the package of a version in a directory, with a umask, and returns
// its path. More is for make.
func makeDeb(t *testing.T, version, umask, dir string, more ...string) string {
	t.Helper()
	script := "umask " + umask + ` && version=$1 dist=$2 && shift 2 && exec make -C ../.. deb VERSION="$version" DIST="$dist" BIN="$dist/vpnd" "$@"`
	cmd := exec.Command("sh", append([]string{"-c", script, "sh", version, dir}, more...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make deb: %v\n%s", err, out)
	}
	found, err := filepath.Glob(dir + "/*.deb")
	if err != nil || len(found) != 1 {
		t.Fatalf("make deb left %q, %v", found, err)
	}
	return found[0]
}

// packaged returns the path of the package of the program under test, which the
// tests share.
func packaged(t *testing.T) string {
	t.Helper()
	making.Do(func() { deb = makeDeb(t, "9.8.7", "022", filepath.Join(filepath.Dir(vpnd), "package")) })
	if deb == "" {
		t.Fatal("there is no package")
	}
	return deb
}

var (
	making sync.Once
	deb    string
)

// alsoHere is what the office's gateway has besides, so that the agent needs
// all that its sandbox leaves it.
const alsoHere = `
vpnd {
  metrics {
    listen   = "127.0.0.1:9586"
    textfile = "/var/lib/node/vpnd.prom"
  }
  notify {
    command = ["/usr/bin/tee", "-a", "/var/lib/node/events"]
  }
}
directory "/var/lib/node" {}
tun "tun7" {
  addresses = ["10.77.0.1/24"]
  mtu       = 1400
  user      = "nobody"
}
route "10.78.0.0/16" {
  dev = tun.tun7.name
  via = "10.77.0.2"
}
sysctl "net.ipv4.conf.tun7.rp_filter" {
  value      = "2"
  depends_on = [tun.tun7]
}
unit "ssh.service" {
  active = true
  dropin "50-limits" { content = "[Service]\nLimitNOFILE=4096\n" }
}
directory "/home/backup" {
  owner = "nobody"
  mode  = "0700"
}
file "/home/backup/key" {
  content    = "theirs\n"
  owner      = "nobody"
  mode       = "0600"
  validate   = ["/usr/bin/grep", "theirs", "{}"]
  depends_on = [directory["/home/backup"]]
}
file "/usr/local/sbin/hook" {
  content = "#!/bin/sh\n"
  mode    = "0755"
}
`

// TestPackage tells the life of the package on a fresh host, on both backends of
// iptables.
func TestPackage(t *testing.T) {
	t.Parallel()
	nettest.Root(t, "to boot hosts")
	const judged = "LINTIAN=true" // the first one, and these are made alike
	first, second := packaged(t), makeDeb(t, "9.9.0", "022", t.TempDir(), judged)
	if out, err := exec.Command("cmp", first, makeDeb(t, "9.8.7", "077", t.TempDir(), judged)).CombinedOutput(); err != nil {
		t.Errorf("the package is not the same when it is made again: %s", out)
	}
	for _, backend := range []string{"nft", "legacy"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			s := alone(t)
			s.ok(s.Gateway.UseIPTables(t.Context(), backend))
			s.run("rm", "/usr/sbin/vpnd")
			s.ok(s.Gateway.Copy(t.Context(), first, "/root/first.deb"))
			s.ok(s.Gateway.Copy(t.Context(), second, "/root/second.deb"))
			t.Run("install", func(t *testing.T) { installs(s.in(t)) })
			t.Run("enable", func(t *testing.T) { enables(s.in(t)) })
			t.Run("sandbox", func(t *testing.T) { worksInItsSandbox(s.in(t)) })
			t.Run("upgrade", func(t *testing.T) { upgrades(s.in(t)) })
			t.Run("boot", func(t *testing.T) { boots(s.in(t)) })
			t.Run("remove", func(t *testing.T) { goesAndComesBack(s.in(t)) })
		})
	}
}

// installs does nothing to the host until somebody says what it shall be.
func installs(s scene) {
	s.run("apt-get", "install", "-y", "/root/first.deb")
	s.names(s.run("vpnd", "version"), "vpnd 9.8.7 ")
	s.names(s.sh("systemctl is-enabled vpnd; systemctl is-active vpnd; true"), "disabled\ninactive")
	s.names(s.run("dpkg", "-L", "vpnd"), "/usr/sbin/vpnd\n", "/lib/systemd/system/vpnd.service\n", "/lib/systemd/system/vpnd-rollback.service\n",
		"/usr/lib/tmpfiles.d/vpnd.conf\n", "/usr/share/man/man8/vpnd.8.gz\n", "/usr/share/man/man5/vpnd.hcl.5.gz\n",
		"/usr/share/bash-completion/completions/vpnd\n", "/usr/share/zsh/vendor-completions/_vpnd\n", "/usr/share/fish/vendor_completions.d/vpnd.fish\n",
		"/usr/share/doc/vpnd/copyright\n", "/etc/vpnd\n", "/var/lib/vpnd\n")
	s.names(s.run("stat", "-c", "%n %a %U", "/etc/vpnd", "/var/lib/vpnd", "/run/vpnd"),
		"/etc/vpnd 750 root", "/var/lib/vpnd 700 root", "/run/vpnd 755 root")
	if said := s.sh("systemd-analyze verify --man=no vpnd.service vpnd-rollback.service 2>&1"); said != "" {
		s.t.Errorf("systemd-analyze verify says:\n%s", said)
	}
	for _, unit := range []string{"vpnd", "vpnd-rollback"} {
		s.sh("systemd-analyze security --no-pager --offline=true --threshold=30 /lib/systemd/system/" + unit + ".service")
	}
}

// enables takes a file and one command.
func enables(s scene) {
	s.ok(s.Configure(s.t.Context(), "../../examples/openvpn-gateway"))
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/vpnd/also.hcl", []byte(alsoHere), 0o600))
	s.run("systemctl", "enable", "--now", "vpnd")
	s.agentConverged()
	s.names(s.run("systemctl", "is-active", "openvpn-server@office"), "active")
	s.names(s.run("systemctl", "is-enabled", "vpnd", "vpnd-rollback"), "enabled\nenabled")
}

// worksInItsSandbox has the agent do what takes every capability, path and call
// that it has.
func worksInItsSandbox(s scene) {
	s.run("systemctl", "reload", "vpnd")
	s.names(s.run("bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/9586 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3`), "vpnd_info")
	for _, mischief := range []string{
		"iptables -t nat -F",
		"sysctl -q -w net.ipv4.ip_forward=0",
		"ip link del tun7",
		"ip route del 10.78.0.0/16",
		"chown root /home/backup && chmod 0644 /home/backup/key && echo more >> /home/backup/key",
		"rm /usr/local/sbin/hook /etc/systemd/system/ssh.service.d/50-limits.conf",
		"systemctl stop openvpn-server@office",
		"rm /var/lib/vpnd/pki/office/certs/server.crt",
		"apt-get remove -y openvpn",
	} {
		s.sh(mischief)
		if out := s.settle(); out != "" {
			s.t.Errorf("%q is not repaired:\n%s\n%s", mischief, out, s.agentJournal())
		}
	}
	s.names(s.sh("for i in $(seq 600); do grep -q package.openvpn /var/lib/node/events && break; sleep 0.1; done; cat /var/lib/node/events"), "ip_forward", "openvpn")
	s.names(s.run("stat", "-c", "%a", "/var/lib/node/vpnd.prom"), "644")
}

// upgrades replaces the program below an agent that runs.
func upgrades(s scene) {
	keys, records, pid := s.keys(), s.run("vpnd", "show"), s.run("systemctl", "show", "-P", "MainPID", "vpnd")
	s.run("apt-get", "-o", "DPkg::Lock::Timeout=60", "install", "-y", "/root/second.deb")
	s.names(s.run("vpnd", "version"), "vpnd 9.9.0 ")
	s.names(s.run("systemctl", "is-active", "vpnd"), "active")
	if now := s.run("systemctl", "show", "-P", "MainPID", "vpnd"); now == pid {
		s.t.Error("the old program still runs")
	}
	s.agentConverged()
	if now := s.keys(); now != keys {
		s.t.Errorf("the upgrade changed keys:\n%s", office.Diff(keys, now))
	}
	if now := s.run("vpnd", "show"); now != records {
		s.t.Errorf("the upgrade changed what is recorded:\n%s", office.Diff(records, now))
	}
}

// boots finds the host converged once it is up, and no unit failed.
func boots(s scene) {
	s.ok(s.Gateway.Stop(s.t.Context()))
	s.ok(s.Gateway.Start(s.t.Context()))
	if units := s.Gateway.Degraded(); len(units) > 0 {
		s.t.Errorf("%q failed at boot:\n%s", units, s.agentJournal())
	}
	if out := s.settle(); out != "" {
		s.t.Errorf("the host is not converged after its boot:\n%s\n%s", out, s.agentJournal())
	}
	if cycle := s.sh("journalctl -b -o cat --no-pager | grep -i 'ordering cycle' || true"); cycle != "" {
		s.t.Error(cycle)
	}
}

// goesAndComesBack leaves the VPN as it is, and the keys even after a purge.
func goesAndComesBack(s scene) {
	keys := s.keys()
	s.names(s.sh("touch /var/lib/vpnd/pending.json; apt-get remove -y vpnd 2>&1; rm /var/lib/vpnd/pending.json"), "first run: vpnd confirm")
	s.names(s.run("systemctl", "is-active", "vpnd"), "active")
	s.run("apt-get", "remove", "-y", "vpnd")
	s.names(s.sh("systemctl is-active vpnd openvpn-server@office; true"), "inactive\nactive")
	s.run("apt-get", "purge", "-y", "vpnd")
	if now := s.keys(); now != keys {
		s.t.Errorf("purging changed keys:\n%s", office.Diff(keys, now))
	}
	s.names(s.sh("ls /etc/vpnd"), "vpn.hcl")
	if left := s.sh("ls -d /run/vpnd 2>/dev/null; find /etc/systemd -name 'vpnd*.service'"); left != "" {
		s.t.Errorf("a purge leaves %s", left)
	}
	s.run("apt-get", "-o", "DPkg::Lock::Timeout=60", "install", "-y", "/root/second.deb")
	s.run("systemctl", "enable", "--now", "vpnd")
	s.agentConverged()
	if now := s.keys(); now != keys {
		s.t.Errorf("the package that came back changed keys:\n%s", office.Diff(keys, now))
	}
}

// keys are the digests and modes of all keys and certificates.
func (s scene) keys() string {
	s.t.Helper()
	return s.sh("cd /var/lib/vpnd && find pki profiles -type f -printf '%p %m\\n' | sort; find pki profiles -type f -print0 | sort -z | xargs -0 sha256sum")
}

// agentConverged wants nothing to do where the agent says that it is ready.
func (s scene) agentConverged() {
	s.t.Helper()
	if out := s.pending(); out != "" {
		s.t.Fatalf("the agent is ready, and the host is not as it shall be:\n%s\n%s", out, s.agentJournal())
	}
}

// settle waits for the agent to have done its work, and returns what is left of
// it.
func (s scene) settle() (left string) {
	s.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if left = s.pending(); left == "" || time.Now().After(deadline) {
			return left
		}
	}
}

// pending is the plan, or empty where nothing is to be done.
func (s scene) pending() string {
	s.t.Helper()
	return strings.TrimSpace(s.sh("vpnd plan --detailed-exitcode >/run/plan 2>&1 || cat /run/plan"))
}

func (s scene) agentJournal() string {
	s.t.Helper()
	return s.run("journalctl", "-b", "-u", "vpnd", "-n", "40", "--no-pager", "-o", "cat")
}

package system

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// earlier is the binary of an earlier version, to record a host that it has
// converged: go test ./internal/system -run TestUpgrade -record /path/of/vpnd
var earlier = flag.String("record", "", "the vpnd that converges a host to be recorded in testdata/upgrade")

// known is what the recorded host shall be. Nothing in it runs out before the
// year 2036, so that time alone changes nothing.
const known = `
pki "office" {
  subject { common_name = "Acme Corp VPN CA" }
  ca_validity   = "14600d"
  cert_validity = "10950d"
  crl_validity  = "10950d"
  server "server" {}
  client "alice" {}
  client "tpham" {}
  client "guest" { revoked = true }
}
openvpn_server "office" {
  listen  = ["tcp/1194"]
  network = "10.8.0.0/24"
  pki     = pki.office
  server  = "server"
  remote  = "vpn.example.com"
  push { routes = ["10.0.0.0/16"] }
  client "alice" { address = "10.8.0.200" }
  pool { end = "10.8.0.199" }
  log = "/var/log/openvpn.log"
}
gateway "office" {
  uplink     = "eth0"
  networks   = [openvpn_server.office.network]
  interfaces = [openvpn_server.office.dev]
}
firewall "office" {
  input {
    in     = [openvpn_server.office.dev]
    action = "accept"
  }
  output {
    out    = [openvpn_server.office.dev]
    action = "accept"
  }
}
chain "ip6/mangle/VPND-MARK" {
  hook  = "PREROUTING"
  rules = ["-p tcp --dport 443 -j MARK --set-mark 7"]
}
unit "ssh.service" {
  active = true
  dropin "50-limits" { content = "[Service]\nLimitNOFILE=4096\n" }
}
directory "/etc/acme" {}
file "/etc/acme/motd" {
  content    = "welcome\n"
  mode       = "0640"
  depends_on = [directory["/etc/acme"]]
}
secret_file "/etc/acme/token" {
  content    = "t0ken-of-acme"
  depends_on = [directory["/etc/acme"]]
}
file "/etc/issue.net" { content = "Acme\n" }
sysctl "net.ipv4.conf.eth0.rp_filter" { value = "2" }
private_key "/etc/acme/key" { depends_on = [directory["/etc/acme"]] }
`

// taken is what of a converged host is recorded: what the apply has written, and
// what of the kernel must be as it was.
const taken = `
for t in iptables ip6tables; do $t-save | grep -v '^#' > /root/$t; done
sysctl net.ipv4.ip_forward net.ipv4.conf.eth0.rp_filter > /root/sysctl
find /etc /run/sysctl.d /var/lib/openvpn /var/lib/vpnd /root/iptables /root/ip6tables /root/sysctl -newer /root/begin ! -path /etc -print0 |
  tar --no-recursion -czf /root/host.tar.gz --null -T -
`

// TestUpgrade puts this vpnd onto hosts that earlier ones have converged, as
// they were recorded: it reads their state, has nothing to do, and restarts
// nobody. Then it undoes, changes and destroys what they made.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if *earlier != "" {
		record(t)
	}
	hosts, err := filepath.Glob("testdata/upgrade/*.tar.gz")
	if err != nil || len(hosts) == 0 {
		t.Fatalf("no host is recorded: %v", err)
	}
	for _, host := range hosts {
		t.Run(strings.TrimSuffix(filepath.Base(host), ".tar.gz"), func(t *testing.T) { upgradesHost(alone(t), host) })
	}
}

// record has the earlier vpnd converge a host in two applies, revokes a person
// in the second, and keeps the result.
func record(t *testing.T) {
	s := alone(t)
	s.ok(s.Gateway.Copy(t.Context(), *earlier, "/usr/sbin/vpnd"))
	s.sh("touch /root/begin; sleep 1")
	s.configure(strings.NewReplacer(`{ revoked = true }`, `{}`, "welcome", "hello").Replace(known))
	s.apply()
	s.configure(known)
	s.apply()
	s.sh(taken)
	data, err := s.Gateway.ReadFile("/root/host.tar.gz")
	s.ok(err)
	name := strings.Fields(s.run("vpnd", "version"))[1]
	s.ok(os.MkdirAll("testdata/upgrade", 0o755))
	s.ok(os.WriteFile("testdata/upgrade/"+name+".tar.gz", data, 0o644))
}

func upgradesHost(s scene, recorded string) {
	s.ok(s.Gateway.Copy(s.t.Context(), recorded, "/root/host.tar.gz"))
	s.sh(`tar -C / -xpzf /root/host.tar.gz && systemctl daemon-reload && systemctl restart ssh &&
		sysctl -q -p /root/sysctl && iptables-restore /root/iptables && ip6tables-restore /root/ip6tables &&
		systemctl start openvpn-server@office`)
	processes := s.sh("systemctl show -P MainPID ssh openvpn-server@office")
	keys := s.keys()

	s.converged()
	s.vpnd(0, "drift")
	s.names(s.vpnd(0, "history"), "apply")
	s.names(s.vpnd(0, "show"), "openvpn-server@office.service", "ip/nat/VPND-GW-office")
	s.names(s.vpnd(0, "apply", "--yes"), "Nothing to do")
	if now := s.sh("systemctl show -P MainPID ssh openvpn-server@office"); now != processes {
		s.t.Errorf("the upgrade restarted somebody: processes %q, and before %q", now, processes)
	}
	if now := s.keys(); now != keys {
		s.t.Errorf("the upgrade changed keys:\nbefore:\n%s\nnow:\n%s", keys, now)
	}

	s.apart()

	s.vpnd(0, "rollback", "--yes")
	s.names(s.sh("cat /etc/acme/motd"), "hello")
	s.apply()
	s.names(s.sh("cat /etc/acme/motd"), "welcome")
	s.vpnd(0, "destroy", "--yes")
	if left := s.sh("iptables-save | grep VPND; systemctl is-active openvpn-server@office | grep -x active; ls /etc/openvpn/server/office.conf /etc/acme 2>/dev/null; true"); left != "" {
		s.t.Errorf("destroying what an earlier vpnd made leaves:\n%s", left)
	}
	s.names(s.sh("cat /etc/issue.net"), "Debian")
	s.apart()
	s.vpnd(0, "destroy", "--yes", "--purge")
	if left := s.sh(`grep -rlE "t0ken-of-acme|PRIVATE KEY" /var/lib/vpnd || true`); left != "" {
		s.t.Errorf("a purge leaves secrets in:\n%s", left)
	}
}

// apart looks for secrets in the state: those of an earlier vpnd have been set
// apart from what is in force and what undoes it.
func (s scene) apart() {
	s.t.Helper()
	if found := s.sh(`cd /var/lib/vpnd && grep -rlE "t0ken-of-acme|PRIVATE KEY" *.json *.jsonl snapshots || true`); found != "" {
		s.t.Errorf("secrets stand in:\n%s", found)
	}
}

package system

import (
	"strings"
	"testing"
)

const (
	small = `sysctl "net.ipv4.ip_forward" { value = "1" }
directory "/etc/acme" {}
file "/etc/acme/motd" {
  content    = "one\n"
  depends_on = [directory["/etc/acme"]]
}
secret_file "/etc/acme/token" {
  content    = "t0ken-of-one"
  depends_on = [directory["/etc/acme"]]
}
chain "ip/filter/VPND-ACME" {
  hook  = "INPUT"
  rules = ["-p tcp --dport 22 -j ACCEPT"]
}
unit "theirs.service" {
  active    = true
  on_change = "restart"
  dropin "acme" { content = "[Service]\nNice=1\n" }
}
`
	other = `directory "/etc/acme" { mode = "0750" }
file "/etc/acme/motd" {
  content    = "two\n"
  depends_on = [directory["/etc/acme"]]
}
secret_file "/etc/acme/token" {
  content    = "t0ken-of-two"
  depends_on = [directory["/etc/acme"]]
}
file "/etc/acme/more" {
  content    = "more\n"
  depends_on = [directory["/etc/acme"]]
}
chain "ip/filter/VPND-ACME" {
  hook  = "INPUT"
  at    = "bottom"
  rules = ["-p tcp --dport 2222 -j ACCEPT"]
}
unit "theirs.service" {
  active    = true
  on_change = "restart"
  dropin "acme" { content = "[Service]\nNice=2\n" }
}
`
)

// TestRollback undoes an apply: the host is as before it, and so is what vpnd
// knows.
func TestRollback(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	first := s.print()

	s.configure(small)
	s.apply()
	one := s.print()
	s.configure(other)
	s.apply()
	s.vpnd(0, "rollback", "--yes")
	s.as(one, "rolling back")
	s.configure(small)
	s.converged()
	s.names(s.vpnd(0, "drift"), "No drift")

	s.vpnd(0, "rollback", "--yes")
	s.as(first, "rolling back the first apply")
	s.vpnd(1, "rollback", "--yes")

	s.apply()
	s.vpnd(0, "destroy", "--yes")
	s.as(first, "destroying")
}

// TestRollbackOnFailure fails late in an apply and wants nothing of it to be
// left.
func TestRollbackOnFailure(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	for _, before := range []string{"", small} {
		if before != "" {
			s.configure(before)
			s.apply()
		}
		was := s.print()
		s.configure(other + `
file "/etc/acme/last.sh" {
  content    = "if then"
  validate   = ["sh", "-n", "{}"]
  depends_on = [unit["theirs.service"], chain["ip/filter/VPND-ACME"], file["/etc/acme/more"]]
}`)
		s.names(s.vpnd(5, "apply", "--yes", "--rollback-on-failure"), "sh refuses the new content", "(rolled back)")
		s.as(was, "an apply that failed")
	}
	s.configure(small)
	s.converged()

	s.configure(other + `
unit "theirs-too.service" { active = true }
`)
	s.sh(`printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' >/etc/systemd/system/theirs-too.service && systemctl daemon-reload`)
	was := s.print()
	s.vpnd(5, "apply", "--yes", "--rollback-on-failure")
	s.as(was, "an apply that failed at a unit")
}

// TestSavedPlan applies a saved plan while it fits, and not after the host or
// the configuration moved.
func TestSavedPlan(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	s.configure(small)
	s.vpnd(0, "plan", "--out", "/root/plan")
	s.lacks(s.sh("cat /root/plan"), "t0ken-of-one")
	s.names(s.sh("stat -c %a /root/plan"), "600")
	s.configure(strings.Replace(small, "one\\n", "eins\\n", 1))
	s.names(s.vpnd(1, "apply", "--yes", "/root/plan"), "stale")
	s.configure(small)
	s.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
	s.names(s.vpnd(1, "apply", "--yes", "/root/plan"), "stale")
	s.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
	s.vpnd(0, "apply", "--yes", "/root/plan")
	s.converged()
	s.vpnd(1, "apply", "--yes", "/root/plan")
}

// TestOperators use the commands around plan and apply.
func TestOperators(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	s.configure(small)

	s.vpnd(0, "apply", "--yes", "--target", `file["/etc/acme/motd"]`)
	s.names(s.sh("cat /etc/acme/motd; sysctl net.ipv4.ip_forward"), "one", "net.ipv4.ip_forward = 0")
	s.vpnd(2, "plan", "--detailed-exitcode")
	s.apply()

	s.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
	s.vpnd(3, "plan", "--detailed-exitcode")
	s.configure(strings.Replace(small, "one\\n", "eins\\n", 1))
	s.vpnd(4, "plan", "--detailed-exitcode")
	s.names(s.vpnd(3, "drift", "--json"), `"resource_drift"`, `"format_version"`, "net.ipv4.ip_forward")
	s.apply()

	secret := s.vpnd(0, "show", `secret_file["/etc/acme/token"]`)
	s.names(secret, "(sensitive)")
	s.lacks(secret+s.vpnd(0, "show")+s.vpnd(0, "history", "--long")+s.vpnd(0, "history", "--json"), "t0ken-of-one")
	s.names(s.vpnd(0, "history", "--long"), "apply", `update file["/etc/acme/motd"] (configuration)`, "vpnd rollback")
	s.names(s.vpnd(1, "show", "file.nothing"), "nothing is recorded")

	s.vpnd(0, "forget", `file["/etc/acme/motd"]`)
	s.configure(strings.ReplaceAll(small, `file "/etc/acme/motd"`, `file "/etc/acme/other"`))
	s.apply()
	s.names(s.sh("cat /etc/acme/motd"), "eins")

	s.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0")
	s.names(s.vpnd(1, "apply"), "--yes")
	s.names(s.vpnd(0, "graph"), "digraph", `file[\"/etc/acme/other\"]`)
	s.names(s.vpnd(0, "explain", "chain.rules"), "iptables")
	s.names(s.vpnd(1, "init"), "not overwritten")
}

// TestStateLost loses all that vpnd remembers: the next apply finds its own
// things by their marks and makes none of them twice.
func TestStateLost(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Foreigners(t.Context()))
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.apply()
	one := s.print()

	s.sh("cd /var/lib/vpnd && rm -rf *.json* key priors snapshots lock")
	s.apply()
	s.as(one, "an apply without the state")
	for _, chain := range strings.Fields(s.sh(`iptables-save | sed -n 's/^:\(VPND[^ ]*\).*/\1/p' | sort -u`)) {
		jumps := s.sh(`for t in filter nat mangle; do iptables -t $t -S | grep -E -- "-j ` + chain + `$" | sed "s/^/$t /"; done | cut -d' ' -f1 | sort | uniq -d`)
		if jumps != "" {
			t.Errorf("%s has several jumps in %s", chain, jumps)
		}
	}
	s.sh("cd /var/lib/vpnd && rm -rf *.json* key priors snapshots lock")
	s.run("iptables", "-t", "nat", "-F", "VPND-GW-office")
	s.names(s.vpnd(3, "plan", "--detailed-exitcode"), "drifted")
	s.apply()
	s.as(one, "an apply without the state of a drifted host")
}

// TestRollbackOfAClient undoes an apply that let somebody in. The certificate may
// have left the host, so it is revoked, by the rollback itself.
func TestRollbackOfAClient(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.apply()
	s.sh(`sed -i 's/  client "alice" {}/&\n  client "mallory" {}/' /etc/vpnd/vpn.hcl; grep -q mallory /etc/vpnd/vpn.hcl`)
	s.apply()
	s.sh("cp /var/lib/vpnd/pki/office/certs/mallory.crt /root")
	s.names(s.vpnd(0, "rollback", "--yes"), "revoked")
	s.sh("test ! -e /var/lib/vpnd/pki/office/certs/mallory.crt; test ! -e /var/lib/vpnd/profiles/office/mallory.ovpn")
	s.sh("sed -i /mallory/d /etc/vpnd/vpn.hcl")
	s.converged()
	out, _ := s.Gateway.Run(t.Context(), "sh", "-c", "cd /etc/openvpn/server/office && openssl verify -crl_check -CAfile ca.crt -CRLfile crl.pem /root/mallory.crt 2>&1")
	s.names(out, "revoked")
}

// TestRollbackOfWhatWasKilled kills an apply half-way, has another one bring it to
// its end, and wants a rollback to go back to before both.
func TestRollbackOfWhatWasKilled(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.sh(services)
	s.configure(works)
	s.apply()
	was := s.print()
	s.configure(hangs)
	s.sh("systemd-run -q --unit hanging vpnd apply --yes; for i in $(seq 300); do test $(systemctl is-active slow.service) = activating && exit 0; sleep 0.1; done; exit 1")
	s.sh("systemctl kill -s KILL hanging; while systemctl is-active -q hanging; do sleep 0.1; done; systemctl stop slow.service; systemctl reset-failed")
	s.names(s.sh("iptables -S VPND-DOOR"), "DROP")
	s.sh("sed -i 's/sleep 300/sleep 0.1/; s/oneshot/oneshot\\nRemainAfterExit=yes/' /etc/systemd/system/slow.service; systemctl daemon-reload")
	s.names(s.vpnd(2, "plan", "--detailed-exitcode"), "slow.service")
	s.apply()
	s.vpnd(0, "rollback", "--yes")
	s.sh("sed -i 's/sleep 0.1/sleep 300/; /RemainAfterExit/d' /etc/systemd/system/slow.service; systemctl daemon-reload")
	s.as(was, "a rollback of what was killed and brought to its end")
	s.configure(works)
	s.converged()
}

package system

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"vpnd/internal/lab/office"
)

// agentStatus is what the tests read of vpnd status --json.
type agentStatus struct {
	Running    bool
	Mode       string
	Ready      bool
	Drift      []agentDrift
	Recent     []agentDrift
	Flapping   []struct{ ID, By string }
	Suppressed *struct{ IDs []string }
	Reconcile  *struct{ Seconds float64 }
	CRLs       []struct{ Fresh bool }
	Certs      []struct{ Fresh bool }                      `json:"certificates"`
	Servers    []struct{ Clients []struct{ Name string } } `json:"openvpn_servers"`
}

type agentDrift struct{ ID, By, Reason, Noticed, Outcome string }

// agent installs the unit of the agent and starts it; systemctl returns once it
// is ready.
func (s scene) agent() {
	s.t.Helper()
	unit, err := os.ReadFile("../../packaging/vpnd.service")
	s.ok(err)
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/systemd/system/vpnd.service", unit, 0o644))
	s.ok(s.Gateway.WriteFile(s.t.Context(), "/etc/default/vpnd", []byte("VPND_VAR_remote="+office.Remote+"\n"), 0o600))
	s.run("systemctl", "daemon-reload")
	s.run("timeout", "120", "systemctl", "start", "vpnd")
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.tellsOfTheAgent()
		}
	})
}

// tellsOfTheAgent logs the end of the agent's journal, and what each of its goroutines
// is at, which ends it.
func (s scene) tellsOfTheAgent() {
	s.t.Helper()
	const tell = `journalctl -u vpnd -n 60 --no-pager -o cat
timeout 10 systemctl status --no-pager -n 0 vpnd
timeout 10 systemctl list-jobs --no-pager
pkill -QUIT -x vpnd && sleep 2 && journalctl -u vpnd -n 600 --no-pager -o cat | sed -n '/^SIGQUIT/,$p'`
	out, _ := s.Gateway.Run(context.Background(), "sh", "-c", tell)
	s.t.Logf("of the agent:\n%s", out)
}

// agentStops ends the agent, or tells what keeps it.
func (s scene) agentStops() {
	s.t.Helper()
	if _, err := s.Gateway.Run(s.t.Context(), "timeout", "90", "systemctl", "stop", "vpnd"); err != nil {
		s.tellsOfTheAgent()
		s.t.Fatalf("the agent does not end: %v", err)
	}
}

// agentRemoved ends the agent and takes away what [scene.agent] installed.
func (s scene) agentRemoved() {
	s.t.Helper()
	s.sh("systemctl disable -q --now vpnd; rm /etc/systemd/system/vpnd.service /etc/default/vpnd; systemctl daemon-reload")
}

// agentAnew restarts the agent, as often as a test wants, which systemd takes for a unit
// that crashes again and again (StartLimitBurst=, systemd.unit(5)).
func (s scene) agentAnew() {
	s.t.Helper()
	s.sh("systemctl reset-failed vpnd; timeout 120 systemctl restart vpnd")
}

// against does something that the agent works against: a job that stops a unit is canceled
// by a start that the agent asks for meanwhile, and is asked for again.
func (s scene) against(script string) {
	s.t.Helper()
	s.within(longest, "done: "+script, script)
}

// status is what the agent tells, with the exit status of the command.
func (s scene) status() (agentStatus, int) {
	s.t.Helper()
	out, code, err := s.VPND(s.t.Context(), "status", "--json")
	s.ok(err)
	var a agentStatus
	s.ok(json.Unmarshal([]byte(out), &a))
	return a, code
}

// longest is how long something is waited for that comes in a second or two, and
// later on a busy machine.
const longest = time.Minute

// shortly waits until a script succeeds on the gateway.
func (s scene) shortly(script string) {
	s.t.Helper()
	s.sh(fmt.Sprintf(`read now rest </proc/uptime
end=$((${now%%%%.*} + %[1]d))
until (%[2]s) >/dev/null 2>&1; do
	read now rest </proc/uptime
	test ${now%%%%.*} -lt $end || { echo 'not within %[1]d seconds' >&2; exit 1; }
	sleep 0.05
done`, int(longest.Seconds()), script))
}

// repaired waits until the agent tells of a repair of that resource, the newest
// one, and returns the record.
func (s scene) repaired(id string) agentDrift {
	s.t.Helper()
	for deadline := time.Now().Add(longest); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		a, _ := s.status()
		for _, d := range a.Recent {
			if strings.HasPrefix(d.ID, id) && len(a.Drift) == 0 {
				return d
			}
		}
	}
	s.t.Fatalf("no repair of %s is told:\n%s", id, s.sh("vpnd status; true"))
	return agentDrift{}
}

func TestAgent(t *testing.T) {
	t.Parallel()
	s := alone(t)
	s.ok(s.Configure(t.Context(), "../../examples/openvpn-gateway"))
	s.agent()
	s.sh("test $(systemctl is-active vpnd) = active")
	s.converged()
	s.shortly("vpnd status | grep -q 'Revocation lists'")
	if a, code := s.status(); code != 0 || !a.Running || !a.Ready || a.Mode != "enforce" || len(a.Certs) == 0 || len(a.CRLs) == 0 || len(a.Servers) != 1 {
		t.Fatalf("status after the start (exit %d): %+v", code, a)
	}
	t.Run("whom", s.whom)
	t.Run("meanwhile", s.meanwhile)
	t.Run("invalid", s.invalid)
	t.Run("windows", s.windows)
	t.Run("observes", s.observes)
	t.Run("held", s.held)
	t.Run("boots", s.boots)
	t.Run("stops", s.stops)
}

// boots has the gateway boot with a file of the server's gone wrong meanwhile.
func (s scene) boots(t *testing.T) {
	s = s.in(t)
	s.run("systemctl", "enable", "-q", "vpnd")
	s.sh("systemctl stop vpnd; echo verb 9 >> /etc/openvpn/server/office.conf; sync")
	s.ok(s.Gateway.Stop(t.Context()))
	s.ok(s.Gateway.Start(t.Context()))
	s.sh("timeout 60 systemctl is-system-running --wait; true")
	s.shortly("systemctl is-active openvpn-server@office && vpnd status && ! vpnd status --json | grep -q booting")
	s.sh(eventually(nothingLeft)) // what the server is owed is paid once the host has booted
	order := s.sh("for u in vpnd.service network-pre.target openvpn-server@office.service; do systemctl show -P ActiveEnterTimestampMonotonic $u; done")
	var agent, network, server int
	if _, err := fmt.Sscan(order, &agent, &network, &server); err != nil || agent > network || network > server || agent == 0 {
		t.Errorf("ready at %d, the network from %d, the server at %d: %v", agent, network, server, err)
	}
	if a, _ := s.status(); len(a.Drift) > 0 {
		t.Errorf("drift after the boot: %+v", a.Drift)
	}
	s.lacks(s.sh("journalctl -b -u vpnd -o cat"), "failed", "refuse")
}

// invalid drops a mistake into the running agent.
func (s scene) invalid(t *testing.T) {
	s = s.in(t)
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/zz.hcl", []byte("sysctl \"net.ipv4.ip_forward\" {\n  valu = 1\n}\n"), 0o600))
	s.sh("! systemctl reload vpnd")
	s.names(s.sh("journalctl -u vpnd -o cat"), "the files are not taken; what was in force stays so")
	s.shortly("vpnd status | grep -q zz.hcl:2")
	s.names(s.vpnd(1, "status"), "zz.hcl:2", "valu")
	s.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
	s.shortly("grep -q 1 /proc/sys/net/ipv4/ip_forward")
	s.agentAnew()
	s.sh("iptables -t nat -F")
	s.shortly("iptables-save -t nat | grep -q VPND")
	// Nor is one taken that only the host can tell to be wrong.
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/zz.hcl", []byte("chain \"ip/filter/VPND-ODD\" {\n  rules = [\"-m nonsense -j DROP\"]\n}\n"), 0o600))
	s.sh("! systemctl reload vpnd")
	s.shortly("vpnd status | grep -q nonsense")
	s.names(s.vpnd(1, "status"), "The host would refuse", "VPND-ODD")
	s.sh("iptables -t nat -F")
	s.shortly("iptables-save -t nat | grep -q VPND")
	s.run("rm", "/etc/vpnd/zz.hcl")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("vpnd status")
}

// windows has a certificate enter its renewal window while the agent runs, of
// which nobody tells.
func (s scene) windows(t *testing.T) {
	s = s.in(t)
	began := time.Now()
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/window.hcl", []byte(`vpnd { interval = "1h" }
private_key "/etc/window.key" { algorithm = "ecdsa-p256" }
certificate "/etc/window.crt" {
  key          = private_key["/etc/window.key"].name
  usage        = "signing"
  validity     = "20m"
  renew_before = "1192s" # from the eighth second on
  subject { common_name = "window" }
}
`), 0o600))
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test -e /etc/window.crt")
	const id = `certificate["/etc/window.crt"]`
	l, _ := s.until("renew a certificate in its window", func(l agentTold) bool { return l.repair(id, began) != nil })
	if d := l.repair(id, began); d != nil && (d.Noticed != "timer" || d.Reason != "renewal" || !strings.Contains(d.moved(), `fresh false instead of true`)) {
		t.Errorf("a certificate in its window: %+v", *d)
	}
	s.names(s.sh("journalctl -u vpnd -o json VPND_NOTICED=timer"), "/etc/window.crt", `"VPND_REASON":"renewal"`)
	s.run("rm", "/etc/vpnd/window.hcl")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test ! -e /etc/window.crt && vpnd status")
}

// observes has the agent only look.
func (s scene) observes(t *testing.T) {
	s = s.in(t)
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/mode.hcl", []byte("vpnd {\n  mode = \"observe\"\n  metrics {\n    listen = \"127.0.0.1:9586\"\n  }\n}\n"), 0o600))
	s.run("systemctl", "reload", "vpnd")
	s.shortly("vpnd status | grep -q observing")
	s.sh("iptables -t nat -F")
	s.shortly("vpnd status --json | grep -q '\"outcome\": \"reported\"'")
	s.sh("! iptables-save -t nat | grep -q -- '-j VPND'")
	a, code := s.status()
	if code != 3 || len(a.Drift) == 0 || !strings.HasPrefix(a.Drift[0].By, "iptables") {
		t.Errorf("status of an observer (exit %d): %+v", code, a)
	}
	s.names(s.vpnd(0, "history", "-n", "1"), "drift, ", "by iptables", "reported")
	s.names(s.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9586; printf 'GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&3; cat <&3"), `vpnd_drifted_resources{kind="chain"}`, `mode="observe"`, "vpnd_certificate_not_after_timestamp_seconds")
	s.run("rm", "/etc/vpnd/mode.hcl")
	s.apply() // which ends the observing, too
	s.shortly("vpnd status --json | grep -q '\"mode\": \"enforce\"'")
	s.sh("iptables -t nat -F")
	s.shortly("iptables-save -t nat | grep -q -- '-j VPND'")
}

// held undoes an apply, which the agent does not do again.
func (s scene) held(t *testing.T) {
	s = s.in(t)
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/more.hcl", []byte("file \"/etc/more\" {\n  content = \"more\\n\"\n}\n"), 0o600))
	s.vpnd(0, "apply", "--yes")
	s.shortly("vpnd status --json | grep -q '\"resources\"'")
	s.sh("echo less > /etc/more")
	s.shortly("grep -q more /etc/more")
	s.vpnd(0, "rollback", "--yes")
	s.sh("test ! -e /etc/more; sleep 1; test ! -e /etc/more")
	s.run("systemctl", "reload", "vpnd")
	s.agentAnew()
	s.sh("sleep 1; test ! -e /etc/more")
	s.sh("iptables -t nat -F")
	s.shortly("iptables-save -t nat | grep -q -- '-j VPND'")
	if a, _ := s.status(); a.Suppressed == nil {
		t.Error("nothing is said to be held")
	}
	s.ok(s.Gateway.WriteFile(t.Context(), "/etc/vpnd/other.hcl", []byte("file \"/etc/other\" {\n  content = \"other\\n\"\n}\n"), 0o600))
	s.shortly("vpnd status | grep 'files have changed since'")
	s.run("systemctl", "reload", "vpnd")
	s.shortly("test -e /etc/other; test ! -e /etc/more")
	s.sh("echo 'file {' > /etc/vpnd/bad.hcl")
	s.shortly("vpnd status | grep bad.hcl")
	s.sh("rm /etc/vpnd/bad.hcl")
	s.shortly("vpnd status | grep 'Suppressed since' && ! vpnd status | grep -e bad.hcl -e 'files have changed'")
	s.vpnd(0, "apply", "--yes")
	s.sh("rm /etc/more")
	s.shortly("grep -q more /etc/more")
	s.sh("sleep 3; ! vpnd status | grep -e Suppressed -e 'files have changed'")
}

// stops ends the agent; the host stays as it is.
func (s scene) stops(t *testing.T) {
	s = s.in(t)
	before := s.print()
	s.run("systemctl", "stop", "vpnd")
	s.names(s.sh("systemctl show vpnd -p Result -p ExecMainStatus"), "Result=success", "ExecMainStatus=0")
	s.as(before, "the end of the agent")
	s.names(s.vpnd(1, "status"), "does not run")
}

package system

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"vpnd/internal/lab/office"
)

// TestPlanningWritesNothing watches the system calls of vpnd plan and vpnd
// drift, on a fresh host, an applied one and a drifted one.
func TestPlanningWritesNothing(t *testing.T) {
	t.Parallel()
	for _, backend := range []string{"nft", "legacy"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			planned(t, backend)
		})
	}
}

func planned(t *testing.T, backend string) {
	s := alone(t, "wireguard-go")
	s.ok(s.Gateway.UseIPTables(t.Context(), backend))
	all := everything(t)
	if s.lacking("xfrm_interface") != "" {
		delete(all, "xfrm_interface.hcl")
	}
	s.keep(map[string]map[string]string{"": all})
	s.ok(s.Write(t.Context(), all))

	fresh := s.strace(0, "plan")
	s.innocent(fresh)
	if !fresh.has(func(c call) bool { return c.apart && c.name == "execve" && strings.Contains(c.args, "-restore") }) {
		t.Error("rules were not rehearsed, or the trace doesn't show it")
	}

	apply := s.strace(0, "apply", "--yes")
	for _, fault := range []string{
		"opens to write /etc/", "changes /etc/", "runs a program that may write", "changes something by NETLINK_ROUTE", "by D-Bus",
		map[string]string{"nft": "iptables-nft-restore", "legacy": "replaces a table of rules"}[backend],
	} {
		if !slices.ContainsFunc(apply.faults(), func(f string) bool { return strings.Contains(f, fault) }) {
			t.Errorf("an apply was traced, and there is nothing that %s", fault)
		}
	}

	for _, command := range []string{"plan", "drift"} {
		quiet := s.strace(0, command)
		s.innocent(quiet)
		for what, fits := range map[string]func(call) bool{
			"a call of D-Bus":   func(c call) bool { return dbusCall.MatchString(c.args) },
			"netlink":           func(c call) bool { return strings.HasPrefix(c.name, "send") && netlinkSocket.MatchString(c.args) },
			"iptables-save":     func(c call) bool { return c.name == "execve" && strings.Contains(c.args, "-save") },
			"a file being read": func(c call) bool { return strings.Contains(c.args, "office.conf") },
		} {
			if !quiet.has(fits) {
				t.Errorf("the trace of vpnd %s doesn't show %s", command, what)
			}
		}
	}
	for _, m := range office.Mischiefs() {
		s.run(m.Argv...)
	}
	s.innocent(s.strace(3, "drift"))
	s.innocent(s.strace(0, "plan"))
	if s.lacking("xfrm_interface") != "" { // which is tried apart, where nobody sees it
		s.ok(s.Write(t.Context(), map[string]string{"xfrm_interface.hcl": exampleFiles(t, "../../examples/kinds")["xfrm_interface.hcl"]}))
		s.innocent(s.strace(1, "plan"))
	}
}

// everything is the example of the office and those of all kinds.
func everything(t *testing.T) map[string]string {
	t.Helper()
	files := exampleFiles(t, "../../examples/kinds")
	for name, text := range exampleFiles(t, "../../examples/openvpn-gateway") {
		files[name] = text
	}
	return files
}

// strace runs vpnd on the gateway under strace, which stays outside, and
// returns the trace.
func (s scene) strace(want int, args ...string) trace {
	s.t.Helper()
	prefix := filepath.Join(s.t.TempDir(), "trace")
	inside := s.Gateway.Command(s.t.Context(), office.Argv(args...)...)
	argv := append([]string{"-ff", "-yy", "-s", "8192", "--decode-pids=pidns", traced, "-o", prefix}, inside.Args...)
	cmd := exec.CommandContext(s.t.Context(), "strace", argv...)
	cmd.Env = inside.Env
	out, err := cmd.CombinedOutput()
	if status := cmd.ProcessState.ExitCode(); status != want {
		s.t.Fatalf("strace of vpnd %s ended with %d (%v):\n%s", strings.Join(args, " "), status, err, out)
	}
	calls, err := readTrace(prefix)
	s.ok(err)
	return calls
}

// innocent wants a trace without any change.
func (s scene) innocent(calls trace) {
	s.t.Helper()
	for _, fault := range calls.faults() {
		s.t.Error(fault)
	}
}

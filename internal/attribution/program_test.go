package attribution_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"vpnd/internal/attribution"
)

// The other vpnd is a shell of that name.
func TestAnotherVpndAndWhatItStartsAreNotNamed(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(t.TempDir(), "vpnd")
	if err := os.WriteFile(exe, shell, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-c", "sleep 60 & echo $!; wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{cmd.Process.Pid, child} {
		if name := attribution.Program(pid); name != "" || !attribution.OfVpnd(pid) {
			t.Errorf("process %d is named %q", pid, name)
		}
	}
	if self := os.Getpid(); attribution.OfVpnd(self) || attribution.OfVpnd(1) || attribution.OfVpnd(-1) {
		t.Error("strangers pass for vpnd")
	}
}

// A program calls itself what it likes.
func TestNamesDoNotReachATerminalAsTheyAre(t *testing.T) {
	for comm, want := range map[string]string{
		"sed":              "sed (process 7)",
		"a) S 1 (b":        "a) S 1 (b (process 7)",
		"\x1b[2J\nx\u009b": "?[2J?x? (process 7)",
		"":                 "",
	} {
		if got := attribution.Named(comm, 7); got != want {
			t.Errorf("%q is called %q, want %q", comm, got, want)
		}
	}
}

func TestProgramsAreNamedWhileTheyRun(t *testing.T) {
	if got := attribution.Program(os.Getpid()); got != "" {
		t.Errorf("the process itself is %q", got)
	}
	if got := attribution.Program(-5); got != "" {
		t.Errorf("no process is %q", got)
	}
	comm, err := os.ReadFile("/proc/1/comm")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := attribution.Program(1), string(comm[:len(comm)-1])+" (process 1)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

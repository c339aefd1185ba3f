package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vpnd/internal/nettest"
)

// vpnd returns the command with a root file system of its own, in which the
// configuration is.
func vpnd(t *testing.T, config string, args ...string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	root := t.TempDir()
	if err == nil {
		err = os.MkdirAll(filepath.Join(root, "etc/vpnd"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "etc/vpnd/a.hcl"), []byte(config), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(args, "--root", root)...)
	cmd.Args[0] = "vpnd" // as testscript knows it
	return cmd, root
}

// A program that vpnd runs sees no values of variables.
func TestVariablesAreNotInherited(t *testing.T) {
	nettest.Root(t, "to give files to it")
	told := filepath.Join(t.TempDir(), "env")
	cmd, root := vpnd(t, `variable "psk" { sensitive = true }
secret_file "/etc/a" {
  content  = var.psk
  validate = ["sh", "-c", "env > $0; : $1", "`+told+`", "{}"]
}
`, "apply", "--yes")
	cmd.Env = append(os.Environ(), "VPND_VAR_psk=hush", "KEPT=yes")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, err := os.ReadFile(filepath.Join(root, "etc/a")); err != nil || string(got) != "hush" {
		t.Errorf("%q (%v)", got, err)
	}
	env, err := os.ReadFile(told)
	if err != nil || strings.Contains(string(env), "hush") || !strings.Contains(string(env), "KEPT=yes") {
		t.Errorf("the validator was run with\n%s(%v)", env, err)
	}
}

// Nobody finds a key in a core dump of vpnd, or of a program that it runs.
func TestNoCoreIsLeft(t *testing.T) {
	nettest.Root(t, "to give files to it")
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &was) })
	cmd, _ := vpnd(t, `file "/etc/a" {
  content  = "a"
  validate = ["sh", "-c", "grep -h '^Max core file size *0 *0 ' /proc/$PPID/limits /proc/$$/limits | wc -l | grep -qx 2", "{}"]
}
`, "apply", "--yes")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// An apply whose reader is gone, or whose session hangs up, is not half done.
func TestApplyOutlivesItsSession(t *testing.T) {
	nettest.Root(t, "to give files to it")
	config := `file "/etc/a" {
  content  = "a"
  validate = ["sh", "-c", "kill -HUP $PPID; sleep 0.2", "{}"]
}
file "/etc/b" {
  content    = "b"
  depends_on = [file["/etc/a"]]
}
`
	cmd, root := vpnd(t, config, "apply", "--yes")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = writer, writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	for lines := bufio.NewScanner(reader); lines.Scan() && !strings.HasPrefix(lines.Text(), "Plan:"); {
	}
	reader.Close()
	_ = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		t.Errorf("it was ended by %v", status.Signal())
	}
	for _, name := range []string{"a", "b"} {
		if got, err := os.ReadFile(filepath.Join(root, "etc", name)); err != nil || string(got) != name {
			t.Errorf("%s holds %q (%v)", name, got, err)
		}
	}
}

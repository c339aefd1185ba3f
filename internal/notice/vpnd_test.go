package notice_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"vpnd/internal/notice"
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
		if name := notice.Program(pid); name != "" || !notice.OfVpnd(pid) {
			t.Errorf("process %d is named %q", pid, name)
		}
	}
	if self := os.Getpid(); notice.OfVpnd(self) || notice.OfVpnd(1) || notice.OfVpnd(-1) {
		t.Error("strangers pass for vpnd")
	}
}

package ipsec

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/lab/labtest"
	"vpnd/internal/nettest"
)

// Tests have charon itself, in the root file system of a host of the lab, of each
// release.
func TestMain(m *testing.M) { nettest.MainAt(m, labtest.Roots, "/run", directory) }

// host starts charon in the network of the test, and loads what swanctl finds, as
// its unit does.
func host(t *testing.T) (v Verbs, kill func()) {
	t.Helper()
	nettest.Fresh(t)
	t.Cleanup(func() {
		left, err := filepath.Glob(directory + "/*")
		if err != nil {
			t.Error(err)
		}
		for _, file := range left {
			if err := os.Remove(file); err != nil {
				t.Error(err)
			}
		}
	})
	v = Verbs{Root: "/", Socket: vici.Socket, Record: filepath.Join(t.TempDir(), "ipsec.json")}
	return v, start(t)
}

// start starts charon, which ends with the test or by the function that is returned.
func start(t *testing.T) (kill func()) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "charon.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/charon-systemd")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if ended {
			return
		}
		ended = true
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.Remove(vici.Socket)
	}
	t.Cleanup(kill)
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := vici.Dial(t.Context(), vici.Socket); err == nil {
			_, err := conn.Configs(t.Context())
			conn.Close()
			if err == nil {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatal("charon does not answer")
		}
	}
	nettest.Run(t, "", "swanctl --load-all --noprompt >/dev/null")
	return kill
}

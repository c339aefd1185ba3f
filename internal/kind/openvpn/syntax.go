package openvpn

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
)

// Syntax has OpenVPN read a configuration file and returns what it can't read.
// It needs none of the files that the configuration names, so it can be asked
// before anything is made; it is asked for its version, and reads its options
// first. Where OpenVPN is not installed yet there is nobody to ask, and all is
// well.
func Syntax(ctx context.Context, path string) error {
	program, err := exec.LookPath("openvpn")
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for openvpn: %w", err)
	}
	// As in listenTo.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--config", path, "--version")
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("asking openvpn: no answer: %w", ctx.Err())
	case !errors.As(err, &exit):
		return fmt.Errorf("asking openvpn: %w", err)
	}
	_, said := listen(bytes.NewReader(out), held)
	if !strings.Contains(said, "Options error") || strings.Contains(said, "No such file") {
		return nil // what is not made yet is asked about later
	}
	return fmt.Errorf("openvpn can't read the configuration: %s", strings.ReplaceAll(said, path+":", "line "))
}

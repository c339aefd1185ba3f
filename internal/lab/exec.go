package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An ExitError is a command on a host that ended with another status than 0.
type ExitError struct {
	Host   string
	Argv   []string
	Status int // -1 when a signal ended it
	Stdout string
	Stderr string
	err    error
}

func (e *ExitError) Error() string {
	said := strings.TrimSpace(e.Stderr)
	if said == "" {
		said = strings.TrimSpace(e.Stdout)
	}
	return fmt.Sprintf("%s: %s: %v: %s", e.Host, strings.Join(e.Argv, " "), e.err, said)
}

func (e *ExitError) Unwrap() error { return e.err }

// Run runs a command on the host as root and returns what it wrote to standard
// output. When it ends with a status other than 0 the error is an *ExitError.
// When ctx is done the command and its children are killed.
func (h *Host) Run(ctx context.Context, argv ...string) (string, error) {
	cmd := h.Command(ctx, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err == nil {
		return stdout.String(), nil
	}
	return stdout.String(), &ExitError{
		Host: h.name, Argv: argv, Status: status(err), Stdout: stdout.String(), Stderr: stderr.String(), err: err,
	}
}

func status(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// Command is a command that will run on the host as root, in / and with a plain
// environment. It is for those who want to stream, to feed
// standard input, or not to wait; Run is simpler.
func (h *Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	pid := h.PID()
	enter := []string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, argv...)...)
	if pid == 0 {
		cmd.Err = fmt.Errorf("%s is not running", h.name)
	}
	cmd.Env = environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// nsenter waits for the command, which would survive it.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second // for a daemon that keeps standard output open
	return cmd
}

// UseIPTables points iptables and ip6tables on the host, with their save and
// restore companions, at one of their two backends: "nft" (as after
// installation) or "legacy".
func (h *Host) UseIPTables(ctx context.Context, backend string) error {
	for _, name := range []string{"iptables", "ip6tables"} {
		if _, err := h.Run(ctx, "update-alternatives", "--set", name, "/usr/sbin/"+name+"-"+backend); err != nil {
			return fmt.Errorf("choosing the iptables backend %s: %w", backend, err)
		}
	}
	return nil
}

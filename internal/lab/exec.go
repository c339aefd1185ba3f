package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runTimeout bounds commands whose caller set no bound.
const runTimeout = 5 * time.Minute

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
// When ctx is done, or after five minutes, the command and its children are
// killed.
func (h *Host) Run(ctx context.Context, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	cmd := h.Command(ctx, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
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
// environment. It is for those who want to stream, to feed standard input, or not
// to wait; Run is simpler.
func (h *Host) Command(ctx context.Context, argv ...string) *exec.Cmd {
	pid := h.PID()
	enter := []string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(enter, argv...)...)
	if pid == 0 {
		cmd.Err = fmt.Errorf("%s is not running", h.name)
	}
	cmd.Env = environ()
	cmd.Cancel = func() error { return killBelow(cmd.Process) }
	cmd.WaitDelay = 5 * time.Second // for a daemon that keeps standard output open
	return cmd
}

// killBelow kills what nsenter started, and nsenter only if that is nothing:
// it is to reap its child. A dead process of the host that waits for the
// machine's init to be reaped keeps the host from ending, for seconds where
// that init is slow.
func killBelow(nsenter *os.Process) error {
	pids := descendants(nsenter.Pid)
	if len(pids) == 0 {
		return nsenter.Kill()
	}
	var errs []error
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// descendants are the processes below pid, parents first.
func descendants(pid int) []int {
	pids := children(pid)
	for _, child := range pids {
		pids = append(pids, descendants(child)...)
	}
	return pids
}

// children are the processes that pid's main thread forked, none when it has
// ended (proc(5), /proc/pid/task/tid/children).
func children(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
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

// UseUserSpaceESP has charon, which runs since the host booted, bring IPsec's ESP
// itself: the kernel that hosts share may have none.
func (h *Host) UseUserSpaceESP(ctx context.Context) error {
	if err := h.WriteFile(ctx, "/etc/strongswan.d/charon/kernel-libipsec.conf", []byte("kernel-libipsec {\n  load = yes\n}\n"), 0o644); err != nil {
		return err
	}
	_, err := h.Run(ctx, "systemctl", "restart", "strongswan")
	return err
}

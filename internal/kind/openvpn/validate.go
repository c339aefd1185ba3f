// Package openvpn asks OpenVPN: whether it would start with a configuration, who
// is connected, and to let somebody go.
package openvpn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"vpnd/internal/atomic"
)

// deadline bounds one question; OpenVPN answers within some milliseconds.
const deadline = 10 * time.Second

// held is what OpenVPN says once it is through with all its options and waits
// for leave to open its device and its socket.
const held = "Need hold release from management interface"

// Foresee is [Validate] before what the configuration names is made: that a file
// is missing is no objection yet.
func Foresee(ctx context.Context, path string) error {
	err := Validate(ctx, path)
	if err != nil && strings.Contains(err.Error(), "No such file") {
		return nil
	}
	return err
}

// Validate has OpenVPN process a configuration file in full, short of opening
// its device and its socket, and returns what it objects to, without the
// clock. Then it begins to start with what the file says of cryptography, which
// OpenVPN judges only then. Where OpenVPN is not installed yet there is nobody to
// ask, and all is well.
//
// It is asked in a network namespace of its own, with a copy of the file in
// which files below /etc/openvpn that do not exist yet have a stand-in and
// which writes no log.
func Validate(ctx context.Context, path string) error {
	program, err := exec.LookPath("openvpn")
	if errors.Is(err, exec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for openvpn: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the configuration to be checked: %w", err)
	}
	// 0700, since the copy may hold keys and OpenVPN makes its socket 0777.
	room, leave, err := atomic.Room("openvpn")
	if err != nil {
		return err
	}
	defer leave()
	r := rehearsal{standIn: filepath.Join(room, "stand-in")}
	copied := r.rewrite(string(text))
	if err := r.identities(); err != nil {
		return err
	}
	// Two lines are a name and a password too.
	if err := os.WriteFile(r.standIn, []byte("not made yet\nnot made yet\n"), 0o600); err != nil {
		return fmt.Errorf("writing a trial copy: %w", err)
	}
	trial := filepath.Join(room, "trial.conf")
	// Whoever looks for the kernel's own data channel may have its module loaded.
	copied += "\nsetenv opt disable-dco\n"
	if err := os.WriteFile(trial, []byte(copied), 0o600); err != nil {
		return fmt.Errorf("writing a trial copy: %w", err)
	}
	if err := ask(ctx, program, room, trial); err != nil {
		return err
	}
	return starts(ctx, program, string(text))
}

// identities looks up the accounts OpenVPN shall run as: it does so itself
// only when it is about to start. The group of nobody is nogroup on Debian and
// nobody on others.
func (r rehearsal) identities() error {
	if r.user != "" {
		if _, err := user.Lookup(r.user); err != nil {
			return fmt.Errorf("this host has no user %q; set user to one it has", r.user)
		}
	}
	if r.group != "" {
		if _, err := user.LookupGroup(r.group); err != nil {
			return fmt.Errorf("this host has no group %q; set group to one it has, such as nogroup on Debian or nobody on Fedora and its kin", r.group)
		}
	}
	return nil
}

func ask(ctx context.Context, program, room, trial string) error {
	return listenTo(ctx, program, trial, held, "--management", filepath.Join(room, "socket"), "unix", "--management-hold")
}

// listenTo runs a configuration until OpenVPN says that it got that far, and is an
// error where it gives up before.
func listenTo(ctx context.Context, program, trial, far string, args ...string) error {
	// A child that ends with its parent (prctl(2)) ends with the parent's thread, and
	// threads end on which others have entered a namespace.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, append([]string{"--cd", directory(), "--config", trial, "--verb", "3", "--suppress-timestamps"}, args...)...)
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNET
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("asking openvpn: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("asking openvpn: %w", err)
	}
	accepted, said := listen(out, far)
	if accepted {
		_ = cmd.Process.Kill()
	}
	err = cmd.Wait()
	switch {
	case accepted:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("asking openvpn: no answer: %w", ctx.Err())
	case said == "":
		return fmt.Errorf("openvpn refuses the configuration without a reason: %w", err)
	default:
		return fmt.Errorf("openvpn refuses the configuration: %s", strings.ReplaceAll(said, trial+":", "line "))
	}
}

// directory is where Debian's unit runs the server; relative paths start there.
func directory() string {
	const directory = "/etc/openvpn/server"
	if _, err := os.Stat(directory); err != nil {
		return "/"
	}
	return directory
}

// listen reads until OpenVPN got that far or is gone, and keeps the last
// complaint: what it says before are notes, what it says after is how to get help.
func listen(out io.Reader, far string) (accepted bool, complaint string) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case strings.HasPrefix(line, far):
			return true, ""
		case line == "", strings.HasPrefix(line, "Use --help"), strings.HasPrefix(line, "Exiting due to"):
		case strings.HasPrefix(line, "Options error: Please correct"):
		default:
			complaint = line
		}
	}
	return false, complaint
}

package pkg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/systemd"
)

// A Result is what a program that ran has left.
type Result struct {
	Status int
	Stdout string
	Stderr string
}

// settings tell package managers to ask nothing, to speak English, and to
// restart nothing but what they install.
var settings = []string{"LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"}

// Exec runs a program of the host. When ctx ends it is interrupted and not
// killed, so that it stops where it is safe. It writes into memory of its own,
// not into a pipe that would break, and with it the installation, if vpnd died.
func Exec(ctx context.Context, argv ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), settings...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := memory("stdout")
	if err != nil {
		return Result{}, err
	}
	defer stdout.Close()
	stderr, err := memory("stderr")
	if err != nil {
		return Result{}, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("running %s: %w", argv[0], ctx.Err())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("running %s: %w", argv[0], err)
	}
	out, err := written(stdout)
	if err != nil {
		return Result{}, err
	}
	complaints, err := written(stderr)
	return Result{Status: cmd.ProcessState.ExitCode(), Stdout: out, Stderr: complaints}, err
}

// memory is a file that has no name (memfd_create(2)).
func memory(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making room for what a package manager says: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// written returns what is in a file, wherever its writer stands in it.
func written(f *os.File) (string, error) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64))
	return string(text), err
}

// said is how many lines of a failed program an error repeats.
const said = 8

// run runs a program that must end well.
func (v Verbs) run(ctx context.Context, argv ...string) (string, error) {
	r, err := v.exec(ctx, argv...)
	if err != nil {
		return "", err
	}
	return r.Stdout, ended(argv[0], r)
}

// ended is an error where a program did not end well.
func ended(program string, r Result) error {
	if r.Status == 0 {
		return nil
	}
	return fmt.Errorf("%s ended with status %d: %s", program, r.Status, last(r))
}

// change runs a program that changes packages and must end well.
func (v Verbs) change(ctx context.Context, argv ...string) error {
	r, err := v.exec(ctx, systemd.Apart("Packages for vpnd", settings, argv)...)
	if err != nil {
		return err
	}
	return ended(argv[0], r)
}

func (v Verbs) exec(ctx context.Context, argv ...string) (Result, error) {
	if v.Run == nil {
		return Exec(ctx, argv...)
	}
	return v.Run(ctx, argv...)
}

// last returns the end of what a program complained of, on one line.
func last(r Result) string {
	text := strings.TrimSpace(r.Stderr)
	if text == "" {
		text = strings.TrimSpace(r.Stdout)
	}
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-said):], " / ")
}

package pkg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A Result is what a program that ran has left.
type Result struct {
	Status int
	Stdout string
	Stderr string
}

// Exec runs a program of the host. Package managers are told to ask nothing, to
// speak English, and to restart nothing but what they install. When ctx ends
// they are interrupted and not killed: they stop where it is safe.
func Exec(ctx context.Context, argv ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("running %s: %w", argv[0], ctx.Err())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, fmt.Errorf("running %s: %w", argv[0], err)
	}
	return Result{Status: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// said is how many lines of a failed program an error repeats.
const said = 8

// run runs a program that must end well.
func (v Verbs) run(ctx context.Context, argv ...string) (string, error) {
	r, err := v.exec(ctx, argv...)
	if err != nil {
		return "", err
	}
	if r.Status != 0 {
		return "", fmt.Errorf("%s ended with status %d: %s", argv[0], r.Status, last(r))
	}
	return r.Stdout, nil
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

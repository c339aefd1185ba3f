package confirm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"vpnd/internal/config/settings"
	"vpnd/internal/icmp"
	"vpnd/internal/resource"
)

// A Checker tries checks on a host.
type Checker struct {
	Catalog resource.Catalog                         // by which tunnels are looked at
	Why     func(id resource.ID, name string) string // a reason why a tunnel is down that was heard earlier, empty where none was; nil never was
}

// A Failure is a check that does not hold.
type Failure struct {
	Check settings.Check
	Err   error
}

// atOnce is how many checks are tried at the same time.
const atOnce = 8

// Run tries all checks and returns those that don't hold, in order. Each is
// bounded by its own timeout, interval and retries.
func (k *Checker) Run(ctx context.Context, checks []settings.Check) []Failure {
	errs := make([]error, len(checks))
	places := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			errs[i] = k.holds(ctx, c)
		})
	}
	wg.Wait()
	var failures []Failure
	for i, err := range errs {
		if err != nil {
			failures = append(failures, Failure{checks[i], err})
		}
	}
	return failures
}

// holds tries a check until it holds or has failed too often.
func (k *Checker) holds(ctx context.Context, c settings.Check) error {
	for left := *c.Retries; ; left-- {
		err := k.once(ctx, c)
		if err == nil || left <= 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(*c.Interval)):
		}
	}
}

// once tries all that a check names, until the first that fails.
func (k *Checker) once(ctx context.Context, c settings.Check) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(*c.Timeout))
	defer cancel()
	if c.TCP != nil {
		if err := accepts(ctx, *c.TCP); err != nil {
			return err
		}
	}
	if c.Ping != nil {
		if err := icmp.Ping(ctx, *c.Ping, ""); err != nil {
			return fmt.Errorf("%s: %w", *c.Ping, err)
		}
	}
	if c.Resolve != nil {
		if _, err := net.DefaultResolver.LookupHost(ctx, *c.Resolve); err != nil {
			return fmt.Errorf("resolving: %w", err)
		}
	}
	if c.Tunnel != nil {
		if err := k.up(ctx, *c.Tunnel); err != nil {
			return err
		}
	}
	if c.Unit != nil {
		if err := active(ctx, *c.Unit); err != nil {
			return err
		}
	}
	if c.Command != nil {
		return succeeds(ctx, c.Command)
	}
	return nil
}

func accepts(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func active(ctx context.Context, unit string) error {
	m, err := Connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	state, err := m.Active(ctx, unit)
	if err == nil && state != "active" {
		err = fmt.Errorf("%s is %s; see: journalctl -u %s", unit, state, unit)
	}
	return err
}

// A CommandError is a command that did not succeed. What it said may be secret,
// and failures go into the journal, the status and notifications: Error leaves
// it out.
type CommandError struct {
	Command string
	Err     error
	Said    string // the last line on its standard error
}

// Error says how the command ended.
func (e *CommandError) Error() string { return fmt.Sprintf("%s: %v", e.Command, e.Err) }

// Unwrap returns how the command ended.
func (e *CommandError) Unwrap() error { return e.Err }

// succeeds runs a command, with nothing to read.
func succeeds(ctx context.Context, argv []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var said tail
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its children too
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s has not ended in time", argv[0])
	}
	return &CommandError{Command: argv[0], Err: err, Said: said.line()}
}

// A tail keeps the end of what is written to it.
type tail struct{ end []byte }

const tailSize = 400 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-tailSize):]
	return len(p), nil
}

// line returns the last line, printable.
func (t *tail) line() string {
	text := bytes.TrimSpace(t.end)
	text = text[bytes.LastIndexByte(text, '\n')+1:]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "?"))
}

package user

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"vpnd/internal/systemd"
)

// timeout is how long a program may take that changes accounts.
const timeout = 30 * time.Second

// Exec runs a program of the host and returns what it said.
func Exec(ctx context.Context, argv ...string) (said string, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), exit.ExitCode(), nil
	}
	return out.String(), 0, err
}

func (v Verbs) run(ctx context.Context, argv ...string) (string, int, error) {
	if v.Run == nil {
		return Exec(ctx, argv...)
	}
	return v.Run(ctx, argv...)
}

// change runs a program that writes the tables of accounts, which the sandbox of
// vpnd.service has no room for.
func (v Verbs) change(ctx context.Context, argv ...string) (string, int, error) {
	return v.run(ctx, systemd.Apart("An account for vpnd", []string{"LC_ALL=C"}, argv)...)
}

// must runs a program that must end well.
func (v Verbs) must(ctx context.Context, argv ...string) error {
	said, status, err := v.change(ctx, argv...)
	return ended(argv[0], said, status, err)
}

// ended is an error where a program did not end well.
func ended(program, said string, status int, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("running %s: %w", program, err)
	case status != 0:
		return fmt.Errorf("%s ended with status %d: %s", program, status, strings.Join(strings.Fields(said), " "))
	}
	return nil
}

// below is how a program of the package passwd is told where the accounts are.
func (v Verbs) below(program string) []string {
	if v.Root == "/" {
		return []string{program}
	}
	return []string{program, "--prefix", v.Root}
}

// inUse is the status of userdel(8) where somebody is at work under that name.
const inUse = 8

// depart removes the account. Who is at work under it, as somebody who is
// connected to it, is ended: what an account was good for must not outlive it.
func (v Verbs) depart(ctx context.Context, name string) error {
	argv := append(v.below("userdel"), name)
	for try := range 10 {
		said, status, err := v.change(ctx, argv...)
		if err != nil || status != inUse || v.Root != "/" || try == 9 {
			return ended(argv[0], said, status, err)
		}
		signal := "TERM"
		if try > 2 {
			signal = "KILL"
		}
		if _, _, err := v.run(ctx, systemd.PKill(signal, name)...); err != nil {
			return fmt.Errorf("ending who still uses the account: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

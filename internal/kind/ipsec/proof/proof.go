// Package proof has a charon of its own judge connections before the one that runs
// sees them: strongSwan loads what is right of a file, and says of the rest only that
// there was something wrong.
package proof

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/ipsec/swanctl"
	"vpnd/internal/kind/ipsec/vici"
	"vpnd/internal/namespace"
)

// Program is charon on Debian.
const Program = "/usr/sbin/charon-systemd"

// deadline bounds all of it; charon starts within half a second.
const deadline = 20 * time.Second

// Prove returns what charon objects to, by the names of the connections. It runs in a
// network namespace of its own, so that it holds no port and sees no peer, and nothing
// in it is initiated. Files that are not there yet are left out. Where there is no
// charon yet, or no namespace to be had, nobody is asked and all is well.
func Prove(ctx context.Context, all []*swanctl.Section, read vici.Reader) (map[string]error, error) {
	if _, err := os.Stat(Program); err != nil || os.Geteuid() != 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var verdicts map[string]error
	err := namespace.Run(unix.CLONE_NEWNET, func() (err error) {
		verdicts, err = prove(ctx, all, read)
		return err
	})
	var denied *namespace.DeniedError
	if errors.As(err, &denied) {
		return nil, nil
	}
	return verdicts, err
}

func prove(ctx context.Context, all []*swanctl.Section, read vici.Reader) (map[string]error, error) {
	p, err := newPlace()
	if err != nil {
		return nil, err
	}
	defer p.leave()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, Program)
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH"), "STRONGSWAN_CONF=" + p.conf}
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a charon that judges the connections: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Kill()
		<-ended
	}()
	conn, err := awaited(ctx, p.socket, ended)
	if err != nil {
		return nil, fmt.Errorf("asking a charon that judges the connections: %w: %s", err, strings.TrimSpace(said.String()))
	}
	defer conn.Close()
	verdicts := make(map[string]error)
	for _, one := range all {
		err := conn.LoadConn(ctx, quiet(one, read), read)
		var refused *vici.RefusedError
		switch {
		case errors.As(err, &refused):
			verdicts[one.Name] = fmt.Errorf("charon refuses the connection: %w", refused)
		case err != nil:
			return nil, err
		}
	}
	return verdicts, nil
}

// awaited connects to a charon that is about to start.
func awaited(ctx context.Context, socket string, ended chan error) (*vici.Conn, error) {
	for {
		conn, err := vici.Dial(ctx, socket)
		if err == nil {
			return conn, nil
		}
		if !errors.Is(err, vici.ErrDown) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case err := <-ended:
			ended <- err
			return nil, fmt.Errorf("it ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// quiet is a connection of which nothing starts by itself, and which names no file
// that is not there.
func quiet(s *swanctl.Section, read vici.Reader) *swanctl.Section {
	c := &swanctl.Section{Name: s.Name}
	for _, one := range s.Settings {
		switch one.Key {
		case "start_action":
		case "certs", "cacerts":
			there := slices.DeleteFunc(strings.Split(one.Value, ", "), func(path string) bool {
				_, err := read(path)
				return err != nil
			})
			if len(there) > 0 {
				c.Set(one.Key, strings.Join(there, ", "))
			}
		default:
			c.Set(one.Key, one.Value)
		}
	}
	for _, inner := range s.Sections {
		c.Sections = append(c.Sections, quiet(inner, read))
	}
	return c
}

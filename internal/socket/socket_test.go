package socket

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// full is a socket on which as many wait as may, and its listener.
func full(t *testing.T) (path string, listener int) {
	path = filepath.Join(t.TempDir(), "socket")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, syscall.EAGAIN) {
			return path, fd
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Fatal("nobody is turned away")
	return "", 0
}

// Where others wait, one waits with them.
func TestDialWaitsForItsTurn(t *testing.T) {
	path, listener := full(t)
	soon, cancel := context.WithTimeout(t.Context(), 3*pause)
	defer cancel()
	if conn, err := Dial(soon, path); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("where nobody is served it says %v, %v", conn, err)
	}
	time.AfterFunc(3*pause, func() { _, _, _ = unix.Accept(listener) })
	conn, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// Where nobody listens, it says so at once.
func TestDialNobody(t *testing.T) {
	if _, err := Dial(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("of a socket that is not there it says %v", err)
	}
}

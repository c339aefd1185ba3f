package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// WriteFile writes a file on the running host, owned by root, replacing what is
// there; missing directories are made. Paths are resolved by the host itself, so
// its links lead nowhere on the machine.
func (h *Host) WriteFile(ctx context.Context, path string, data []byte, mode fs.FileMode) error {
	return h.install(ctx, path, bytes.NewReader(data), mode)
}

// Copy copies a file of the machine to the running host, with its permissions.
func (h *Host) Copy(ctx context.Context, src, dst string) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return h.install(ctx, dst, f, info.Mode())
}

func (h *Host) install(ctx context.Context, path string, r io.Reader, mode fs.FileMode) error {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	cmd := h.Command(ctx, "install", "-D", "-T", fmt.Sprintf("--mode=%o", mode.Perm()), "/dev/stdin", path)
	cmd.Stdin = r
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("writing %s on %s: %w: %s", path, h.name, err, bytes.TrimSpace(out))
	}
	return nil
}

// ReadFile reads a file of the running host. The error is fs.ErrNotExist when
// it isn't there.
func (h *Host) ReadFile(path string) ([]byte, error) {
	data, err := h.readFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s on %s: %w", path, h.name, err)
	}
	return data, nil
}

func (h *Host) readFile(path string) ([]byte, error) {
	pid := h.PID()
	if pid == 0 {
		return nil, fmt.Errorf("%s is not running", h.name)
	}
	root, err := os.OpenFile(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	// Links, absolute ones too, are followed as the host would (openat2(2)).
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(root.Fd()), path, &how)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	return io.ReadAll(f)
}

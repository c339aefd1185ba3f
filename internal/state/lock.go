package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy is returned where another vpnd holds the lock for longer than the
// caller would wait.
type ErrBusy struct {
	Holder string // in words
	PID    int    // 0 where it isn't known
}

// Error names the holder.
func (e *ErrBusy) Error() string {
	return fmt.Sprintf("another vpnd is at work (%s); wait for it to end", e.Holder)
}

// Lock takes the lock of the state directory, which whoever changes the host must
// hold, and waits for it until ctx ends; one that is free is had in any case. The
// kernel drops it when its holder dies. The caller must call the returned
// function.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "lock")
	lock, err := openOwn(path, os.O_RDWR|os.O_CREATE)
	if errors.Is(err, unix.EROFS) { // it can be locked all the same
		lock, err = openOwn(path, os.O_RDONLY)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the state: %w", err)
	}
	if err := await(ctx, lock); err != nil {
		_ = lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, busy(path)
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	// Who holds it is a courtesy to the next one, not part of the lock.
	if lock.Truncate(0) == nil {
		_, _ = lock.WriteAt(fmt.Appendf(nil, "process %d", os.Getpid()), 0)
	}
	return func() { _ = lock.Close() }, nil
}

// await takes a lock of flock(2). Where somebody else holds it until ctx ends, the
// error is [unix.EWOULDBLOCK].
func await(ctx context.Context, lock *os.File) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		// First of all, since on a busy machine the time may be over by now.
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			return err
		}
		select {
		case <-ctx.Done():
			return unix.EWOULDBLOCK
		case <-again.C:
		}
	}
}

// busy names who holds the lock: the kernel's own answer (proc_locks(5)), or
// what the last vpnd to take it wrote there. Any program can take it, and a vpnd
// that was killed leaves its words.
func busy(path string) *ErrBusy {
	var st unix.Stat_t
	locks, err := os.ReadFile("/proc/locks")
	if err == nil && unix.Lstat(path, &st) == nil {
		if pid := flocker(string(locks), st.Ino); pid > 0 {
			name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			return &ErrBusy{Holder: fmt.Sprintf("%s, process %d", strings.TrimSpace(string(name)), pid), PID: pid}
		}
	}
	data, err := readOwn(path)
	if err != nil || len(data) == 0 {
		return &ErrBusy{Holder: "unknown process"}
	}
	b := &ErrBusy{Holder: strings.TrimSpace(string(data))}
	_, _ = fmt.Sscanf(b.Holder, "process %d", &b.PID)
	return b
}

// Locked says whether somebody holds the lock of the state directory, as far as
// proc_locks(5) tells. It does not touch the lock.
func Locked(dir string) bool {
	var st unix.Stat_t
	locks, err := os.ReadFile("/proc/locks")
	return err == nil && unix.Lstat(filepath.Join(dir, "lock"), &st) == nil && flocker(string(locks), st.Ino) > 0
}

// flocker finds the process that holds a lock of flock(2) on that inode, 0 where
// the kernel shows none. The device is not compared: for a file of an overlay
// the kernel shows another than stat(2) does.
func flocker(locks string, inode uint64) (pid int) {
	for line := range strings.Lines(locks) {
		f := strings.Fields(line) // 1: FLOCK ADVISORY WRITE 708 00:68:885722 0 EOF
		if len(f) < 6 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], fmt.Sprintf(":%d", inode)) {
			continue
		}
		if n, err := strconv.Atoi(f[4]); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// makeDir makes a directory that nobody else may look into, unless others could
// change it. Those on the way to it, as /var below the root of an image, are not
// vpnd's to close.
func makeDir(dir string) error {
	if err := trusted(dir); err != nil {
		return err
	}
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("making the state directory: %w", err)
	}
	return nil
}

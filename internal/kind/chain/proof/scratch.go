package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/object"
	"vpnd/internal/kind/chain/xtables"
)

// scratch restores input in a network namespace made for it, with the objects
// that its rules name, and has somebody look at it. The namespace ends with it.
func scratch(ctx context.Context, t *xtables.Tool, objects []object.Object, input string, look func(lock *os.File) error) error {
	lock, err := privateLock()
	if err != nil {
		return err
	}
	defer lock.Close()
	return apart(func() error {
		restore := func(input string) error {
			_, err := xtables.Run(ctx, inRoom(t.Restoration(input), lock))
			return err
		}
		for _, o := range objects {
			if err := o.Make(restore); err != nil {
				return err
			}
		}
		if err := restore(input); err != nil {
			return err
		}
		return look(lock)
	})
}

// inRoom gives a command a lock of its own: rules that nobody sees need not
// wait for the lock of the host, nor make it wait.
func inRoom(cmd *exec.Cmd, lock *os.File) *exec.Cmd {
	cmd.ExtraFiles = []*os.File{lock}
	cmd.Env = []string{"XTABLES_LOCKFILE=/proc/self/fd/3"}
	return cmd
}

// privateLock is a file that no other program can lock, nor find.
func privateLock() (*os.File, error) {
	fd, err := unix.MemfdCreate("xtables.lock", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a lock for the rehearsal of rules: %w", err)
	}
	return os.NewFile(uintptr(fd), "xtables.lock"), nil
}

// apart runs do, and the programs that it starts, in a network namespace made
// for it. The thread that was there ends with it, and the namespace with the
// thread.
func apart(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		// The main thread never ends, and /proc/self shows its network. While
		// this goroutine holds it, the next one gets another.
		if unix.Gettid() == unix.Getpid() {
			done <- apart(do)
			runtime.UnlockOSThread()
			return
		}
		done <- unshared(do)
	}()
	return <-done
}

func unshared(do func() error) error {
	err := unix.Unshare(unix.CLONE_NEWNET)
	if errors.Is(err, unix.EPERM) {
		return errors.New("rules are proved in a network namespace of their own, which is not permitted here; run vpnd as root, and in a unit without RestrictNamespaces=")
	}
	if err != nil {
		return fmt.Errorf("making a network namespace to prove rules in: %w", err)
	}
	return do()
}

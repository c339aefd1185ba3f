package proof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"vpnd/internal/kind/chain/object"
	"vpnd/internal/kind/chain/xtables"
	"vpnd/internal/namespace"
)

// scratch restores input in a network namespace made for it, with the objects
// that its rules name, and has somebody look at it. The namespace ends with it.
func scratch(ctx context.Context, t *xtables.Tool, objects []object.Object, input string, look func(lock *os.File) error) error {
	lock, err := privateLock()
	if err != nil {
		return err
	}
	defer lock.Close()
	return denied(namespace.Run(unix.CLONE_NEWNET, func() error {
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
	}))
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

// denied says what it means that there is no namespace to prove rules in.
func denied(err error) error {
	var d *namespace.DeniedError
	switch {
	case !errors.As(err, &d):
		return err
	case errors.Is(d.Err, unix.EPERM):
		return errors.New("rules are proved in a network namespace of their own, which is not permitted here; run vpnd as root, and in a unit without RestrictNamespaces=")
	default:
		return fmt.Errorf("making a network namespace to prove rules in: %w", d.Err)
	}
}

// Package namespace does a piece of work in namespaces of the kernel that are made
// for it, so that nobody else sees it, and end with it: rules are proved in a network
// of their own, and keys of the kernel tried where nobody goes by them.
package namespace

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// A DeniedError says that the kernel did not make the namespaces, as where a unit has
// RestrictNamespaces=, so that nothing was done. What that means is for the caller to
// say: who can't do without is refused, who would only know better beforehand goes on.
// It wraps nothing, since the same errno of the work itself means something else.
type DeniedError struct{ Err error }

// Error is what the kernel says.
func (e *DeniedError) Error() string { return "making a namespace: " + e.Err.Error() }

// Run runs do, and the programs that it starts, in namespaces made for it; the flags
// are those of unshare(2). The thread that was there ends with it, and the namespaces
// with the thread.
func Run(flags int, do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		// The main thread never ends, and /proc/self shows its network. While this
		// goroutine holds it, the next one gets another.
		if unix.Gettid() == unix.Getpid() {
			done <- Run(flags, do)
			runtime.UnlockOSThread()
			return
		}
		done <- unshared(flags, do)
	}()
	return <-done
}

func unshared(flags int, do func() error) error {
	if err := unix.Unshare(flags); err != nil {
		return &DeniedError{err}
	}
	return do()
}

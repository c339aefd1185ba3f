package sysctl

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"

	"golang.org/x/sys/unix"
)

var (
	ofNetwork = regexp.MustCompile(`^net/ipv[46]/`)                        // begins keys that each network has
	perLink   = regexp.MustCompile(`^(net/ipv[46]/(?:conf|neigh)/)[^/]+/`) // and those that an interface has
)

// attempt has the kernel judge a number that nobody else can know the range of: it
// writes it in a network namespace made for that, which has keys of its own. Keys
// that are not of IP belong to the whole host; of them nobody is asked.
func (v Verbs) attempt(name, value string) error {
	file := fileOf(name)
	if v.Proc != "/proc/sys" || !ofNetwork.MatchString(file) {
		return nil
	}
	file = filepath.Join(v.Proc, perLink.ReplaceAllString(file, "${1}default/"))
	err := apart(func() error {
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return nil // a key of the whole host
		}
		defer f.Close()
		_, err = f.WriteString(value)
		return err
	})
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE) {
		return refused(value, err)
	}
	return nil
}

// apart runs do in a network namespace made for it, and not where that is not
// permitted. The namespace ends with its thread.
func apart(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		// The main thread never ends. While this goroutine holds it, the next one
		// gets another.
		if unix.Gettid() == unix.Getpid() {
			done <- apart(do)
			runtime.UnlockOSThread()
			return
		}
		if unix.Unshare(unix.CLONE_NEWNET) != nil {
			done <- nil
			return
		}
		done <- do()
	}()
	return <-done
}

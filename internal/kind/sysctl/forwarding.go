package sysctl

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Traits are what kernel parameters are. They wait for rules and nothing else:
// forwarding is not switched on before them.
var Traits = resource.Traits{Alone: true, Guards: true, Forwards: Forwards}

// Forwards says whether the key is a switch by which a host passes packets on.
// Writing one makes the kernel write others, so it must be written before them,
// now and at boot: Documentation/networking/ip-sysctl.rst.
func Forwards(name string) bool {
	switch dotted(name) {
	case "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding":
		return true
	}
	return false
}

// ComesAfter leaves forwarding off at boot where filter rules come before it.
// Nobody but vpnd knows when those stand, and whether it will run at all: it may
// be slow, broken or gone from the host.
func (s *Sysctl) ComesAfter(name string, before []resource.ID, is func(kind string) resource.Traits) {
	filters := func(id resource.ID) bool { return is(id.Kind).Filters.Of(id.Name) }
	if Forwards(name) && s.Value != nil && tidy(*s.Value) != "0" && slices.ContainsFunc(before, filters) {
		s.Boot, s.Runtime = resource.Ptr("0"), s.Value
	}
}

// runtimeFile returns the path of the file with what a switch is set to while
// the host runs. It is read behind the one for the boot and, like that, before
// all other keys; with /run it is gone at the next boot.
func runtimeFile(name string) string { return fileIn("/run", "1-", name) }

func runtimeText(name, value string) string {
	return textOf(name, "# It is for sysctl --system; at boot vpnd sets it once its filter rules stand.\n", value)
}

// runtime returns the value that the file for the running host sets, and nothing
// where that is not there, not as vpnd writes it or of an image, which does not
// run.
func (v Verbs) runtime(name string) (string, error) {
	if v.Proc == "" || !Forwards(name) {
		return "", nil
	}
	return v.valueIn(runtimeFile(name), name, runtimeText)
}

// ready makes the directory for files of the running host, which no package has.
func (v Verbs) ready() error {
	err := atomic.Mkdir(v.Root, "/run/sysctl.d", 0o755, -1, -1)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// removeRuntime removes the file for the running host, and the directory with the
// last file in it.
func (v Verbs) removeRuntime(name string) error {
	if v.Proc == "" || !Forwards(name) {
		return nil
	}
	file := runtimeFile(name)
	if _, err := atomic.Stat(v.Root, file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := atomic.Remove(v.Root, file); err != nil {
		return fmt.Errorf("removing what is set until the next boot: %w", err)
	}
	err := atomic.RemoveDirectory(v.Root, "/run/sysctl.d")
	if errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}

// Package nettest gives tests a room of their own: a network with nothing in
// it, an own /run and private mounts, so that firewalls, links, routes and the
// sysctls of the network can be tried against the real kernel without
// touching the machine.
package nettest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inside marks the process that runs in the room.
const inside = "VPND_NETTEST"

// elsewhere holds the root file system of the room, nothing where that is the
// machine's.
const elsewhere = "VPND_NETTEST_ROOT"

// Main is the body of a package's TestMain. As root it runs the tests in a
// room: the test binary is executed again in new network, mount and host name
// namespaces, in which the loopback interface is up, and /run and the directories
// named are empty. It never falls back to the machine itself: where the room
// can't be made, the tests fail. Without root the tests run where they are,
// and those that need the room say so by [Need].
func Main(m *testing.M, directories ...string) {
	MainAt(m, func() ([]string, error) { return []string{""}, nil }, directories...)
}

// MainAt is [Main] in other root file systems, one after the other, for programs that
// the machine does not have, or in other releases: find returns where they are, and
// nothing is written there. Directories are those of each.
func MainAt(m *testing.M, find func() (roots []string, err error), directories ...string) {
	code, err := run(m, find, directories)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nettest: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M, find func() ([]string, error), directories []string) (int, error) {
	switch {
	case os.Geteuid() != 0:
		return m.Run(), nil
	case os.Getenv(inside) == "":
		roots, err := find()
		if err != nil {
			return 0, fmt.Errorf("finding a root file system: %w", err)
		}
		worst := 0
		for _, root := range roots {
			code, err := reexec(root)
			if err != nil {
				return 0, err
			}
			worst = max(worst, code)
		}
		return worst, nil
	}
	if err := private(); err != nil {
		return 0, fmt.Errorf("furnishing the room: %w", err)
	}
	if err := enter(os.Getenv(elsewhere)); err != nil {
		return 0, fmt.Errorf("entering the root file system: %w", err)
	}
	if err := furnish(append([]string{"/run"}, directories...)); err != nil {
		return 0, fmt.Errorf("furnishing the room: %w", err)
	}
	return m.Run(), nil
}

// reexec runs this binary again in new namespaces and returns its exit status.
func reexec(root string) (int, error) {
	// The child is killed when the thread that made it dies.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), inside+"=1", elsewhere+"="+root)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS,
		Pdeathsig:    syscall.SIGKILL,
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("running the tests in namespaces of their own: %w", err)
	}
	return 0, nil
}

// furnish hides the directories behind empty ones and switches the loopback
// interface on.
func furnish(directories []string) error {
	for _, directory := range directories {
		if err := unix.Mount("tmpfs", directory, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
			return fmt.Errorf("mounting an empty %s: %w", directory, err)
		}
	}
	// /sys/class/net shows the network in which sysfs was mounted.
	if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /sys: %w", err)
	}
	return loopback()
}

// private keeps what is mounted from now on from the machine, where systemd shares
// all mounts.
func private() error {
	if err := apart(); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}

// apart makes sure that this process really lives in other namespaces than
// its parent, so that a stray variable in somebody's environment never leads
// the tests onto the machine itself.
func apart() error {
	for _, ns := range []string{"net", "mnt"} {
		ours, err := os.Readlink("/proc/self/ns/" + ns)
		if err != nil {
			return err
		}
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", os.Getppid(), ns))
		if err != nil {
			return err
		}
		if ours == theirs {
			return fmt.Errorf("%s is set, but the %s namespace is that of the parent; unset it", inside, ns)
		}
	}
	return nil
}

func loopback() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("finding the loopback interface: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("switching the loopback interface on: %w", err)
	}
	return nil
}

// Need leaves a test out that has no room, which is so only without root.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(inside) != "" {
		return
	}
	if os.Geteuid() == 0 {
		t.Fatal("this package's TestMain does not call nettest.Main, so the test would touch the machine")
	}
	LeaveOut(t, "needs root, for a network namespace of its own")
}

// Fresh puts the calling test into a network namespace of its own, with the
// loopback interface up, until it ends. The namespace belongs to the test's
// goroutine and to the programs it starts; subtests and other goroutines are
// not in it, and must call Fresh themselves. What it is asked through /proc
// must be read below /proc/thread-self.
func Fresh(t testing.TB) {
	t.Helper()
	Need(t)
	runtime.LockOSThread()
	before, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatalf("making a network namespace: %v", err)
	}
	t.Cleanup(func() {
		defer before.Close()
		// A thread that can't go back stays locked and dies with its goroutine.
		if err := unix.Setns(int(before.Fd()), unix.CLONE_NEWNET); err != nil {
			t.Errorf("going back to the network namespace of the tests: %v", err)
			return
		}
		runtime.UnlockOSThread()
	})
	if err := loopback(); err != nil {
		t.Fatal(err)
	}
}

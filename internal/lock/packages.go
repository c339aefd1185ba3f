package lock

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The locks of package managers, which they hold while they change files:
// dpkg, apt and all above them; rpm and dnf.
var packageLocks = []string{"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/rpm/.rpm.lock"}

// PackageManager names the package manager that is at work on this host, none
// where none is. What it and its scripts put in place is not for vpnd to undo.
func PackageManager() string {
	for _, path := range packageLocks {
		if pid := holder(path); pid != 0 {
			return program(pid)
		}
	}
	return ""
}

// holder returns the process that holds a lock of fcntl(2) for writing on a
// file, 0 for none. Of locks for reading nothing is heard: anybody who may read
// the file can hold one, and would keep vpnd from repairs for as long as he likes.
func holder(path string) int32 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	lock := unix.Flock_t{Type: unix.F_RDLCK} // which only one for writing stands against
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return 0
	}
	return lock.Pid
}

func program(pid int32) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "a package manager"
	}
	return fmt.Sprintf("%s (process %d)", bytes.TrimSpace(name), pid)
}

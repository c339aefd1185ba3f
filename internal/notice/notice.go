// Package notice hears of changes on a host as they happen: from the kernel's
// netlink groups, and of files by inotify. It only says that something happened
// and where; what is there now, whoever is told must look up.
package notice

import (
	"bytes"
	"fmt"
	"os"
)

// Program names a process of this host, as in "ip (process 4711)"; empty where
// it has ended already, and for vpnd itself.
func Program(pid int) string {
	if pid <= 0 || pid == os.Getpid() {
		return ""
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s (process %d)", bytes.TrimSpace(name), pid)
}

package connection

import (
	"fmt"
	"os"
	"strings"

	"vpnd/internal/process"
)

// serves returns who else is connected to a management socket whose owner does not
// answer, empty for nobody: then it hangs. It serves one at a time.
func serves(pid int, socket string) string {
	if stopped(pid) {
		return ""
	}
	data, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return "somebody"
	}
	links := accepted(string(data), socket)
	for _, holders := range process.Holding(links) {
		if len(holders) > 0 { // the end of the server, once it has taken the connection
			return "somebody"
		}
	}
	return ""
}

// stopped says whether a process was stopped by a signal, or traced; proc(5).
func stopped(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return strings.HasPrefix(rest, "T") || strings.HasPrefix(rest, "t")
}

// accepted are the connections to a socket that were made, as links in /proc/PID/fd; of
// its columns the sixth is the state, 03 for connected, and the last ones inode and path.
func accepted(table, socket string) []string {
	var links []string
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) == 8 && columns[5] == "03" && columns[7] == socket {
			links = append(links, "socket:["+columns[6]+"]")
		}
	}
	return links
}

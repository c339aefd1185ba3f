package connection

import (
	"fmt"
	"os"
	"strings"

	"vpnd/internal/process"
)

// served says whether somebody is connected to a management socket, which serves one at a
// time. Where that can't be told, it counts as so.
func served(socket string) bool {
	data, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return true
	}
	// Only what the server has taken has a holder at its end.
	return len(process.Holding(accepted(string(data), socket))) > 0
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

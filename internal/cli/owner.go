package cli

import (
	"io/fs"
	"os"
	"syscall"
)

// owner returns who owns a file, or this process where the system can't tell.
func owner(info fs.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return os.Geteuid(), os.Getegid()
}

package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sbin is where the tools of root are. The PATH of a user who became root by su,
// or of a cron job, may lack it.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// seeSbin has vpnd, and what it runs, find the tools of root behind those that
// the PATH leads to.
func seeSbin() {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, dir := range sbin {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	_ = os.Setenv("PATH", strings.Join(dirs, string(filepath.ListSeparator)))
}

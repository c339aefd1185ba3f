// Package frr says whether a configuration of FRRouting is somebody else's. FRRouting
// reads one file, and has no directory for parts of it, so that who writes that one has
// all of it.
package frr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"vpnd/internal/resource"
)

// mine is what begins a file that vpnd wrote.
const mine = "# vpnd:"

// Free says that a file of FRRouting may be written: it is not there, vpnd wrote it, or
// it is as a package brings it, which has nothing in it that anybody asked for.
func Free(path string) func(context.Context, resource.Prospect) *resource.Mistake {
	return func(context.Context, resource.Prospect) *resource.Mistake { return free(path) }
}

// most is how much of a file is looked at, in bytes.
const most = 1 << 20

func free(path string) *resource.Mistake {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var text []byte
	if err == nil {
		defer f.Close()
		text, err = io.ReadAll(io.LimitReader(f, most))
	}
	if err != nil {
		return &resource.Mistake{Summary: fmt.Sprintf("nobody knows whose %s is: %v", path, err), Hint: "make it readable for root, or write configure = false"}
	}
	if word := asked(string(text)); word != "" {
		return &resource.Mistake{
			Summary: fmt.Sprintf("%s is somebody else's: it says %q", path, word),
			Hint:    "write configure = false and put the exported configuration there, by a file block with content = aws_vpn.NAME.frr, for example; or move that file away",
		}
	}
	return nil
}

// asked returns the first word of a line that somebody wrote, empty where there is none.
// What follows may be a secret.
func asked(text string) string {
	if strings.HasPrefix(text, mine) {
		return ""
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); !brought(line) {
			word, _, _ := strings.Cut(line, " ")
			return word
		}
	}
	return ""
}

// brought says whether a line is one that a package brings, or nothing: comments, where
// to log, and of /etc/frr/daemons what runs no daemon.
func brought(line string) bool {
	name, value, assigned := strings.Cut(line, "=")
	switch {
	case line == "" || line[0] == '#' || line[0] == '!':
		return true
	case assigned && (value == "no" || name == "vtysh_enable"):
		return true
	case assigned && strings.HasSuffix(name, "_options"), assigned && strings.HasSuffix(name, "_wrap"), name == "frr_profile" && strings.Trim(value, `"`) == "traditional":
		return true
	}
	for _, word := range []string{"log syslog", "frr version", "frr defaults", "hostname", "service integrated-vtysh-config", "line vty", "end", "exit"} {
		if line == word || strings.HasPrefix(line, word+" ") {
			return true
		}
	}
	return false
}

package atomic

import (
	"crypto/rand"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// mark stands in the name of every temporary, between the name of its target
// and some random letters. It begins with a dot and ends in no suffix that a
// reader of the folder would take for its own.
const mark = ".vpnd-"

// letters is how many random ones there are.
const letters = 8

// temporaryOf returns a new name for a temporary of this target.
func temporaryOf(target string) string {
	return "." + target + mark + rand.Text()[:letters]
}

// Target returns the name of the file that name is a temporary of, and whether
// it is one.
func Target(name string) (string, bool) {
	end := len(name) - len(mark) - letters
	if end < 1 || name[0] != '.' || !strings.HasPrefix(name[end:], mark) {
		return "", false
	}
	return name[1:end], true
}

// leftovers lists the temporaries in the folder: a writer was killed.
func (f *folder) leftovers() ([]string, error) {
	d, err := f.open()
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var left []string
	for _, name := range names {
		if strings.HasPrefix(name, ".") && strings.Contains(name, mark) {
			left = append(left, name)
		}
	}
	return left, nil
}

// sweep removes those leftovers that are of this target.
func (f *folder) sweep(left []string, target string) error {
	for _, name := range left {
		rest, ok := strings.CutPrefix(name, "."+target+mark)
		if !ok || len(rest) != letters {
			continue
		}
		if err := unix.Unlinkat(f.fd, name, 0); err != nil && err != unix.ENOENT {
			return &fs.PathError{Op: "removing", Path: path.Join(f.path, name), Err: err}
		}
	}
	return nil
}

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// everybodys are directories whose directories are everybody's too, as are all right below
// the root.
var everybodys = []string{"/usr", "/var"}

// closes is an error where a wish would close a directory that others use: /tmp, /etc
// or one that all may write to; and, where it is to be vpnd's alone, somebody's home
// or one that a package brings. A directory of profiles that is named so was not
// meant so.
func (v DirectoryVerbs) closes(name string, want *Directory) error {
	if want.Mode == nil {
		return nil
	}
	info, err := atomic.Stat(v.Root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !info.Mode.IsDir() {
		return nil // of which the observation tells
	}
	is := resource.ModeOf(info.Mode)
	if closed := is&^*want.Mode != 0; closed && shared(name, is) {
		return fmt.Errorf("others use this directory, and with mode %s instead of %s they could not; name one of its own, as in %s", want.Mode, is, path.Join(name, "vpnd"))
	} else if want.Alone == nil || !closed && info.UID == 0 {
		return nil
	}
	whose, err := v.whose(name)
	if whose != "" {
		return fmt.Errorf("this directory is %s, and would be closed to all but root; name one of its own, as in %s", whose, path.Join(name, "vpnd"))
	}
	return err
}

// whose says in words whose a directory is, nothing where that is not known.
func (v DirectoryVerbs) whose(name string) (string, error) {
	accounts, err := atomic.ReadFile(v.Root, "/etc/passwd", 16<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for line := range strings.Lines(string(accounts)) {
		if f := strings.Split(line, ":"); len(f) > 5 && path.Clean(f[5]) == name {
			return "the home of " + f[0], nil
		}
	}
	const lists = "/var/lib/dpkg/info" // of the files of each package, in Debian
	entries, _ := os.ReadDir(filepath.Join(v.Root, lists))
	for _, e := range entries {
		of, ok := strings.CutSuffix(e.Name(), ".list")
		if !ok {
			continue
		}
		text, err := atomic.ReadFile(v.Root, path.Join(lists, e.Name()), 64<<20)
		if err != nil {
			return "", err
		}
		if strings.Contains(string(text), "\n"+name+"\n") {
			return "one of the package " + of, nil
		}
	}
	return "", nil
}

// shared says whether a directory of that name and mode is not for one user alone.
func shared(name string, is resource.Mode) bool {
	const writable = 0o002 // by all
	return is&writable != 0 || path.Dir(name) == "/" || slices.Contains(everybodys, path.Dir(name))
}

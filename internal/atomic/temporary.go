package atomic

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// mark stands in the name of every temporary, between the name of its target
// and some random letters. It begins with a dot and ends in no suffix that a
// reader of the directory would take for its own.
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

// leftovers lists the temporaries in the directory: a writer was killed.
func (f *directory) leftovers() ([]string, error) {
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
func (f *directory) sweep(left []string, target string) error {
	for _, name := range left {
		rest, ok := strings.CutPrefix(name, "."+target+mark)
		if !ok || len(rest) != letters {
			continue
		}
		err := unix.Unlinkat(f.fd, name, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(f.fd, name, unix.AT_REMOVEDIR)
		}
		if err != nil && err != unix.ENOENT {
			return &fs.PathError{Op: "removing", Path: path.Join(f.path, name), Err: err}
		}
	}
	return nil
}

// tidy removes what a killed writer left of this target.
func (f *directory) tidy(target string) error {
	left, err := f.leftovers()
	if err != nil {
		return err
	}
	return f.sweep(left, target)
}

// Tidy removes what killed writers left beside these files and directories.
func Tidy(root string, names ...string) error {
	var errs []error
	for _, name := range names {
		in, base, err := locate(root, name)
		if absent(err) {
			continue
		}
		if err == nil {
			err = in.tidy(base)
			in.close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// TidyDirectory removes what killed writers left in a directory, whatever it was to
// be. Nobody else may write there meanwhile.
func TidyDirectory(root, name string) error {
	in, err := openDirectory(root, name)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.close()
	left, err := in.leftovers()
	if err != nil {
		return err
	}
	var errs []error
	for _, temporary := range left {
		if target, ok := Target(temporary); ok {
			errs = append(errs, in.sweep([]string{temporary}, target))
		}
	}
	return errors.Join(errs...)
}

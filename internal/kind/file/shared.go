package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// everybodys are directories whose directories are everybody's too, as are all right below
// the root.
var everybodys = []string{"/usr", "/var"}

// closes is an error where a wish would close a directory that others use: /tmp, /etc
// or one that all may write to. A directory of profiles that is named so was not
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
	if is&^*want.Mode == 0 || !shared(name, is) {
		return nil
	}
	return fmt.Errorf("others use this folder, and with mode %s instead of %s they could not; name one of its own, as in %s", want.Mode, is, path.Join(name, "vpnd"))
}

// shared says whether a directory of that name and mode is not for one user alone.
func shared(name string, is resource.Mode) bool {
	const writable = 0o002 // by all
	return is&writable != 0 || path.Dir(name) == "/" || slices.Contains(everybodys, path.Dir(name))
}

package functions

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"vpnd/internal/config/bounds"
)

// A Directory is that of the files which functions are called in: their paths are
// counted from it.
type Directory struct {
	Path  string
	Trust func(path string) error // why others could change a file, so that it is refused; nil trusts all
}

// At counts a path from the directory.
func (d Directory) At(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(d.Path, name)
}

// Read reads a file.
func (d Directory) Read(name string) ([]byte, error) {
	full := d.At(name)
	if d.Trust != nil {
		if err := d.Trust(full); err != nil {
			return nil, err
		}
	}
	return bounds.Read(full)
}

// Secret reads a file whose content is secret. Exposed is why others than root, or
// who runs vpnd, could read it too.
func (d Directory) Secret(name string) (text string, exposed, err error) {
	data, err := d.Read(name)
	if err != nil {
		return "", nil, err
	}
	info, err := os.Stat(d.At(name))
	if err != nil {
		return "", nil, fmt.Errorf("reading %s: %s", d.At(name), bounds.Reason(err))
	}
	owner := 0
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	return string(data), exposure(d.At(name), info.Mode(), owner, os.Geteuid()), nil
}

// exposure says who besides root and us could read a file of that mode and owner.
func exposure(path string, mode fs.FileMode, owner, us int) error {
	octal := fmt.Sprintf("%04o", mode.Perm())
	switch {
	case owner != 0 && owner != us:
		return fmt.Errorf("%s holds secrets and belongs to the user of number %d, who can read them; to mend that:\nchown root %s", path, owner, quote(path))
	case mode.Perm()&0o077 != 0:
		return fmt.Errorf("%s holds secrets and has mode %s, so that others can read them; to mend that:\nchmod 0600 %s", path, octal, quote(path))
	}
	return nil
}

// quote writes a path as one word of a shell.
func quote(path string) string {
	if strings.ContainsAny(path, " \t\n'\"\\$`!*?[]{}()<>|&;#~") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

func (d Directory) text(name string) (string, error) {
	data, err := d.Read(name)
	if err == nil && !utf8.Valid(data) {
		err = fmt.Errorf("%s is no UTF-8 text; filebase64 reads any file", d.At(name))
	}
	return string(data), err
}

// pathFunc makes a function of one path.
func pathFunc(result cty.Type, f func(name string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("path")},
		Type:   function.StaticReturnType(result),
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args[0].AsString()) },
	})
}

func fileFunc(d Directory) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		text, err := d.text(name)
		return cty.StringVal(text), err
	})
}

func fileBase64Func(d Directory) function.Function {
	return pathFunc(cty.String, func(name string) (cty.Value, error) {
		data, err := d.Read(name)
		return cty.StringVal(base64.StdEncoding.EncodeToString(data)), err
	})
}

func fileExistsFunc(d Directory) function.Function {
	return pathFunc(cty.Bool, func(name string) (cty.Value, error) {
		info, err := os.Stat(d.At(name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return cty.NilVal, fmt.Errorf("looking for %s: %s", d.At(name), bounds.Reason(err))
		}
		return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
	})
}

// fileSetFunc lists the files below a directory whose path matches a pattern of
// path.Match; ** stands for any number of directories.
func fileSetFunc(d Directory) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("directory"), textParam("pattern")},
		Type:   function.StaticReturnType(cty.Set(cty.String)),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			directory, pattern := d.At(args[0].AsString()), strings.Split(args[1].AsString(), "/")
			if _, err := path.Match(args[1].AsString(), ""); err != nil {
				return cty.NilVal, function.NewArgErrorf(1, "it is no pattern of file names")
			}
			var found []cty.Value
			err := fs.WalkDir(os.DirFS(directory), ".", func(name string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() && matches(pattern, strings.Split(name, "/")) {
					found = append(found, cty.StringVal(name))
				}
				return err
			})
			if err != nil {
				return cty.NilVal, fmt.Errorf("reading %s: %s", directory, bounds.Reason(err))
			}
			if len(found) == 0 {
				return cty.SetValEmpty(cty.String), nil
			}
			return cty.SetVal(found), nil
		},
	})
}

func matches(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return len(name) == 0
	case pattern[0] == "**":
		return matches(pattern[1:], name) || len(name) > 0 && matches(pattern, name[1:])
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matches(pattern[1:], name[1:])
}

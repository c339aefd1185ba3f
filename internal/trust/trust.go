// Package trust says whether somebody besides root, or who runs vpnd, could change
// what is at a path: what vpnd takes for its orders, as root, must be theirs
// alone, as sudo(8), sshd(8) and cron(8) have it of their own files.
package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may go through, as in
// path_resolution(7).
const maxLinks = 40

// An Error is why a path is not trusted, and the way out.
type Error struct {
	Path   string // what is asked for
	At     string // what others can change: the path itself, or a directory or link on the way to it
	Who    string // in words
	Remedy string // a command
}

// Error says who can change what, and what to do about it.
func (e *Error) Error() string {
	what := e.Path
	if e.At != e.Path {
		what = e.At + ", on the way to " + e.Path + ","
	}
	return fmt.Sprintf("%s can be changed by %s, who would be root with it; to mend that:\n%s", what, e.Who, e.Remedy)
}

// Path returns an [*Error] where others could change a file or directory, or
// exchange it or one that it is in for another. What does not exist can be
// changed by nobody but who makes it; the directories above are looked at.
func Path(path string) error { return look(path, false) }

// Place returns an [*Error] where others could put a link at a path, or in the
// place of a directory on the way there, and so have a program that opens it as
// root write elsewhere. Whether it is there already, and who may write to it, does
// not matter. Of groups, those of the system (below 1000) may write to a directory,
// as to /var/log on Ubuntu.
func Place(path string) error { return look(path, true) }

func look(path string, place bool) error {
	todo, err := whole(path)
	if err != nil {
		return err
	}
	w := walk{asked: "/" + filepath.Join(todo...), todo: todo, place: place}
	if err := w.directory("/", len(w.todo) > 0); err != nil {
		return err
	}
	for here := "/"; len(w.todo) > 0; {
		next := filepath.Join(here, w.todo[0]) // .. is the directory above, for here is no link
		w.todo = w.todo[1:]
		info, err := os.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return fmt.Errorf("looking at who can change %s: %w", w.asked, err)
		case info.Mode()&fs.ModeSymlink != 0:
			if here, err = w.follow(here, next, info); err != nil {
				return err
			}
			continue
		}
		if err := w.trusted(next, info, info.IsDir() && len(w.todo) > 0); err != nil {
			return err
		}
		here = next
	}
	return nil
}

// whole returns the parts of a path from the root of the file system on. They
// are taken as they are: where a link stands before a .., a shorter path would
// lead elsewhere.
func whole(path string) ([]string, error) {
	if filepath.IsAbs(path) {
		return parts(path), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("looking at who can change %s: %w", path, err)
	}
	return append(parts(here), parts(path)...), nil
}

func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(part string) bool { return part == "" || part == "." })
}

// walk is the way from the root of the file system to a path.
type walk struct {
	asked string
	todo  []string
	links int
	place bool // it is about links, not about what is there
}

func (w *walk) directory(path string, above bool) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("looking at who can change %s: %w", w.asked, err)
	}
	return w.trusted(path, info, above)
}

// follow returns where to go on from a link. Its mode says nothing, but whoever
// owns it made it.
func (w *walk) follow(here, link string, info fs.FileInfo) (string, error) {
	if w.links++; w.links > maxLinks {
		return "", fmt.Errorf("looking at who can change %s: %w", w.asked, syscall.ELOOP)
	}
	if err := w.owned(link, info); err != nil {
		return "", err
	}
	target, err := os.Readlink(link)
	if err != nil {
		return "", fmt.Errorf("looking at who can change %s: %w", w.asked, err)
	}
	w.todo = append(parts(target), w.todo...)
	if filepath.IsAbs(target) {
		return "/", nil
	}
	return here, nil
}

// trusted looks at one file or directory. In one with the sticky bit, as /tmp,
// others can make names and can't take away or exchange those of root.
func (w *walk) trusted(path string, info fs.FileInfo, above bool) error {
	if len(w.todo) == 0 && (w.place || !info.IsDir() && !info.Mode().IsRegular()) {
		return nil // no orders are read from a device or a pipe, and its mode is right as it is
	}
	if err := w.owned(path, info); err != nil {
		return err
	}
	mode := info.Mode()
	switch {
	case w.place && len(w.todo) == 1 && mode&0o002 != 0: // a link can be there before
		return &Error{w.asked, path, "everybody", "chmod go-w " + quoted(path) + " # or choose another directory, as /var/log"}
	case w.place && mode&0o022 == 0o020 && systems(info):
		return nil
	case above && mode&fs.ModeSticky != 0:
		return nil
	case mode&0o002 != 0:
		return &Error{w.asked, path, "everybody", "chmod go-w " + quoted(path)}
	case mode&0o020 != 0:
		return &Error{w.asked, path, "the group " + group(info), "chmod g-w " + quoted(path)}
	}
	return nil
}

func (w *walk) owned(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid() {
		return nil
	}
	remedy := "chown root " + quoted(path)
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		remedy = "chown -h root " + quoted(path)
	case path != w.asked:
		remedy += " # or move what is below to a directory of root's"
	}
	return &Error{w.asked, path, "the user " + account(st.Uid), remedy}
}

// systems says whether a group is one of the system, with no people in it;
// login.defs(5).
func systems(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Gid < 1000
}

func account(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

func group(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "that it has"
	}
	number := strconv.FormatUint(uint64(st.Gid), 10)
	if g, err := user.LookupGroupId(number); err == nil {
		return g.Name
	}
	return number
}

// quoted writes a path as a shell takes it for one word.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+:@%", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

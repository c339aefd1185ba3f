// Package moving takes files off a host for an archive, and puts them on another one.
package moving

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"

	"vpnd/internal/archive"
	"vpnd/internal/atomic"
)

// Gather returns what lies at paths below a root, and below these, with the
// directories on the way that are closed to others. Each has to be there and to be
// read: an archive is whole or none.
func Gather(root string, paths []string) ([]archive.Entry, error) {
	names, err := atomic.ReadNames(root)
	if err != nil {
		return nil, err
	}
	g := &gathering{root: root, names: names, seen: make(map[string]bool)}
	for _, p := range paths {
		g.add(p)
	}
	return g.entries, errors.Join(g.errs...)
}

// gathering collects entries with the directories they lie in.
type gathering struct {
	root    string
	names   *atomic.Names
	seen    map[string]bool
	entries []archive.Entry
	errs    []error
}

// add takes in what lies at a path, below it too, and the directories on the way that
// are closed to others.
func (g *gathering) add(name string) {
	for _, dir := range above(name) {
		if info, err := os.Stat(g.at(dir)); err == nil && info.Mode().Perm()&0o077 == 0 {
			g.take(dir, g.at(dir), info)
		}
	}
	if info, err := os.Stat(g.at(name)); err == nil && info.Mode().IsRegular() && g.root == "/" {
		g.take(name, g.at(name), info) // as what it is, where a link leads to it
		return
	}
	err := filepath.WalkDir(g.at(name), func(file string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(file)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(g.at(name), file)
		g.take(path.Join(name, below), file, info)
		return err
	})
	if err != nil {
		g.errs = append(g.errs, err)
	}
}

func (g *gathering) at(name string) string { return filepath.Join(g.root, name) }

func (g *gathering) take(name, from string, info fs.FileInfo) {
	if g.seen[name] {
		return
	}
	g.seen[name] = true
	e := archive.Entry{Path: name, Mode: info.Mode().Perm() | info.Mode()&fs.ModeDir}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		e.User, e.Group = g.names.User(int(s.Uid)), g.names.Group(int(s.Gid))
	}
	if info.Mode().IsRegular() {
		data, err := os.ReadFile(from)
		if err != nil {
			g.errs = append(g.errs, err)
			return
		}
		e.Data = data
	} else if !info.IsDir() {
		g.errs = append(g.errs, fmt.Errorf("%s is neither a file nor a directory", from))
		return
	}
	g.entries = append(g.entries, e)
}

// above returns the directories that a path lies in, the outermost first.
func above(name string) []string {
	var all []string
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		all = append(all, dir)
	}
	slices.Reverse(all)
	return all
}

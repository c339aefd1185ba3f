package moving

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"vpnd/internal/archive"
	"vpnd/internal/atomic"
)

// A Put is what is to be written of an archive.
type Put struct {
	Differ []string // files that stand there already and say something else

	root  string
	names *atomic.Names
	dirs  []archive.Entry
	files []atomic.File
}

// Compare finds out what of an archive is missing below a root. It writes nothing.
func Compare(root string, entries []archive.Entry) (*Put, error) {
	names, err := atomic.ReadNames(root)
	if err != nil {
		return nil, err
	}
	p := &Put{root: root, names: names}
	for _, e := range entries {
		if e.Mode.IsDir() {
			p.dirs = append(p.dirs, e)
			continue
		}
		if err := p.compare(e); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Put) compare(e archive.Entry) error {
	there, err := os.ReadFile(filepath.Join(p.root, e.Path))
	switch {
	case err == nil && !bytes.Equal(there, e.Data):
		p.Differ = append(p.Differ, e.Path)
	case errors.Is(err, fs.ErrNotExist):
		uid, gid, err := p.owner(e)
		if err != nil {
			return err
		}
		p.files = append(p.files, atomic.File{Path: e.Path, Data: e.Data, Mode: e.Mode, UID: uid, GID: gid})
	case err != nil:
		return err
	}
	return nil
}

func (p *Put) owner(e archive.Entry) (uid, gid int, err error) {
	uid, err = p.names.UID(e.User)
	gid, err2 := p.names.GID(e.Group)
	if err := errors.Join(err, err2); err != nil {
		return 0, 0, fmt.Errorf("%s: %w; install what brings the account, and restore again", e.Path, err)
	}
	return uid, gid, nil
}

// Len is how many files are to be written.
func (p *Put) Len() int { return len(p.files) }

// Places returns the directories that they go to.
func (p *Put) Places() []string {
	var all []string
	for _, f := range p.files {
		all = append(all, path.Dir(f.Path))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Do writes them, with the directories that are missing.
func (p *Put) Do() error {
	for _, d := range p.dirs {
		if err := errors.Join(p.makeWays(d.Path), p.makeWay(d)); err != nil {
			return err
		}
	}
	for _, f := range p.files {
		if err := p.makeWays(f.Path); err != nil {
			return err
		}
	}
	return atomic.WriteAll(p.root, p.files)
}

// makeWays makes the directories that a path lies in and the archive says nothing of.
func (p *Put) makeWays(name string) error {
	for _, dir := range above(name) {
		if err := p.makeWay(archive.Entry{Path: dir, Mode: 0o755, User: "root", Group: "root"}); err != nil {
			return err
		}
	}
	return nil
}

// makeWay makes a directory that is not there.
func (p *Put) makeWay(d archive.Entry) error {
	if _, err := atomic.Stat(p.root, d.Path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	uid, gid, err := p.owner(d)
	if err != nil {
		return err
	}
	return atomic.Mkdir(p.root, d.Path, d.Mode.Perm(), uid, gid)
}

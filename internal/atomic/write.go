// Package atomic puts whole files in place so that a reader sees the old one
// or the new one and never a part, whenever the writer is killed, and so that
// nobody leads the writer elsewhere by a symbolic link.
//
// All paths are absolute as seen below a root, which is "/" for the host
// itself. Writers of one target must not run at the same time, which vpnd's
// lock sees to; where they do, one of them fails, and no file is torn.
package atomic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"

	"vpnd/internal/hands"
)

// manyFiles is from how many files on one flush of the file system is cheaper
// than one of each file.
const manyFiles = 8

// File is one file to put in place.
type File struct {
	Path string // absolute, as seen below the root
	Data []byte
	Mode fs.FileMode // permission, set-id and sticky bits
	UID  int         // owner, where -1 is whoever writes, as in chown(2)
	GID  int

	// Accept, where given, is asked before the file takes its place. It is told
	// where the new content is on the host; an error leaves the old file.
	Accept func(temporary string) error
}

// An Error is why one file could not be put in place.
type Error struct {
	Path string // as in [File]
	Err  error
}

// Error names the path.
func (e *Error) Error() string { return fmt.Sprintf("writing %s: %v", e.Path, e.Err) }

// Unwrap returns the error without the path.
func (e *Error) Unwrap() error { return e.Err }

// Write puts one file in place. The new file is 0600 from birth, and gets its
// owner before its mode; it is on disk before it takes its place, and so is
// its name when Write returns. A symbolic link in its place is replaced, and
// anything else that is no regular file is an error. The modification time in
// whole seconds moves, since that is what OpenVPN tells a new CRL by.
func Write(root string, f File) error { return WriteAll(root, []File{f}) }

// WriteAll puts many files in place with one flush to disk a file system and
// one a directory. All are prepared before the first takes its place: where one
// can't be, none is changed, and the error joins an [Error] for each that
// failed.
func WriteAll(root string, files []File) error { return WriteInTurn(root, files) }

// WriteInTurn is [WriteAll] of several lots: of each, the names are on disk before the
// first file of the next one takes its place. All are prepared with one flush.
func WriteInTurn(root string, lots ...[]File) error {
	b := batch{root: root, directories: make(map[string]*directory), left: make(map[string][]string)}
	defer b.close()
	var inTurn [][]*pending
	for _, files := range lots {
		begin := len(b.pending)
		for i := range files {
			b.pending = append(b.pending, &pending{File: &files[i]})
		}
		inTurn = append(inTurn, b.pending[begin:])
	}
	if err := each(b.pending, b.locate); err != nil {
		return err
	}
	if err := b.prepareAll(); err != nil {
		return err
	}
	if err := b.flush(); err != nil {
		return err
	}
	if err := each(b.pending, b.accept); err != nil {
		return err
	}
	for _, lot := range inTurn {
		if err := errors.Join(each(lot, b.place), syncDirectories(lot)); err != nil {
			return err
		}
	}
	return nil
}

// pending is a file on its way.
type pending struct {
	*File
	in        *directory
	name      string // of the target
	temporary string // its name; empty where there is none
}

type batch struct {
	root        string
	pending     []*pending
	directories map[string]*directory // by the directory's part of a path
	left        map[string][]string   // temporaries of killed writers, by the same
}

func each(all []*pending, step func(*pending) error) error {
	var errs []error
	for _, p := range all {
		if err := step(p); err != nil {
			errs = append(errs, &Error{Path: p.Path, Err: explain(err)})
		}
	}
	return errors.Join(errs...)
}

// prepareAll prepares many files with as many hands as there are processors.
func (b *batch) prepareAll() error {
	errs := make([]error, len(b.pending))
	hands.Each(context.Background(), len(b.pending), func(i int) { errs[i] = b.prepare(b.pending[i]) })
	for i, err := range errs {
		if err != nil {
			errs[i] = &Error{Path: b.pending[i].Path, Err: explain(err)}
		}
	}
	return errors.Join(errs...)
}

// prepare writes the temporary, complete but for the flush.
func (b *batch) prepare(p *pending) error {
	old, err := p.in.lstat(p.name)
	if err != nil {
		return err
	}
	if err := replaceable(old); err != nil {
		return err
	}
	temporary := temporaryOf(p.name)
	t, err := p.in.create(temporary)
	if err != nil {
		return err
	}
	defer unix.Close(t)
	p.temporary = temporary
	if err := p.fill(t, old); err != nil {
		return &fs.PathError{Op: "writing", Path: path.Join(p.in.path, temporary), Err: err}
	}
	if len(b.pending) < manyFiles {
		return unix.Fsync(t)
	}
	return nil
}

// create makes a file, by its descriptor alone: of thousands of small files, what
// package os does beside costs more than they do.
func (f *directory) create(name string) (int, error) {
	fd, err := unix.Openat(f.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fd, &fs.PathError{Op: "opening", Path: path.Join(f.path, name), Err: err}
	}
	return fd, nil
}

// fill gives the temporary its content, its owner and then its mode, where it was not
// born with them: of thousands of keys, each is a change of the file system by itself.
func (p *pending) fill(t int, old *unix.Stat_t) error {
	if err := writeAll(t, p.Data); err != nil {
		return err
	}
	var born unix.Stat_t
	if err := unix.Fstat(t, &born); err != nil {
		return err
	}
	if p.UID >= 0 && p.UID != int(born.Uid) || p.GID >= 0 && p.GID != int(born.Gid) {
		if err := unix.Fchown(t, p.UID, p.GID); err != nil {
			return err
		}
	}
	if bitsOf(p.Mode) != born.Mode&^unix.S_IFMT {
		if err := unix.Fchmod(t, bitsOf(p.Mode)); err != nil {
			return err
		}
	}
	return p.advance(born, old)
}

func writeAll(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.ErrShortWrite
		}
		data = data[max(n, 0):]
	}
	return nil
}

// locate opens the directory of the target, once for all that are in it, and
// takes away what an earlier run left of this target.
func (b *batch) locate(p *pending) error {
	dir, base := path.Split(p.Path)
	if b.directories[dir] == nil {
		in, _, err := locate(b.root, p.Path)
		if err != nil {
			return err
		}
		b.directories[dir] = in
		if b.left[dir], err = in.leftovers(); err != nil {
			return err
		}
	}
	p.in, p.name = b.directories[dir], base
	return p.in.sweep(b.left[dir], base)
}

// replaceable says whether a regular file may take the place of this.
func replaceable(old *unix.Stat_t) error {
	if old == nil {
		return nil
	}
	switch old.Mode & unix.S_IFMT {
	case unix.S_IFREG, unix.S_IFLNK:
		return nil
	case unix.S_IFDIR:
		return errors.New("a directory stands there; move it away or choose another path")
	default:
		return errors.New("a device, socket or pipe stands there; remove it or choose another path")
	}
}

// advance sets the modification time of the temporary a second after the old
// file's where it would be the same or earlier.
func (p *pending) advance(fresh unix.Stat_t, old *unix.Stat_t) error {
	if old == nil || old.Mode&unix.S_IFMT != unix.S_IFREG || fresh.Mtim.Sec > old.Mtim.Sec {
		return nil
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Sec: old.Mtim.Sec + 1}}
	return unix.UtimesNanoAt(p.in.fd, p.temporary, times, unix.AT_SYMLINK_NOFOLLOW)
}

// flush makes the content of many files durable, once a file system.
func (b *batch) flush() error {
	if len(b.pending) < manyFiles {
		return nil
	}
	done := make(map[uint64]bool)
	for _, f := range b.directories {
		st, err := f.lstat(".")
		if err != nil {
			return err
		}
		if done[st.Dev] {
			continue
		}
		done[st.Dev] = true
		if err := f.syncfs(); err != nil {
			return fmt.Errorf("flushing %s to disk: %w", f.path, explain(err))
		}
	}
	return nil
}

func (f *directory) syncfs() error {
	d, err := f.open()
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}

func (b *batch) accept(p *pending) error {
	if p.Accept == nil {
		return nil
	}
	return p.Accept(path.Join(p.in.path, p.temporary))
}

func (b *batch) place(p *pending) error {
	if err := unix.Renameat(p.in.fd, p.temporary, p.in.fd, p.name); err != nil {
		return err
	}
	p.temporary = ""
	return nil
}

func syncDirectories(of []*pending) error {
	var errs []error
	done := make(map[*directory]bool)
	for _, p := range of {
		f := p.in
		if done[f] {
			continue
		}
		done[f] = true
		if err := f.sync(); err != nil {
			errs = append(errs, fmt.Errorf("flushing %s to disk: %w", f.path, explain(err)))
		}
	}
	return errors.Join(errs...)
}

// close takes away what did not take its place.
func (b *batch) close() {
	for _, p := range b.pending {
		if p.temporary != "" {
			_ = unix.Unlinkat(p.in.fd, p.temporary, 0)
		}
	}
	for _, f := range b.directories {
		f.close()
	}
}

// explain says in words what a user can do about an error of the kernel.
func explain(err error) error {
	for errno, words := range map[unix.Errno]string{
		unix.ENOSPC: "the disk is full",
		unix.EDQUOT: "the disk quota is used up",
		unix.EROFS:  "the file system is mounted read-only",
		unix.EBUSY:  "it is a mount point, as in a container, and can't be replaced",
	} {
		if errors.Is(err, errno) {
			return fmt.Errorf("%s: %w", words, err)
		}
	}
	return err
}

package atomic

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Remove removes a file or a symbolic link, and what a killed writer left
// beside it. That nothing is there is no error.
func Remove(root, name string) error { return remove(root, name, 0) }

// RemoveDirectory removes an empty directory. That nothing is there is no error;
// where the directory is not empty, the error is [unix.ENOTEMPTY].
func RemoveDirectory(root, name string) error { return remove(root, name, unix.AT_REMOVEDIR) }

func remove(root, name string, flags int) error {
	in, base, err := locate(root, name)
	if absent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer in.close()
	if err := in.tidy(base); err != nil {
		return err
	}
	err = unix.Unlinkat(in.fd, base, flags)
	if err == unix.EROFS { // said without a look at what is there
		if there, err := in.lstat(base); there == nil && err == nil {
			return nil
		}
	}
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("removing %s: %w", name, explain(err))
	}
	return in.sync()
}

// absent says whether err means that there is nothing of that name.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)
}

// Mkdir makes a directory that has its owner and mode when it appears, whenever
// its maker is killed. Its parent must be there.
func Mkdir(root, name string, mode fs.FileMode, uid, gid int) error {
	in, base, err := locate(root, name)
	if err != nil {
		return err
	}
	defer in.close()
	if err := in.mkdir(base, mode, uid, gid); err != nil {
		return fmt.Errorf("making the directory %s: %w", name, explain(err))
	}
	return in.sync()
}

// mkdir makes a directory under another name, 0700 from birth, and gives it its
// owner before its mode.
func (f *directory) mkdir(name string, mode fs.FileMode, uid, gid int) error {
	old, err := f.lstat(name)
	if err == nil && old != nil {
		err = unix.EEXIST
	}
	if err != nil {
		return err
	}
	if err := f.tidy(name); err != nil {
		return err
	}
	temporary := temporaryOf(name)
	if err := unix.Mkdirat(f.fd, temporary, 0o700); err != nil {
		return err
	}
	err = f.own(temporary, mode, uid, gid)
	if err == nil {
		// Where a directory came to stand there just now, this replaces it if it is
		// empty, and is an error otherwise: rename(2).
		err = unix.Renameat(f.fd, temporary, f.fd, name)
	}
	if err != nil {
		_ = unix.Unlinkat(f.fd, temporary, unix.AT_REMOVEDIR)
	}
	return err
}

// Symlink makes a symbolic link of that content, in the place of a regular
// file or another link if there is one.
func Symlink(root, name, content string, uid, gid int) error {
	in, base, err := locate(root, name)
	if err != nil {
		return err
	}
	defer in.close()
	old, err := in.lstat(base)
	if err != nil {
		return err
	}
	if err := replaceable(old); err != nil {
		return &Error{Path: name, Err: err}
	}
	temporary := temporaryOf(base)
	err = unix.Symlinkat(content, in.fd, temporary)
	if err == nil {
		err = unix.Fchownat(in.fd, temporary, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err == nil {
		err = unix.Renameat(in.fd, temporary, in.fd, base)
	}
	if err != nil {
		_ = unix.Unlinkat(in.fd, temporary, 0)
		return &Error{Path: name, Err: explain(err)}
	}
	return in.sync()
}

// Own gives a regular file or a directory its owner and mode where it stands, so
// that nobody may more in between than before or after.
func Own(root, name string, mode fs.FileMode, uid, gid int) error {
	in, base, err := locate(root, name)
	if err != nil {
		return err
	}
	defer in.close()
	return in.own(base, mode, uid, gid)
}

func (f *directory) own(name string, mode fs.FileMode, uid, gid int) error {
	t, err := f.openat(name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer t.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(t.Fd()), &st); err != nil {
		return err
	}
	now := modeOf(st.Mode)
	switch {
	case !now.IsDir() && !now.IsRegular():
		return fmt.Errorf("%s is neither a regular file nor a directory", t.Name())
	case now.IsRegular() && st.Nlink > 1:
		// Somebody may have put /etc/shadow there by a hard link.
		return fmt.Errorf("%s has %d names (hard links), and its owner and mode would change under all of them; copy it to a file of its own", t.Name(), st.Nlink)
	}
	for _, step := range []func(*os.File) error{
		func(t *os.File) error { return t.Chmod(now.Perm() & mode.Perm()) },
		func(t *os.File) error { return t.Chown(uid, gid) },
		func(t *os.File) error { return t.Chmod(mode) },
		(*os.File).Sync,
	} {
		if err := step(t); err != nil {
			return explain(err)
		}
	}
	return nil
}

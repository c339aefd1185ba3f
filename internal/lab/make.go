package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// makeTimeout bounds the making of what is cached, which takes about a minute;
// a mirror that hangs must not hang a test.
const makeTimeout = 20 * time.Minute

// Make makes sure that the directory path exists, which is one of the lab's cache.
// Where it does not, a script of sh(1) makes it out of the packages of a release:
// its first argument is a directory in which it fills the empty "made" and may do
// what else it likes, args are the others. It runs in mount and PID namespaces of
// its own and with the proxies of the machine's apt. Several processes may want
// the same path at once: one makes it, the others wait.
func Make(ctx context.Context, path, release string, progress io.Writer, script string, args ...string) error {
	return this.once(ctx, path, progress, func(ctx context.Context, dir string) error {
		a, err := findArchive(ctx, release, progress)
		if err != nil {
			return err
		}
		return caged(ctx, script, append([]string{dir}, args...), a, progress)
	})
}

// What lies in the cache besides: who makes something holds a lock, and does it in a
// directory that is called so.
const (
	makerLock  = "root.lock"
	unfinished = "unfinished-"
)

// once has fill make what shall stand at path, unless it stands there already,
// in the directory "made" of one beside: it moves to its place when it is whole. It
// stays there as long as this process lives; what is older of its kind goes.
func (u *user) once(ctx context.Context, path string, progress io.Writer, fill func(ctx context.Context, dir string) error) error {
	there, err := u.hold(path)
	for err == nil && !there {
		if err = makeAt(ctx, path, progress, fill); err == nil {
			there, err = u.hold(path)
		}
	}
	if err == nil {
		prune(path, progress)
	}
	return err
}

// makeAt makes it, unless another process has.
func makeAt(ctx context.Context, path string, progress io.Writer, fill func(ctx context.Context, dir string) error) error {
	ctx, cancel := context.WithTimeout(ctx, makeTimeout)
	defer cancel()
	f, err := lock(ctx, filepath.Join(filepath.Dir(path), makerLock), func() {
		fmt.Fprintf(progress, "lab: waiting for another process that makes what %s needs\n", filepath.Base(path))
	})
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := os.Stat(path); err == nil { // another process did it
		return nil
	}
	if err := removeUnfinished(filepath.Dir(path)); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), unfinished)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	made := filepath.Join(dir, "made") // of a root it becomes the hosts' /, whatever our umask
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(made, 0o755), os.Chmod(made, 0o755)); err != nil {
		return err
	}
	fmt.Fprintf(progress, "lab: making %s, once\n", path)
	began := time.Now()
	if err := fill(ctx, dir); err != nil {
		return err
	}
	fmt.Fprintf(progress, "lab: made in %s\n", time.Since(began).Round(time.Second))
	if err := os.Chtimes(made, time.Now(), time.Now()); err != nil { // what is unpacked may be of any time
		return err
	}
	return os.Rename(made, path)
}

// removeUnfinished removes what was left by those who were killed at it. Their
// mounts went with them.
func removeUnfinished(cache string) error {
	left, err := filepath.Glob(filepath.Join(cache, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

// caged runs a script in a cage, with the proxies of the archive.
func caged(ctx context.Context, script string, args []string, a archive, progress io.Writer) error {
	cmd := cage(script, args...)
	cmd.Env = append(cmd.Env, a.proxy...)
	log := &tail{}
	both := io.MultiWriter(progress, log)
	cmd.Stdout, cmd.Stderr = both, both
	t := newThread()
	defer t.close()
	if err := t.start(cmd); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", errors.Join(err, context.Cause(ctx)), log)
	}
	return nil
}

package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// lent is where the programs of the machine appear on the host. The host has no
// Python, and with its own loader and libraries that of the machine runs there,
// whichever distribution the machine has.
const lent = "/run/machine"

// python is a command on the host that runs the Python of the machine.
const python = lent + "/python"

// lend mounts /usr of the machine on the host, to be read only, and writes
// python.
func (b *bench) lend(ctx context.Context) error {
	if _, err := b.host.Run(ctx, "mkdir", "-p", lent+"/usr"); err != nil {
		return err
	}
	if err := mountUsr(b.host.PID()); err != nil {
		return fmt.Errorf("mounting the machine's /usr on the host: %w", err)
	}
	script, err := pythonScript("/usr/bin/python3")
	if err != nil {
		return err
	}
	return b.host.WriteFile(ctx, python, []byte(script), 0o755)
}

func pythonScript(path string) (string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	loader := ""
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			text := make([]byte, p.Filesz)
			if _, err := p.ReadAt(text, 0); err != nil {
				return "", fmt.Errorf("reading the loader of %s: %w", path, err)
			}
			loader = strings.TrimRight(string(text), "\x00")
		}
	}
	// /lib and /lib64 are links into /usr.
	if loader, err = filepath.EvalSymlinks(loader); err != nil {
		return "", fmt.Errorf("finding the loader of %s: %w", path, err)
	}
	libraries, err := filepath.Glob("/usr/lib/*-linux-gnu")
	if err != nil || len(libraries) == 0 {
		return "", errors.New("finding the libraries of Python: there is no /usr/lib/*-linux-gnu")
	}
	for i := range libraries {
		libraries[i] = lent + libraries[i]
	}
	return fmt.Sprintf("#!/bin/sh\nPYTHONHOME=%s/usr exec %s%s --library-path %s %s%s \"$@\"\n",
		lent, lent, loader, strings.Join(libraries, ":"), lent, path), nil
}

// mountUsr copies the mount of /usr into the mount namespace of a process. The
// thread that goes there never comes back.
func mountUsr(pid int) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- moveUsr(pid)
	}()
	return <-done
}

func moveUsr(pid int) error {
	tree, err := unix.OpenTree(unix.AT_FDCWD, "/usr", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &readOnly); err != nil {
		return err
	}
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	if err != nil {
		return err
	}
	defer ns.Close()
	// A thread that shares its working directory can't change the namespace.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNS); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, lent+"/usr", unix.MOVE_MOUNT_F_EMPTY_PATH)
}

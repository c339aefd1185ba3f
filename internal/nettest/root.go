package nettest

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// enter makes a copy of a root file system, in memory, that of this process. The
// working directory stays where it is.
func enter(root string) error {
	if root == "" {
		return nil
	}
	// A place of this process alone, which hides nothing that is needed any more.
	const place = "/run"
	if err := unix.Mount("tmpfs", place, "tmpfs", 0, "mode=0755"); err != nil {
		return err
	}
	dir := func(name string) string { return filepath.Join(place, name) }
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(dir(name), 0o755); err != nil {
			return err
		}
	}
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", root, dir("upper"), dir("work"))
	if err := unix.Mount("overlay", dir("root"), "overlay", 0, layers); err != nil {
		return fmt.Errorf("mounting a layer over %s: %w", root, err)
	}
	for _, name := range []string{"/proc", "/dev", "/tmp"} {
		if err := unix.Mount(name, dir("root"+name), "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", name, err)
		}
	}
	return unix.Chroot(dir("root"))
}

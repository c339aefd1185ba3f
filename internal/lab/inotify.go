package lab

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// watching is how many inotify(7) instances a host's systemd and its services
// take at boot, which all count as root's own, as those of every other host do.
const watching = 24

// inotifyPatience is how long other hosts have to end and give theirs back, as those of
// tests do that run side by side.
const inotifyPatience = 2 * time.Minute

// awaitWatchers makes sure that there are inotify instances for one more host:
// one that lacks them dies at boot, and its last words speak of something else.
// It says so once where it has to wait.
func awaitWatchers(ctx context.Context, say func(format string, args ...any)) error {
	ctx, cancel := context.WithTimeout(ctx, inotifyPatience)
	defer cancel()
	for first := true; ; first = false {
		free := spare(watching)
		if free == watching {
			return nil
		}
		err := fmt.Errorf("a host needs %d inotify instances, and %d are free of the %s that a user may have on this machine: "+
			"end what holds them, or raise that with sysctl fs.inotify.max_user_instances=512", watching, free, limit())
		if first {
			say("%v", err)
		}
		if sleep(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// spare says how many inotify instances can be had now, up to most. It takes
// them for an instant, which is the only way to know.
func spare(most int) int {
	for n := range most {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return n
		}
		defer unix.Close(fd)
	}
	return most
}

package notice

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Clock hears of the clock being set, as where a host learns the time from the
// network after its boot, and not of its running.
type Clock struct {
	Begin func() // called once it listens
	Set   func() // called from the goroutine that listens
}

// Listen listens until ctx ends and then returns nil. It never wakes up while
// nobody sets the clock: a timer that is not to go off is cancelled by that,
// timerfd_create(2).
func (c Clock) Listen(ctx context.Context) error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("listening for the clock: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "timerfd")
	defer timer.Close()
	never := unix.ItimerSpec{Value: unix.Timespec{Sec: math.MaxInt32}}
	const flags = unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET
	if err := unix.TimerfdSettime(fd, flags, &never, nil); err != nil {
		return fmt.Errorf("listening for the clock: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = timer.Close() })()
	c.Begin()
	for {
		_, err := timer.Read(make([]byte, 8))
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ECANCELED):
			c.Set()
		case err != nil:
			return fmt.Errorf("listening for the clock: %w", err)
		}
	}
}

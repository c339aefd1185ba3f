package confirm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	pid1 "vpnd/internal/systemd"
)

// A Manager is what a deadline needs of systemd; see org.freedesktop.systemd1(5).
type Manager interface {
	// StartTimer starts a transient timer that runs a command once.
	StartTimer(ctx context.Context, timer string, after time.Duration, argv []string) error
	// StopTimer stops one; a command that it started runs on.
	StopTimer(ctx context.Context, timer string) error
	// Ticking says whether the timer has yet to go off.
	Ticking(ctx context.Context, timer string) (bool, error)
	// Enabled returns the path of the unit's file where the next boot starts
	// the unit, and nothing where it doesn't.
	Enabled(ctx context.Context, unit string) (path string, err error)
	// Active returns the active state of a unit; see systemctl(1).
	Active(ctx context.Context, unit string) (string, error)
	// Undoing says whether an undo is at work, or about to be tried again: at the
	// deadline or at boot.
	Undoing(ctx context.Context) (bool, error)
	// Cancel stops a unit, and a job that is to start it too. A unit that is not
	// there is no error.
	Cancel(ctx context.Context, unit string) error
	Close()
}

// Connect reaches the systemd of this host. The manager is good for as long as
// ctx.
func Connect(ctx context.Context) (Manager, error) {
	conn, err := pid1.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return bus{conn}, nil
}

type bus struct{ *pid1.Conn }

// How an undo is tried again where it fails, and for how long in all: ten
// minutes.
const (
	retryPause = 10 * time.Second
	retries    = 60
	undoTime   = 10 * time.Minute // for one try
	jobTime    = 10 * time.Second // for systemd to answer, or to start or stop a timer
)

// usec is a time as systemd counts it.
func usec(d time.Duration) uint64 { return uint64(d.Microseconds()) }

func property(name string, value any) dbus.Property {
	return dbus.Property{Name: name, Value: godbus.MakeVariant(value)}
}

// A monotonic is an element of TimersMonotonic.
type monotonic struct {
	Base string
	USec uint64
}

// StartTimer uses a monotonic timer: clocks that are set meanwhile don't matter.
func (b bus) StartTimer(ctx context.Context, timer string, after time.Duration, argv []string) error {
	service := strings.TrimSuffix(timer, ".timer") + ".service"
	about := dbus.PropDescription("Undo of a vpnd apply that nobody confirms")
	return b.job(ctx, func(ctx context.Context, done chan<- string) (int, error) {
		return b.StartTransientUnitAux(ctx, timer, "fail", []dbus.Property{
			about,
			property("TimersMonotonic", []monotonic{{"OnActiveSec", usec(after)}}),
			property("AccuracyUSec", usec(100*time.Millisecond)),
			property("RemainAfterElapse", false),
		}, []dbus.PropertyCollection{{Name: service, Properties: []dbus.Property{
			about,
			// The second is "ignore failure", whatever the library calls it: true, and
			// an undo that fails counts as done and is not tried again.
			dbus.PropExecStart(argv, false),
			property("SyslogIdentifier", "vpnd"),
			property("CollectMode", "inactive-or-failed"), // or each that gave up would stay in systemctl --failed
			property("Restart", "on-failure"),
			property("RestartUSec", usec(retryPause)),
			property("StartLimitIntervalUSec", usec(time.Hour)),
			property("StartLimitBurst", uint32(retries)),
			property("RuntimeMaxUSec", usec(undoTime)),
		}}}, done)
	})
}

func (b bus) StopTimer(ctx context.Context, timer string) error { return b.Cancel(ctx, timer) }

func (b bus) Cancel(ctx context.Context, unit string) error {
	err := b.job(ctx, func(ctx context.Context, done chan<- string) (int, error) {
		return b.StopUnitContext(ctx, unit, "replace", done)
	})
	var said godbus.Error
	if errors.As(err, &said) && said.Name == "org.freedesktop.systemd1.NoSuchUnit" {
		return nil
	}
	return err
}

// Undoing looks at units by name: those that a timer starts, those that vpnd
// writes for the next boot, and the one of the package.
func (b bus) Undoing(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	units, err := b.ListUnitsByPatternsContext(ctx, []string{"activating", "active", "deactivating"}, []string{undoUnits + "*.service", packaged})
	if err != nil {
		return false, fmt.Errorf("asking systemd which undo is at work: %w", err)
	}
	return len(units) > 0, nil
}

// job starts a job and waits for its end.
func (b bus) job(ctx context.Context, start func(ctx context.Context, done chan<- string) (int, error)) error {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	done := make(chan string, 1) // nobody may read it, and the connection would be stuck
	if _, err := start(ctx, done); err != nil {
		return err
	}
	select {
	case result := <-done:
		if result != "done" {
			return fmt.Errorf("the job ended with %q", result)
		}
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return fmt.Errorf("the job has not ended after %s", jobTime)
		}
		return ctx.Err()
	}
}

// Ticking looks at the substate: a timer that has gone off is active too.
func (b bus) Ticking(ctx context.Context, timer string) (bool, error) {
	state, err := b.word(ctx, timer, "SubState")
	return state == "waiting", err
}

func (b bus) Enabled(ctx context.Context, unit string) (string, error) {
	state, err := b.word(ctx, unit, "UnitFileState")
	if err != nil || state != "enabled" {
		return "", err
	}
	return b.word(ctx, unit, "FragmentPath")
}

func (b bus) Active(ctx context.Context, unit string) (string, error) {
	return b.word(ctx, unit, "ActiveState")
}

func (b bus) word(ctx context.Context, unit, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, jobTime)
	defer cancel()
	p, err := b.GetUnitPropertyContext(ctx, unit, name)
	if err != nil {
		return "", fmt.Errorf("asking systemd about %s: %w", unit, err)
	}
	word, _ := p.Value.Value().(string)
	return word, nil
}

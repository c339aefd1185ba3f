package connection

import (
	"context"
	"time"

	"vpnd/internal/systemd"
)

// A Manager is systemd, as far as clients need it.
type Manager interface {
	// ActiveState returns the active state of a unit, empty where there is no such unit.
	ActiveState(ctx context.Context, unit string) (string, error)
	// MainPID returns the number of its process, 0 where it has none.
	MainPID(ctx context.Context, unit string) (int, error)
	// RestartUnit restarts a unit and waits until that is done.
	RestartUnit(ctx context.Context, unit string) error
	// StopUnit stops a unit and waits until that is done.
	StopUnit(ctx context.Context, unit string) error
	Close()
}

// Connect reaches the systemd of this host.
func Connect(ctx context.Context) (Manager, error) { return systemd.Connect(ctx) }

func (v Verbs) connect(ctx context.Context) (Manager, error) {
	if v.Connect == nil {
		return Connect(ctx)
	}
	return v.Connect(ctx)
}

// Journal returns the last words of the processes of a unit since, a line each.
func Journal(ctx context.Context, unit string, since time.Time) []string {
	return systemd.Journal(ctx, unit, since, words)
}

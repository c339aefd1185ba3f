package ssh

import (
	"context"

	"vpnd/internal/systemd"
)

// A Manager is systemd, as far as tunnels need it.
type Manager interface {
	// State returns the active state of a unit, empty where there is no such unit.
	State(ctx context.Context, unit string) (string, error)
	// Restart restarts a unit and waits until that is done.
	Restart(ctx context.Context, unit string) error
	// Stop stops a unit and waits until that is done.
	Stop(ctx context.Context, unit string) error
	Close()
}

func (v Verbs) connect(ctx context.Context) (Manager, error) {
	if v.Connect == nil {
		return Connect(ctx)
	}
	return v.Connect(ctx)
}

// Connect reaches the systemd of this host.
func Connect(ctx context.Context) (Manager, error) {
	conn, err := systemd.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return bus{conn}, nil
}

type bus struct{ *systemd.Conn }

func (b bus) State(ctx context.Context, unit string) (string, error) { return b.ActiveState(ctx, unit) }

func (b bus) Restart(ctx context.Context, unit string) error { return b.RestartUnit(ctx, unit) }

func (b bus) Stop(ctx context.Context, unit string) error { return b.StopUnit(ctx, unit) }

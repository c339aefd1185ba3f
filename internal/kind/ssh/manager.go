package ssh

import (
	"context"
	"fmt"

	"vpnd/internal/systemd"
)

// A Manager is systemd, as far as tunnels need it.
type Manager interface {
	// State returns the active state of a unit, empty where there is no such unit.
	State(ctx context.Context, unit string) (string, error)
	// Restart restarts a unit and waits until that is done.
	Restart(ctx context.Context, unit string) error
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

func (b bus) State(ctx context.Context, unit string) (string, error) {
	all, err := b.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return "", err
	}
	if all["LoadState"] == "not-found" && all["ActiveState"] == "inactive" {
		return "", nil
	}
	state, _ := all["ActiveState"].(string)
	return state, nil
}

func (b bus) Restart(ctx context.Context, unit string) error {
	return done(ctx, func(ended chan<- string) (int, error) { return b.RestartUnitContext(ctx, unit, "replace", ended) })
}

// done runs a job and waits until it ends well.
func done(ctx context.Context, job func(ended chan<- string) (int, error)) error {
	ended := make(chan string, 1)
	if _, err := job(ended); err != nil {
		return err
	}
	select {
	case result := <-ended:
		if result != "done" {
			return fmt.Errorf("the job ended with %q", result)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

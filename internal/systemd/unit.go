package systemd

import (
	"context"
	"fmt"
)

// ActiveState returns the active state of a unit, as ActiveState of
// org.freedesktop.systemd1(5), empty where there is no such unit.
func (c *Conn) ActiveState(ctx context.Context, unit string) (string, error) {
	all, err := c.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return "", err
	}
	if all["LoadState"] == "not-found" && all["ActiveState"] == "inactive" {
		return "", nil
	}
	state, _ := all["ActiveState"].(string)
	return state, nil
}

// RestartUnit restarts a unit and waits until that is done.
func (c *Conn) RestartUnit(ctx context.Context, unit string) error {
	return Done(ctx, func(ended chan<- string) (int, error) { return c.RestartUnitContext(ctx, unit, "replace", ended) })
}

// StopUnit stops a unit and waits until that is done. One that there is not is stopped.
func (c *Conn) StopUnit(ctx context.Context, unit string) error {
	if state, err := c.ActiveState(ctx, unit); err != nil || state == "" {
		return err
	}
	return Done(ctx, func(ended chan<- string) (int, error) { return c.StopUnitContext(ctx, unit, "replace", ended) })
}

// Done runs a job and waits until it ends well.
func Done(ctx context.Context, job func(ended chan<- string) (int, error)) error {
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

// MainPID returns the number of the process that a service is, 0 where it has none.
func (c *Conn) MainPID(ctx context.Context, unit string) (int, error) {
	p, err := c.GetServicePropertyContext(ctx, unit, "MainPID")
	if err != nil {
		return 0, err
	}
	pid, _ := p.Value.Value().(uint32)
	return int(pid), nil
}

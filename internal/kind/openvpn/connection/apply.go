package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"vpnd/internal/resource"
)

// Apply waits until clients are connected. One that nobody runs is started, one that
// looks alive and is not is restarted, once, and routes that are gone are added. OpenVPN
// dials anew by itself.
func (v Verbs) Apply(ctx context.Context, items []resource.Item[Connection]) error {
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return resource.ApplyTogether(items, func(item resource.Item[Connection]) error { return v.await(ctx, m, item.Name, item.Want) })
}

func stop(ctx context.Context, m Manager, name string) error {
	if err := m.StopUnit(ctx, Place(name).Unit()); err != nil {
		return fmt.Errorf("stopping %s: %w", Place(name).Unit(), err)
	}
	return nil
}

// patience is how long a connection is waited for.
const patience = 20 * time.Second

// settle is how long a process has to open its management socket.
const settle = 3 * time.Second

func (v Verbs) await(ctx context.Context, m Manager, name string, want Connection) error {
	limit := v.Patience
	if limit == 0 {
		limit = patience
	}
	begun, restarted := time.Now(), false
	for {
		_, f, err := v.observe(ctx, m, name, &want)
		switch {
		case err != nil:
			return err
		case f.why == "" && !f.connected:
			return fmt.Errorf("there is no unit %s on this host, or no %s", Place(name).Unit(), Place(name).Config())
		case f.connected:
			return nil
		case f.astray: // it would take away what people reach this host by
			return errors.Join(fmt.Errorf("the tunnel is down %s%s", because, f.why), stop(ctx, m, name))
		case f.lacking != nil:
			if err := add(*want.Dev, f.lacking); err != nil {
				return err
			}
		case f.stale && !restarted && !(f.opening && time.Since(begun) < settle):
			restarted = true
			if err := m.RestartUnit(ctx, Place(name).Unit()); err != nil {
				return fmt.Errorf("restarting %s: %w", Place(name).Unit(), err)
			}
		}
		if since := time.Since(begun); since > limit || f.final && since > limit/2 {
			return fmt.Errorf("the tunnel is down %s%s", because, f.why)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// Refresh has the client started anew, which then reads what it rests on.
func (v Verbs) Refresh(ctx context.Context, name string, want Connection, how resource.Effect) error {
	if how <= resource.Rebuild {
		return nil
	}
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := m.RestartUnit(ctx, Place(name).Unit()); err != nil {
		return fmt.Errorf("restarting %s: %w", Place(name).Unit(), err)
	}
	return v.await(ctx, m, name, want)
}

// Since returns when the client was started: its socket is made then. One that does not
// run may be reading its files just now.
func (Verbs) Since(_ context.Context, name string) (time.Time, error) {
	info, err := os.Stat(Place(name).Management())
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now(), nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// Remove ends clients: their unit is that of the package, and stays.
func (v Verbs) Remove(ctx context.Context, names []string) error {
	m, err := v.connect(ctx)
	if err != nil {
		return err
	}
	defer m.Close()
	return resource.RemoveEach(names, func(name string) error { return stop(ctx, m, name) })
}

// Cost is what those notice who are at the other end.
func (Verbs) Cost(string, *Connection, *Connection) resource.Effect { return resource.Tunnel }

package confirm

import (
	"context"
	"fmt"
	"net"

	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
)

// up says why a tunnel is not up.
func (k *Checker) up(ctx context.Context, t settings.Tunnel) error {
	id, ok := t.Address()
	if !ok || k.Catalog.Traits(id.Kind).View != resource.Tunnels {
		return deviceUp(string(t))
	}
	kind, _ := k.Catalog.Kind(id.Kind)
	seen := kind.Observe(ctx, map[string]any{id.Name: nil})[id.Name]
	shape, ok := seen.Got.(resource.Tunneler)
	switch {
	case seen.Err != nil:
		return fmt.Errorf("looking at %s: %w", id, seen.Err)
	case !ok:
		return fmt.Errorf("there is no %s on this host", id)
	}
	return k.carries(id, shape.Tunnels())
}

// carries says why a tunnel carries nothing. Of several all must be up, apart from those
// that wait until somebody wants them; where there are only such, one.
func (k *Checker) carries(id resource.ID, all []resource.TunnelState) error {
	waiting, well := fmt.Errorf("%s holds no tunnel", id), false
	for _, t := range all {
		err := k.down(id, t)
		switch {
		case err == nil:
			well = true
		case !t.OnDemand:
			return err
		default:
			waiting = err
		}
	}
	if well {
		return nil
	}
	return waiting
}

func (k *Checker) down(id resource.ID, t resource.TunnelState) error {
	called := id.String()
	if t.Name != "" && t.Name != id.Name {
		called += ", " + t.Name + ","
	}
	switch {
	case t.Up && t.Attached:
		return nil
	case t.Up:
		return fmt.Errorf("%s is switched on, but no program serves it", called)
	}
	why := t.Why
	if why == "" && k.Why != nil {
		why = k.Why(id, t.Name)
	}
	if why == "" {
		return fmt.Errorf("%s is down", called)
	}
	return fmt.Errorf("%s is down: %s", called, why)
}

// deviceUp says why the interface of a tunnel is not up. That of a tun which no program
// holds open has no carrier.
func deviceUp(name string) error {
	dev, err := net.InterfaceByName(name)
	switch {
	case err != nil:
		return fmt.Errorf("there is no interface %s", name)
	case dev.Flags&net.FlagUp == 0:
		return fmt.Errorf("the interface %s is down", name)
	case dev.Flags&net.FlagRunning == 0:
		return fmt.Errorf("no program holds the interface %s open", name)
	}
	return nil
}

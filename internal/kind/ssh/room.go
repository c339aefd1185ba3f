package ssh

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"vpnd/internal/resource"
)

// Two tunnels may exchange the ports that they listen at here, by one apply: the one
// that comes first stops the other, which is about to be dialled anew with its own.

// Moving returns the units of the tunnels whose configuration a plan changes, and with
// it, maybe, where they listen: no two of a configuration listen at one place.
func Moving(plan resource.Prospect) []string {
	var units []string
	for id := range plan.Coming {
		dir, file := path.Split(id.Name)
		if p := Place(path.Base(dir)); id.Kind == "file" && file != "" && id.Name == p.Config() {
			units = append(units, p.Unit())
		}
	}
	return units
}

// makeRoom stops the tunnels of vpnd's that listen where this one shall, and says
// whether there were any.
func (v Verbs) makeRoom(ctx context.Context, name string, want *Forward) (made bool, err error) {
	h, err := v.host(ctx)
	if err != nil {
		return false, err
	}
	defer h.manager.Close()
	stopped := make(map[int]bool)
	for _, s := range h.sockets {
		other, ours := strings.CutPrefix(h.names.User(s.uid), Place("").User())
		if !ours || other == name || stopped[s.uid] || !inTheWay(s, want) {
			continue
		}
		stopped[s.uid] = true
		if err := h.manager.Stop(ctx, Place(other).Unit()); err != nil {
			return false, fmt.Errorf("stopping %s, which listens where this tunnel shall: %w", Place(other).Unit(), err)
		}
	}
	return len(stopped) > 0, nil
}

// inTheWay says whether a socket listens where a tunnel shall.
func inTheWay(s socket, want *Forward) bool {
	if s.state != listening {
		return false
	}
	for _, at := range want.listens() {
		end, err := ParseEnd(at, false)
		if err != nil || end.Path != "" || end.Port != int(s.local.Port()) {
			continue
		}
		addr, err := netip.ParseAddr(end.Host)
		if err != nil || addr.IsUnspecified() || s.local.Addr().IsUnspecified() || addr == s.local.Addr() {
			return true
		}
	}
	return false
}

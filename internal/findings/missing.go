package findings

import (
	"errors"
	"time"

	"vpnd/internal/resource"
	"vpnd/internal/status"
)

// Blind is how long filter rules may be out of sight on a host that is up before
// they are taken for lost: an upgrade of iptables takes that away for a moment,
// and whoever is connected would be cut off.
const Blind = 20 * time.Second

// Unrestored returns the filter rules of a host that is up which are known to be
// wrong and could not be put right, and those that have been out of sight for too
// long.
func (f Findings) Unrestored(filters func(resource.ID) bool, now time.Time) map[resource.ID]error {
	lost := make(map[resource.ID]error)
	for _, d := range f.Drift {
		if filters(d.ID) && d.Outcome == status.Failed {
			lost[d.ID] = errors.New(d.Error)
		}
	}
	for _, u := range f.Unknown {
		if filters(u.ID) && now.Sub(u.Since) >= Blind {
			lost[u.ID] = errors.New(u.Error)
		}
	}
	return lost
}

// Missing returns the filter rules that are wished for and not known to stand, but for
// those that somebody wanted to be as they are.
func (f Findings) Missing(filters func(resource.ID) bool) map[resource.ID]error {
	missing := make(map[resource.ID]error)
	add := func(id resource.ID, o status.Outcome, why string) {
		if filters(id) && o != status.Suppressed {
			missing[id] = errors.New(why)
		}
	}
	for _, d := range f.Drift {
		add(d.ID, d.Outcome, d.Error)
	}
	for _, p := range f.Pending {
		add(p.ID, p.Outcome, p.Error)
	}
	for _, u := range f.Unknown {
		add(u.ID, "", u.Error)
	}
	return missing
}

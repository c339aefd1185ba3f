package daemon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// few is how many things may go at a reload however large their share is: those of
// a client or two.
const few = 5

// withheld says why a configuration of the files is not taken at a reload, and
// nothing where it is. That a file says less than before may be a power cut in
// the middle of an edit: to take everything away, most of it, or a CA, is for
// somebody who has seen the plan.
func (f *force) withheld(cfg *config.Config) string {
	if f == nil || len(f.present) == 0 {
		return ""
	}
	wished := make(map[resource.ID]bool, len(cfg.Desired.Present))
	for _, r := range cfg.Desired.Present {
		wished[r.ID] = true
	}
	var cas []string
	gone := 0
	for _, r := range f.present {
		if wished[r.ID] {
			continue
		}
		gone++
		if isCA(r) {
			cas = append(cas, r.ID.Name)
		}
	}
	limit := settings.DefaultRemovalLimit
	if f.settings.RemovalLimit != nil {
		limit = *f.settings.RemovalLimit
	}
	const wait = "; that waits for a person: vpnd apply shows it and asks"
	switch {
	case len(wished) == 0:
		return fmt.Sprintf("the files ask for nothing any more, and would take away all %d things that are in force%s", gone, wait)
	case len(cas) > 0:
		slices.Sort(cas)
		return fmt.Sprintf("the files would take away the CA %s, and with it void all that it signed%s", strings.Join(cas, ", "), wait)
	case gone > few && gone*100 > limit*len(f.present):
		return fmt.Sprintf("the files would take away %d of the %d things in force, more than the %d%% of removal_limit%s", gone, len(f.present), limit, wait)
	}
	return ""
}

// taken is what the files would change: the configuration in force or, where the
// state has lost that or holds it damaged, what is on record. After vpnd destroy
// that is only what could not be removed.
func (a *agent) taken() *force {
	if a.force != nil {
		return a.force
	}
	store, err := state.Read(a.StateDir)
	if err != nil {
		return nil
	}
	if h, err := store.Hold(); err == nil && h.Destroyed() {
		return nil
	}
	f := &force{}
	for _, r := range store.Records() {
		if k, ok := a.Catalog.Kind(r.ID.Kind); ok {
			want := k.New()
			_ = r.Want.Tell(want) // as far as it can be told
			f.present = append(f.present, resource.Resource{ID: r.ID, Want: want, Owners: r.Owners, After: r.After})
		}
	}
	return f
}

// isCA says whether a thing is the certificate of a CA.
func isCA(r resource.Resource) bool {
	if r.ID.Kind != "certificate" {
		return false
	}
	var shape struct{ Usage string }
	data, err := resource.Encode(r.Want, resource.Reveal)
	return err == nil && json.Unmarshal(data, &shape) == nil && shape.Usage == "ca"
}

// withhold leaves in force what is, and tells why.
func (a *agent) withhold(why, cause string) {
	c := &a.status.Configuration
	c.Changed, c.Withheld = true, why
	a.Log.Error("the configuration is not taken; what was in force stays so", "noticed", cause, "reason", why)
	a.notify.put(Event{Event: "configuration", Text: "the configuration is not taken: " + why})
}

package active

import (
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

// Withheld says why a configuration of the files is not taken at a reload, and
// nothing where it is. That a file says less than before may be a power cut in
// the middle of an edit: to take everything away, most of it, or a CA, is for
// somebody who has seen the plan. So is to have a CA sign no more, where all is lost that
// tells that it does.
func (c *Configuration) Withheld(cfg *config.Config) string {
	if c == nil || len(c.Present) == 0 {
		return ""
	}
	wished := make(map[resource.ID]any, len(cfg.Desired.Present))
	for _, r := range cfg.Desired.Present {
		wished[r.ID] = r.Want
	}
	var cas []string
	gone := 0
	for _, r := range c.Present {
		switch now, stays := wished[r.ID]; {
		case !stays:
			gone++
		case aside(r.Want) || !aside(now):
			continue
		}
		if shape, ok := r.Want.(resource.Signer); ok && shape.Signs() {
			cas = append(cas, r.ID.Name)
		}
	}
	limit := settings.DefaultRemovalLimit
	if c.Settings.RemovalLimit != nil {
		limit = *c.Settings.RemovalLimit
	}
	const wait = "; that waits for a person: vpnd apply shows it and asks"
	switch {
	case len(wished) == 0:
		return fmt.Sprintf("the files ask for nothing any more, and would take away all that is in force (%d in all)%s", gone, wait)
	case len(cas) > 0:
		slices.Sort(cas)
		return fmt.Sprintf("the files would take away the CA %s, and with it void all that it signed%s", strings.Join(cas, ", "), wait)
	case gone > few && gone*100 > limit*len(c.Present):
		return fmt.Sprintf("the files would take away %d of the %d things in force, more than the %d%% of removal_limit%s", gone, len(c.Present), limit, wait)
	}
	return ""
}

// aside says whether nothing rests on a thing, as on a CA that does not sign.
func aside(want any) bool {
	a, may := want.(resource.Aside)
	return may && a.Aside()
}

// OnRecord returns what the records say that was applied, as far as it can be told,
// for where the state has lost what is active. After vpnd destroy that is only what
// could not be removed, and nothing is active.
func OnRecord(catalog resource.Catalog, store *state.Store) *Configuration {
	if h, err := store.Suppression(); err == nil && h.Destroyed() {
		return nil
	}
	c := &Configuration{}
	for _, r := range store.Records() {
		if k, ok := catalog.Kind(r.ID.Kind); ok {
			want := k.New()
			_ = r.Want.Tell(want) // as far as it can be told
			c.Present = append(c.Present, resource.Resource{ID: r.ID, Want: want, Owners: r.Owners, After: r.After})
		}
	}
	return c
}

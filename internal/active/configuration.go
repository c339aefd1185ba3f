// Package active is the active configuration: what an agent keeps a host to. It
// stands in the state, evaluated, as a [state.Wish], so that a mistake in a file or
// a file that is missing at boot changes nothing. A person's word activates one:
// vpnd apply, or a reload. The agent reads it, and resumes it after a crash, an
// upgrade or a boot.
package active

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/config"
	"vpnd/internal/config/settings"
	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state"
)

// Configuration is an active configuration, or one that is about to be.
type Configuration struct {
	Present  []resource.Resource
	Settings settings.Settings
	Checks   []settings.Check
	Version  string   // of the wish in the state that this is
	Unsaved  *Unsaved // of one that was read from the files: what is yet to be written; nil once it is
}

// Unsaved is what becomes of a configuration of the files in the state.
type Unsaved struct {
	Wish    *state.Wish
	Asked   *state.Wish      // what the files asked for: the same, but where something is suppressed
	Follows *string          // the version of the wish in the state when it was read; nil until that is known
	Left    *state.Remaining // what is suppressed from then on, where that is less than before
}

// From returns what the files say, which is not in the state yet.
func From(cfg *config.Config) (*Configuration, error) {
	w, err := Wish(cfg)
	if err != nil {
		return nil, err
	}
	return &Configuration{
		Present: cfg.Desired.Present, Settings: cfg.Settings, Checks: cfg.Checks,
		Unsaved: &Unsaved{Wish: w, Asked: w},
	}, nil
}

// Wish returns what the files say as it is kept in the state.
func Wish(cfg *config.Config) (*state.Wish, error) {
	settings, err := resource.Encode(cfg.Settings, resource.Reveal)
	if err != nil {
		return nil, err
	}
	w := &state.Wish{Settings: settings}
	if w.Checks, err = encodeChecks(cfg.Checks); err != nil {
		return nil, err
	}
	if len(cfg.Desired.Present) == 0 {
		return w, nil
	}
	w.Present = make([]state.Was, len(cfg.Desired.Present))
	errs := make([]error, len(w.Present))
	hands.Each(context.Background(), len(w.Present), func(i int) {
		r := cfg.Desired.Present[i]
		w.Present[i], errs[i] = state.NewWas(r, r.Want)
	})
	return w, errors.Join(errs...)
}

// Read returns what the state has as active, nil where it has nothing.
func Read(c resource.Catalog, store *state.Store) (*Configuration, error) {
	version := store.WishVersion()
	w, err := store.Wish()
	if err != nil || w == nil {
		return nil, err
	}
	f, err := decode(c, w)
	if err != nil {
		return nil, err
	}
	f.Version = version
	return f, nil
}

// decode returns a wish as it is activated.
func decode(c resource.Catalog, w *state.Wish) (*Configuration, error) {
	f := &Configuration{}
	var err error
	if f.Checks, err = decodeChecks(w.Checks); err != nil {
		return nil, err
	}
	if err := resource.Decode(w.Settings, &f.Settings); err != nil {
		return nil, fmt.Errorf("reading the settings in force: %w", err)
	}
	for _, was := range w.Present {
		k, ok := c.Kind(was.ID.Kind)
		if !ok {
			return nil, fmt.Errorf("%s: this vpnd knows no kind %q", was.ID, was.ID.Kind)
		}
		want := k.New()
		if err := was.Decode(want); err != nil {
			return nil, fmt.Errorf("%s: %w", was.ID, err)
		}
		f.Present = append(f.Present, resource.Resource{ID: was.ID, Want: want, Owners: was.Owners, After: was.After, Triggers: was.Triggers})
	}
	return f, nil
}

// encodeChecks returns checks as a wish keeps them: where they stand in the
// files is no part of it. None are nothing.
func encodeChecks(checks []settings.Check) (json.RawMessage, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	bare := slices.Clone(checks)
	for i := range bare {
		bare[i].Range = hcl.Range{}
	}
	data, err := json.Marshal(bare)
	if err != nil {
		return nil, fmt.Errorf("keeping the checks: %w", err)
	}
	return data, nil
}

// decodeChecks reads what encodeChecks wrote. A wish of an earlier vpnd has none.
func decodeChecks(data json.RawMessage) (checks []settings.Check, err error) {
	if data == nil {
		return nil, nil
	}
	if err := json.Unmarshal(data, &checks); err != nil {
		return nil, fmt.Errorf("reading the checks in force: %w", err)
	}
	return checks, nil
}

// Interval is how often the whole host is reconciled with it.
func (c *Configuration) Interval() time.Duration {
	if c == nil || c.Settings.Interval == nil {
		return 5 * time.Minute
	}
	return time.Duration(*c.Settings.Interval)
}

// Observing says whether nothing is repaired.
func (c *Configuration) Observing() bool {
	return c != nil && c.Settings.Mode != nil && *c.Settings.Mode == "observe"
}

// Newer says whether it was read from the files after the wish of that version
// was put into the state. What another vpnd has put there since is newer: it may
// have taken the files as they were later.
func (c *Configuration) Newer(version string) bool {
	u := c.Unsaved
	if u != nil && u.Follows == nil {
		u.Follows = &version
	}
	return u != nil && *u.Follows == version
}

// Save writes what was read from the files to the state.
func (c *Configuration) Save(store *state.Store, now time.Time) error {
	u := c.Unsaved
	if u == nil {
		return nil
	}
	if err := store.Sign(u.Wish); err != nil {
		return err
	}
	if err := keep(store, u.Wish, now); err != nil {
		return err
	}
	if u.Left != nil {
		if err := store.KeepSuppression(u.Left.Suppression); err != nil {
			return err
		}
	}
	c.Version, c.Unsaved = store.WishVersion(), nil
	return nil
}

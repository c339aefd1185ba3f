package state

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// A Return is the way back from the wish that an apply has put in force to the
// one before. It says only what differs, so that undoing an earlier apply leaves
// alone what later ones ask for, and costs what the apply has changed.
type Return struct {
	Since    time.Time       `json:"since"`            // when the earlier one was put in force
	Settings json.RawMessage `json:"settings"`         // of that one
	Checks   json.RawMessage `json:"checks,omitempty"` // of that one
	Wished   []Was           `json:"wished,omitempty"` // what it asked for otherwise, or the later one not at all
	Beyond   []resource.ID   `json:"beyond,omitempty"` // what only the later one asked for
	None     bool            `json:"none,omitempty"`   // there was none before, so that the later one stays in force, suppressed
}

// newReturn returns the way back, nil where both wishes are the same.
func newReturn(from, to *Wish) *Return {
	if from == nil || to == nil {
		return nil
	}
	differ := differences(from, to)
	if len(differ) == 0 && bytes.Equal(from.Settings, to.Settings) && bytes.Equal(from.Checks, to.Checks) {
		return nil
	}
	r := &Return{Since: to.Since, Settings: to.Settings, Checks: to.Checks}
	for _, was := range to.Present {
		if differ[was.ID] {
			r.Wished = append(r.Wished, was)
			delete(differ, was.ID)
		}
	}
	for id := range differ {
		r.Beyond = append(r.Beyond, id)
	}
	slices.SortFunc(r.Beyond, resource.ID.Compare)
	return r
}

// join makes of a way back the one that begins with a later one.
func (r *Return) join(later *Return) *Return {
	switch {
	case later == nil || r != nil && r.None:
		return r
	case r == nil:
		return later
	}
	said := make(map[resource.ID]bool)
	for _, was := range r.Wished {
		said[was.ID] = true
	}
	for _, id := range r.Beyond {
		said[id] = true
	}
	both := *r
	for _, was := range later.Wished {
		if !said[was.ID] {
			both.Wished = append(both.Wished, was)
		}
	}
	for _, id := range later.Beyond {
		if !said[id] {
			both.Beyond = append(both.Beyond, id)
		}
	}
	return &both
}

// from returns the wish that a way back leads to, nil where that is none.
func (r *Return) from(w *Wish) *Wish {
	if r == nil || r.None {
		return nil
	}
	return &Wish{Since: r.Since, Settings: r.Settings, Checks: r.Checks, Present: instead(w.Present, r.Wished, r.Beyond)}
}

// Follows says in a snapshot that is about to be written which wish its undo puts in
// force again: the one that is in force now, before the apply puts the next one in force.
// A snapshot of an apply that goes on with one which was cut short says so already.
func (s *Store) Follows(snap *Snapshot, next *Wish) error {
	now, _, err := s.Standing()
	if err != nil || next == nil || snap.Return != nil {
		return err
	}
	if snap.Return = newReturn(next, now); now == nil {
		snap.Return = &Return{None: true}
	}
	return nil
}

// Followed says the same where the wish is in force already: the snapshot is the first
// since then.
func (s *Store) Followed(snap *Snapshot) error {
	now, _, err := s.Standing()
	if err != nil || now == nil || snap.Return != nil {
		return err
	}
	names, err := s.Snapshots()
	if err != nil {
		return err
	}
	if len(names) > 0 {
		last, err := s.Snapshot(names[len(names)-1])
		if err == nil && !last.Taken.Before(now.Since) && last.Name != snap.Name {
			return nil
		}
	}
	snap.Return = newReturn(now, now.Before)
	return nil
}

// hideReturn puts the secrets of a way back apart.
func (s *Store) hideReturn(apart secrets, r *Return) (*Return, error) {
	if r == nil {
		return nil, nil
	}
	bare := *r
	var err error
	if bare.Settings, err = s.hide(apart, "settings", r.Settings); err != nil {
		return nil, err
	}
	if bare.Checks, err = s.hide(apart, "checks", r.Checks); err != nil {
		return nil, err
	}
	bare.Wished, err = s.hideShapes(apart, r.Wished)
	return &bare, err
}

// reveal puts them back.
func (r *Return) reveal(apart secrets) (err error) {
	if r == nil {
		return nil
	}
	if r.Settings, err = apart.find(r.Settings); err != nil {
		return err
	}
	if r.Checks, err = apart.find(r.Checks); err != nil {
		return err
	}
	return apart.findShapes(r.Wished)
}

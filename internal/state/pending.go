package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"vpnd/internal/atomic"
)

// A Pending is an apply that is undone unless somebody confirms it. That it is
// there is all that counts: who undoes reads it under the lock, and who
// confirms removes it.
type Pending struct {
	Snapshot string    `json:"snapshot"`        // what undoes it
	Deadline time.Time `json:"deadline"`        // for people; what counts is the timer, which no stepped clock moves
	Timer    string    `json:"timer"`           // the unit of systemd that ticks
	Process  int       `json:"process"`         // which applies, and may hang in it
	Tries    int       `json:"tries,omitempty"` // of its undo, at the deadline or by hand
}

// Begun says whether somebody has begun to undo it.
func (p *Pending) Begun() bool { return p.Tries > 0 }

// Late says whether it is being undone, or about to be, as far as a clock can tell.
func (p *Pending) Late(now time.Time) bool { return p.Begun() || !now.Before(p.Deadline) }

// PendingPath returns where the state folder dir holds the unconfirmed apply.
func PendingPath(dir string) string { return filepath.Join(dir, "pending.json") }

// ReadPending returns the apply that waits for confirmation, nil where none
// does. It needs no lock.
func ReadPending(dir string) (*Pending, error) {
	data, err := readOwn(PendingPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which apply waits for confirmation: %w", err)
	}
	var p Pending
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); vpnd confirm --abandon keeps the host as it is, and vpnd history names the snapshot to roll back to then", PendingPath(dir), err)
	}
	return &p, nil
}

// Dir returns the state folder.
func (s *Store) Dir() string { return s.dir }

// Pending returns the apply that waits for confirmation, nil where none does.
func (s *Store) Pending() (*Pending, error) { return ReadPending(s.dir) }

// SetPending writes down, durably, that an apply waits for confirmation.
func (s *Store) SetPending(p Pending) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.write(PendingPath(s.dir), append(data, '\n'))
}

// DropPending forgets, durably, that an apply waits for confirmation.
func (s *Store) DropPending() error {
	return errors.Join(atomic.Remove("/", PendingPath(s.dir)), s.Unreserve())
}

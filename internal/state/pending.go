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
// confirms ends it.
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

// PendingPath returns where the state directory dir holds the unconfirmed apply too,
// for the unit that undoes at boot, which looks for a file. Where that is lost or
// damaged, the log knows.
func PendingPath(dir string) string { return filepath.Join(dir, "pending.json") }

// ReadPending returns the apply that waits for confirmation, nil where none
// does. It needs no lock.
func ReadPending(dir string) (*Pending, error) {
	s, err := Read(dir)
	if err != nil {
		return nil, fmt.Errorf("reading which apply waits for confirmation: %w", err)
	}
	return s.Pending()
}

// Dir returns the state directory.
func (s *Store) Dir() string { return s.dir }

// Pending returns the apply that waits for confirmation, nil where none does. The
// file counts only beside a log that says nothing of it: that of an earlier vpnd, or
// one of which lines were lost.
func (s *Store) Pending() (*Pending, error) {
	s.mu.RLock()
	waits := s.waits
	s.mu.RUnlock()
	switch {
	case waits == nil:
		return s.pendingFile()
	case waits.Snapshot == "":
		return nil, nil
	}
	p := *waits
	return &p, nil
}

func (s *Store) pendingFile() (*Pending, error) {
	path := PendingPath(s.dir)
	data, err := readOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading which apply waits for confirmation: %w", err)
	}
	var p Pending
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); vpnd confirm --abandon keeps the host as it is, and vpnd history names the snapshot to roll back to then", path, err)
	}
	return &p, nil
}

// SetPending writes down, durably, that an apply waits for confirmation.
func (s *Store) SetPending(p Pending) error {
	return errors.Join(s.Commit(Fact{Waits: &p}), s.writePending(p))
}

func (s *Store) writePending(p Pending) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.write(PendingPath(s.dir), append(data, '\n'))
}

// DropPending forgets, durably, that an apply waits for confirmation. The room for
// its undo is given free first: on a disk that is full, this has to be written too.
func (s *Store) DropPending() error {
	err := s.Unreserve()
	if err == nil && s.log == nil {
		err = s.tidy()
	}
	if err == nil {
		err = s.Commit(Fact{Waits: new(Pending)})
	}
	if err != nil {
		return err
	}
	return atomic.Remove("/", PendingPath(s.dir))
}

// sweepPending has the file say what the log does, after a kill in between or
// where it was lost, and gives free the room of an undo that nobody will need:
// whoever set it aside was killed before the apply was armed.
func (s *Store) sweepPending() error {
	p, err := s.Pending()
	switch {
	case err != nil:
		return nil // who needs to know is told
	case p == nil:
		return errors.Join(s.Unreserve(), atomic.Remove("/", PendingPath(s.dir)))
	}
	was, err := readOwn(PendingPath(s.dir))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case json.Unmarshal(was, new(Pending)) == nil:
		return nil
	}
	return s.writePending(*p)
}

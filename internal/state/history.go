package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"vpnd/internal/resource"
)

// An Entry is one apply, rollback or destroy in the history.
type Entry struct {
	Time     time.Time `json:"time"`
	Command  string    `json:"command"`            // apply, rollback, destroy, forget
	Snapshot string    `json:"snapshot,omitempty"` // what undoes it
	Changes  []Done    `json:"changes"`
	Error    string    `json:"error,omitempty"`
}

// Done is one change of an entry.
type Done struct {
	ID     resource.ID `json:"id"`
	Action string      `json:"action"`
	Reason string      `json:"reason"`
	Error  string      `json:"error,omitempty"`
}

// Note appends an entry to the history.
func (s *Store) Note(e Entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(s.path("history.jsonl"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("noting the history: %w", err)
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// History returns all entries, oldest first. A line that a crash cut off is
// passed over.
func (s *Store) History() ([]Entry, error) {
	data, err := os.ReadFile(s.path("history.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	var entries []Entry
	for line := range bytes.Lines(data) {
		var e Entry
		if json.Unmarshal(line, &e) == nil {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

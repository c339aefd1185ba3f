package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"vpnd/internal/resource"
)

// An Entry is one apply, rollback or destroy in the history.
type Entry struct {
	Time     time.Time `json:"time"`
	By       string    `json:"by,omitempty"`       // who called it, where a person did
	Command  string    `json:"command"`            // apply, rollback, destroy, forget; of the daemon: converge, repair, [Noticed], [Tunnel]
	Snapshot string    `json:"snapshot,omitempty"` // what undoes it
	Changes  []Done    `json:"changes"`
	Error    string    `json:"error,omitempty"`
}

// Noticed is the command of an entry that tells of drift, where nothing was done
// about it.
const Noticed = "drift"

// Tunnel is the command of an entry that tells of tunnels that are down, or up again.
const Tunnel = "tunnel"

// Done is one change of an entry.
type Done struct {
	ID      resource.ID     `json:"id"`
	Action  string          `json:"action"`
	Reason  string          `json:"reason"`
	Noticed string          `json:"noticed,omitempty"` // of drift: how
	By      string          `json:"by,omitempty"`      // of drift: the program that moved it, where known
	Diffs   []resource.Diff `json:"diffs,omitempty"`   // of drift and of what was there before: from what to what, secrets masked, long values shortened
	Outcome string          `json:"outcome,omitempty"` // of drift that was not repaired: why not; of a tunnel that is down: why
	Error   string          `json:"error,omitempty"`
}

// longest is how large the history may grow, in bytes, before its older half
// goes.
const longest = 4 << 20

// Note appends an entry to the history.
func (s *Store) Note(e Entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := openOwn(s.path("history.jsonl"), os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("noting the history: %w", err)
	}
	_, err = f.Write(slices.Concat(torn(f), data, []byte{'\n'}))
	return errors.Join(err, f.Sync(), f.Close(), s.shorten())
}

// torn returns what has to come before the next line: a newline where a crash
// cut the last one off, or the next would be lost with it.
func torn(f *os.File) []byte {
	last := []byte{'\n'}
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		_, _ = f.ReadAt(last, info.Size()-1)
	}
	if last[0] == '\n' {
		return nil
	}
	return []byte{'\n'}
}

// shorten drops the older half of a history that has grown too long.
func (s *Store) shorten() error {
	path := s.path("history.jsonl")
	info, err := os.Lstat(path)
	if err != nil || info.Size() <= longest {
		return err
	}
	data, err := readOwn(path)
	if err != nil {
		return fmt.Errorf("shortening the history: %w", err)
	}
	young := data[len(data)/2:]
	return s.write(path, young[bytes.IndexByte(young, '\n')+1:])
}

// Noted says whether the history may have an entry of a command. It need not take apart
// what it has for that.
func (s *Store) Noted(command string) (bool, error) {
	data, err := readOwn(s.path("history.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the history: %w", err)
	}
	return bytes.Contains(data, []byte(`"command":"`+command+`"`)), nil
}

// History returns all entries, oldest first. A line that a crash cut off is
// passed over.
func (s *Store) History() ([]Entry, error) {
	data, err := readOwn(s.path("history.jsonl"))
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

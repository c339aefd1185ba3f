package ipsec

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"vpnd/internal/atomic"
)

// record is what was loaded into a charon, by connection: what charon does not tell.
// There is no secret in it, nor anything made of one.
type record struct {
	Since       time.Time         `json:"since"` // the charon that it is of listens
	Connections map[string]loaded `json:"connections"`
}

// loaded is what was loaded of a connection.
type loaded struct {
	Files   map[string]time.Time `json:"files"`             // by path, when each was changed last; nothing while it is being loaded
	Revoked []string             `json:"revoked,omitempty"` // serial numbers in the lists that were loaded
	Stale   int                  `json:"stale"`             // SAs up to this number were made with what was loaded before
	Tried   time.Time            `json:"tried"`             // when it was last begun to establish it
	Tries   int                  `json:"tries"`             // how often in a row
}

// readRecord returns what is on record of the charon that runs now.
func readRecord(path string, since time.Time) (record, error) {
	fresh := record{Since: since, Connections: make(map[string]loaded)}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, err
	}
	var r record
	// One that can't be read says as little as none: then all is loaded again.
	if err := json.Unmarshal(data, &r); err != nil || !r.Since.Equal(since) || r.Connections == nil {
		return fresh, nil
	}
	return r, nil
}

// write keeps the record.
func (r record) write(file string) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(path.Dir(file), 0o755); err != nil {
		return fmt.Errorf("keeping what was loaded: %w", err)
	}
	return atomic.Write("/", atomic.File{Path: filepath.Clean(file), Data: data, Mode: 0o600})
}

// wait is how long a try to establish something is left alone: longer with each one
// in a row.
func (l loaded) wait() time.Duration {
	const first, longest = 10 * time.Second, time.Hour
	return min(first<<min(l.Tries, 12), longest)
}

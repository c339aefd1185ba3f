package status

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vpnd/internal/atomic"
)

// Path is where the status stands.
func Path(runDir string) string { return filepath.Join(runDir, "status.json") }

// Read returns what the daemon last told, nil where there is nothing.
func Read(runDir string) (*Status, error) {
	data, err := atomic.ReadFile("/", Path(runDir), 256<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var s Status
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the status: %w", err)
	}
	return &s, nil
}

// Write puts it where commands read it. The file is for root alone: it quotes
// rules and files that others may not be able to read.
func (s *Status) Write(runDir string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return atomic.Write("/", atomic.File{Path: Path(runDir), Data: append(data, '\n'), Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
}

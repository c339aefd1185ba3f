package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vpnd/internal/atomic"
)

// Seen is the name of the file in the directory of the state that says who was seen
// last. The agent writes it without the lock, and tidies what it left.
const Seen = "seen.json"

// sweep removes what a vpnd that was killed had begun to write or to try. It may hold
// secrets, and no later write would: the next snapshot has another name, and
// after vpnd destroy the wish is not written again. The caller holds the lock,
// so nobody is at it.
func (s *Store) sweep() error {
	for _, dir := range []string{s.dir, s.path("snapshots"), s.path("priors"), s.path("secrets")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("tidying the state: %w", err)
		}
		for _, e := range entries {
			target, temporary := atomic.Target(e.Name())
			if !temporary || target == Seen || !e.Type().IsRegular() {
				continue
			}
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("tidying the state: %w", err)
			}
		}
	}
	atomic.SweepRooms()
	if err := s.sweepPending(); err != nil {
		return err
	}
	return s.sweepApart()
}

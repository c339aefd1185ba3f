package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"vpnd/internal/atomic"
)

// Purge removes from a state without records what only an undo would need:
// snapshots, what stood there before, all that is secret, and the key of the
// digests, with whatever names the people who had a way in, the stale lines of the log
// included. It returns how many snapshots went. An agent that starts after it goes on
// with nothing: what stays is the history, and that nothing is in force.
func (s *Store) Purge(now time.Time) (snapshots int, err error) {
	if left := s.Records(); len(left) > 0 {
		return 0, fmt.Errorf("vpnd still has %s on this host, and %d things in all, so what undoes that is kept", left[0].ID, len(left))
	}
	nothing := &Wish{Since: now, Settings: []byte("{}")}
	if err := errors.Join(s.Sign(nothing), s.KeepWish(nothing), s.DropSuppression()); err != nil {
		return 0, err
	}
	names, err := s.Snapshots()
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := s.DropSnapshot(name); err != nil {
			return snapshots, err
		}
		snapshots++
	}
	priors, err := os.ReadDir(s.path("priors"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return snapshots, fmt.Errorf("purging the state: %w", err)
	}
	var errs []error
	for _, prior := range priors { // of records that are gone
		errs = append(errs, atomic.Remove("/", s.path("priors", prior.Name())))
	}
	damaged, err := filepath.Glob(filepath.Join(s.dir, "*.damaged"))
	errs = append(errs, err)
	for _, aside := range damaged { // an earlier vpnd wrote secrets there
		errs = append(errs, atomic.Remove("/", aside))
	}
	errs = append(errs, s.Settled(), atomic.Remove("/", filepath.Join(s.dir, "key")), s.renew())
	return snapshots, errors.Join(errs...)
}

// renew writes the log anew with nothing in it but what still counts.
func (s *Store) renew() error {
	if err := s.Close(); err != nil {
		return err
	}
	if err := s.rewrite(s.path("records.jsonl")); err != nil {
		return err
	}
	return s.tidy()
}

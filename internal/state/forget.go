package state

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// Forget drops all that is known of some things: what an undo would do about them,
// their records, what stood there before, and what the configuration in force asks
// of them. The daemon would take them up again, and remove them once their blocks
// have gone. It returns the records. They go before the wish, since a wish without
// a record is only taken up again, and a record without a wish is removed.
func (s *Store) Forget(which func(resource.ID, []resource.Owner) bool) ([]Record, error) {
	wish, _, err := s.Standing() // of one that is damaged, what the files ask for comes next
	if err != nil {
		return nil, err
	}
	var facts []Fact
	gone := make(map[resource.ID]bool)
	records := slices.DeleteFunc(s.Records(), func(r Record) bool { return !which(r.ID, r.Owners) })
	for _, r := range records {
		facts = append(facts, Fact{Drop: &r.ID}, Fact{Owe: &PendingRefresh{ID: r.ID}})
		gone[r.ID] = true
	}
	forgotten := func(was Was) bool { return gone[was.ID] || which(was.ID, was.Owners) }
	if err := s.forgetUndo(gone, forgotten); err != nil {
		return nil, err
	}
	if err := s.Commit(facts...); err != nil {
		return nil, err
	}
	var errs []error
	for _, r := range records {
		errs = append(errs, s.DropPrior(r))
	}
	return records, errors.Join(append(errs, s.forgetWish(wish, forgotten))...)
}

// forgetUndo takes forgotten things out of every snapshot, so that no undo touches
// them any more. What of a snapshot can't be read nobody goes back to.
func (s *Store) forgetUndo(gone map[resource.ID]bool, forgotten func(Was) bool) error {
	names, err := s.Snapshots()
	if err != nil {
		return err
	}
	for _, name := range names {
		snap, err := s.Snapshot(name)
		if err != nil || !snap.forget(gone, forgotten) {
			continue
		}
		if err := s.writeSnapshot(snap); err != nil {
			return fmt.Errorf("keeping a snapshot: %w", err)
		}
	}
	return nil
}

// forget says whether a snapshot held any of that. Its owners tell of what the
// apply took away, and the records what it brought.
func (s *Snapshot) forget(gone map[resource.ID]bool, forgotten func(Was) bool) (any bool) {
	gone = maps.Clone(gone)
	out := func(was Was) bool {
		gone[was.ID] = gone[was.ID] || forgotten(was)
		any = any || gone[was.ID]
		return gone[was.ID]
	}
	s.Present = slices.DeleteFunc(s.Present, out)
	if s.Return != nil {
		s.Return.Wished = slices.DeleteFunc(s.Return.Wished, out)
	}
	s.Absent = slices.DeleteFunc(s.Absent, func(id resource.ID) bool { return out(Was{ID: id}) })
	s.Records = slices.DeleteFunc(s.Records, func(r Record) bool {
		if gone[r.ID] {
			delete(s.Priors, r.Prior)
		}
		return gone[r.ID]
	})
	return any
}

// forgetWish takes forgotten things out of the configuration in force.
func (s *Store) forgetWish(wish *Wish, forgotten func(Was) bool) error {
	if wish == nil {
		return nil
	}
	wished := len(wish.Present)
	wish.Present = slices.DeleteFunc(wish.Present, forgotten)
	if wish.Before != nil {
		wish.Before.Present = slices.DeleteFunc(wish.Before.Present, forgotten)
	}
	if len(wish.Present) == wished {
		return nil
	}
	return errors.Join(s.Sign(wish), s.KeepWish(wish))
}

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

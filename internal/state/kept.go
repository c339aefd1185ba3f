package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"

	"vpnd/internal/atomic"
)

// The log says of each file beside it whether there is one, and which: so one that
// is missing, or that an older copy has taken the place of, does not pass for none
// or for the latest. The file is written before the log says so and removed after,
// so that a kill in between leaves a newer file than the log knows, never an older.

// A Kept is what the log says of a file of the state.
type Kept struct {
	File   string `json:"file"`
	Number int    `json:"number"` // the file has that number or a higher one; below 0 it had, and was removed; 0 there never was one
}

// A numbered file has a number, higher with each time that it is written.
type numbered interface {
	number() *int
	encode() ([]byte, error)
	decode(data []byte) error
}

func (w *Wish) number() *int { return &w.Number }

func (w *Wish) encode() ([]byte, error) { return encodeWish(w) }

func (w *Wish) decode(data []byte) error {
	read, err := decodeWish(data, w.words)
	if err == nil {
		*w = *read
	}
	return err
}

func (h *Suppression) number() *int { return &h.Number }

func (h *Suppression) encode() ([]byte, error) { return json.Marshal(h) }

func (h *Suppression) decode(data []byte) error { return json.Unmarshal(data, h) }

// keep writes a file of the state under a new number.
func (s *Store) keep(name string, v numbered) error {
	n := v.number()
	*n = max(*n, s.latest(name)) + 1
	data, err := v.encode()
	if err == nil {
		err = s.write(s.path(name), data)
	}
	if err != nil {
		return err
	}
	return s.sayKept(name, *n)
}

// sayKept writes down which file of that name is the latest. A disk that takes
// nothing more does not keep the file from being so.
func (s *Store) sayKept(name string, number int) error {
	fact := Fact{Kept: &Kept{File: name, Number: number}}
	err := s.Commit(fact)
	if Unwritable(err) {
		s.Postpone(fact)
		return nil
	}
	return err
}

// latest returns the highest number that the log knows of a file.
func (s *Store) latest(name string) int {
	n, _ := s.said(name)
	return max(n, -n)
}

// drop removes a file that keep wrote.
func (s *Store) drop(name string) error {
	if n, _ := s.said(name); n > 0 {
		if err := s.sayKept(name, -n); err != nil {
			return err
		}
	}
	return atomic.Remove("/", s.path(name))
}

// said is what the log says of a file, if it says anything.
func (s *Store) said(name string) (number int, said bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	number, said = s.kept[name]
	return number, said
}

// recall reads what keep wrote into another empty one each time, nil where there is
// nothing. Another vpnd may write meanwhile: what looks like damage counts where the log
// says the same after it.
func recall[P numbered](s *Store, name, what, out string, empty func() P) (nothing P, _ error) {
	for {
		kept := empty()
		err := s.readKept(name, what, kept)
		if n, _ := s.said(name); err == nil && *kept.number() >= n {
			return kept, nil
		}
		none := errors.Is(err, fs.ErrNotExist)
		if err != nil && !none {
			return nothing, s.damagedFile(name, out, err)
		}
		if s.log == nil && s.saysOtherwise(name) {
			continue
		}
		switch {
		case !none:
			return nothing, s.damagedFile(name, out, fmt.Errorf("an older copy of %s has taken its place", what))
		case s.lacks(name):
			return nothing, s.damagedFile(name, out, fmt.Errorf("%s is missing", what))
		}
		return nothing, nil
	}
}

// damagedFile is said of a file that can be replaced; one that can't be opened is
// none.
func (s *Store) damagedFile(name, out string, err error) error {
	var unread *readError
	if errors.As(err, &unread) {
		return err
	}
	return &DamageError{Path: s.path(name), What: err.Error(), Out: out}
}

// A readError says that nobody knows what is in a file.
type readError struct{ error }

func (e *readError) Unwrap() error { return e.error }

func (s *Store) readKept(name, what string, kept numbered) error {
	data, err := readOwn(s.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return &readError{fmt.Errorf("reading %s: %w", what, err)}
	}
	if err := kept.decode(data); err != nil {
		return fmt.Errorf("%s can't be read (%v)", what, err)
	}
	return nil
}

// lacks says whether a file that is not there should be. Where vpnd has something
// on the host, a configuration is in force, unless the log says that none is: an
// earlier vpnd did not write down which files it kept.
func (s *Store) lacks(name string) bool {
	n, said := s.said(name)
	return n > 0 || !said && name == wishFile && len(s.Records()) > 0
}

// saysOtherwise reads the log anew, and says whether it says something else of a
// file than before.
func (s *Store) saysOtherwise(name string) bool {
	if info, err := os.Lstat(s.path("records.jsonl")); err == nil && extentOf(info) == s.known {
		return false // it is the one that was read
	}
	fresh, err := Read(s.dir)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if maps.Equal(s.kept, fresh.kept) {
		return false
	}
	s.kept = fresh.kept
	return true
}

// Damage is an error where the configuration in force, or what is suppressed, is damaged.
func (s *Store) Damage() error {
	_, wish := s.Wish()
	h, unread := s.Suppression()
	return errors.Join(wish, unread, h.Damage())
}

// KeepNoWish writes down that no configuration is in force, although there will be
// something on record: only parts of one were applied so far.
func (s *Store) KeepNoWish() error {
	if _, said := s.said(wishFile); said {
		return nil
	}
	return s.Commit(Fact{Kept: &Kept{File: wishFile}})
}

// traces are what of a state is not there without records. An agent that only
// observes keeps a history too.
var traces = []string{wishFile, suppressionFile, "snapshots", "priors"}

// leftBehind returns the first file of a state whose records are gone, none where
// there never were any.
func (s *Store) leftBehind() string {
	for _, name := range traces {
		if _, err := os.Lstat(s.path(name)); err == nil {
			return name
		}
	}
	return ""
}

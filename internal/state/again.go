package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"vpnd/internal/resource"
)

// An extent is how much of the log is in memory. The log is only appended to or
// replaced, so that the same file that is no shorter holds nothing else before
// that end.
type extent struct {
	device, inode uint64 // none where there is no log
	size          int64  // ends with a whole line
	written       time.Time
}

func extentOf(info fs.FileInfo) extent {
	x := extent{size: info.Size(), written: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		x.device, x.inode = uint64(st.Dev), st.Ino
	}
	return x
}

// continues says whether the log is the one that was read up to x, with perhaps
// more at its end.
func (now extent) continues(x extent) bool {
	return now.device == x.device && now.inode == x.inode &&
		(now.size > x.size || now.size == x.size && now.written.Equal(x.written))
}

// Reopen opens a closed store for changing, and reads only what others have
// written since. After an error it is of no use any more. The caller holds the
// [Lock].
func (s *Store) Reopen() error {
	if err := makeDir(s.dir); err != nil {
		return err
	}
	if err := s.refresh(true); err != nil {
		return err
	}
	err := s.sweep()
	if Unwritable(err) {
		err = nil // tidy finds out
	}
	if err = errors.Join(err, s.tidy()); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// Others says whether somebody else has written the records since this store read
// or wrote them last.
func (s *Store) Others() bool { return s.others }

// Reread brings a closed store up to date for looking only.
func (s *Store) Reread() error { return s.refresh(false) }

func (s *Store) refresh(write bool) error {
	err := trusted(s.dir)
	if err != nil {
		return err
	}
	if s.Sealer, err = loadSealer(s.dir, write); err != nil {
		return err
	}
	return s.load()
}

// load reads what is new of the log, all of it where it was replaced.
func (s *Store) load() error {
	s.others = false
	m := s.readMark() // before the log, which only grows from what it tells of
	log, err := openOwn(s.path("records.jsonl"), os.O_RDONLY)
	known := len(s.records)
	if errors.Is(err, fs.ErrNotExist) {
		s.forgetAll()
		return s.missing(m, known)
	}
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	if info.Size() == 0 && known > 0 {
		s.forgetAll()
		return s.missing(m, known)
	}
	now := extentOf(info)
	s.others = s.records != nil && !(now.continues(s.known) && (s.torn || now.size == s.known.size))
	if s.records == nil || !now.continues(s.known) {
		s.forgetAll()
	}
	if s.others {
		s.late = nil
	}
	text, err := textOf(io.NewSectionReader(log, s.known.size, now.size-s.known.size))
	if err != nil {
		return fmt.Errorf("reading the state: %w", err)
	}
	anew := s.known.size == 0
	rest, err := s.study(text)
	lines := text[:len(text)-rest]
	now.size -= int64(rest)
	if err == nil && anew {
		err = s.whole(lines, m)
	} else {
		s.read.add(lines)
	}
	s.known = now
	return err
}

// textOf reads what is there.
func textOf(r *io.SectionReader) (string, error) {
	var b strings.Builder
	b.Grow(int(r.Size()))
	_, err := io.Copy(&b, r)
	return b.String(), err
}

// study takes in lines of the log and says how many bytes of the last one are
// no whole line. One that was cut off by a crash was never relied on and is
// passed over; damage elsewhere is an error.
func (s *Store) study(text string) (rest int, err error) {
	s.torn = false
	for _, p := range readLines(text) {
		for _, f := range p.facts {
			s.learn(f)
			if f.Head != nil {
				s.read.name = f.Head.Name
			}
		}
		s.lines += p.whole
		switch {
		case p.err != nil:
			return len(text), s.damaged("line %d can't be read (%v)", s.lines+1, p.err)
		case p.rest > 0:
			s.torn = true
			return p.rest, nil
		}
	}
	return 0, nil
}

func (s *Store) forgetAll() {
	s.records, s.owed, s.kept = make(map[resource.ID]*Record), make(map[resource.ID]resource.Effect), make(map[string]int)
	s.waits = nil
	s.known, s.lines, s.torn = extent{}, 0, false
	s.read.begin("")
}

// knows notes that all of the log is in memory, after it was written. Where that
// can't be told, all is read again the next time.
func (s *Store) knows() {
	s.known = extent{}
	if info, err := s.log.Stat(); err == nil {
		s.known = extentOf(info)
	}
}

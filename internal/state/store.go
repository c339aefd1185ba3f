package state

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

// A Store is the state directory, read into memory. Facts are appended to
// records.jsonl, so a commit costs what it says and not what is known already.
type Store struct {
	Sealer

	dir  string
	boot string // the kernel's name for this one; random(4)

	mu      sync.RWMutex            // a plan may be made while another one is put on record
	records map[resource.ID]*Record // each as it was put: another one takes its place
	owed    map[resource.ID]resource.Effect
	kept    map[string]int // see [Kept]
	waits   *Pending       // with no snapshot where none does; nil where the log does not tell
	wished  wishRead       // under the lock alone
	words   *wording       // of the wish that was signed last; under the lock alone
	log     *os.File       // nil where the store is only read, or the disk takes nothing
	refused error          // why it takes nothing
	late    []Fact         // known, and not on the disk yet
	lines   int            // lines of the log, stale ones included
	known   extent         // of the log
	read    written        // the same of the log
	torn    bool           // the log ends in the middle of a line
	others  bool           // what was read last was not written by this store
}

// A Fact is one line of the log. It says one thing.
type Fact struct {
	Put   *Record         `json:"put,omitempty"`   // this is what is known of a resource
	Done  []resource.ID   `json:"done,omitempty"`  // these are open no longer, and else as they were put
	Drop  *resource.ID    `json:"drop,omitempty"`  // nothing is known of it any more
	Owe   *PendingRefresh `json:"owe,omitempty"`   // a reader has yet to take notice
	Kept  *Kept           `json:"kept,omitempty"`  // this is the latest of a file beside the log
	Waits *Pending        `json:"waits,omitempty"` // this apply waits for confirmation; none does where it has no snapshot
	Head  *head           `json:"log,omitempty"`   // begins the log
}

// A PendingRefresh is a refresh that is owed to a resource; none pays it, and so does a
// boot: what was owed it has not outlived that.
type PendingRefresh struct {
	ID   resource.ID     `json:"id"`
	Do   resource.Effect `json:"do"`
	Boot string          `json:"boot,omitempty"` // in which it came about; filled in when it is written
}

// Read opens the state for looking only. It writes nothing; a directory that is
// not there is an empty state.
func Read(dir string) (*Store, error) { return open(dir, false) }

// Open opens the state for changing. The caller holds the [Lock].
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, boot: thisBoot()}
	return s, s.Reopen()
}

func open(dir string, write bool) (*Store, error) {
	s := &Store{dir: dir, boot: thisBoot()}
	return s, s.refresh(write)
}

func thisBoot() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// learnAll takes in facts while others may read.
func (s *Store) learnAll(facts ...Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range facts {
		s.learn(f)
	}
}

func (s *Store) learn(f Fact) {
	switch {
	case f.Put != nil:
		r := *f.Put
		s.records[r.ID] = &r
	case f.Done != nil:
		s.close(f.Done)
	case f.Drop != nil:
		delete(s.records, *f.Drop)
	case f.Owe != nil && f.Owe.Do == resource.None:
		delete(s.owed, f.Owe.ID)
	case f.Owe != nil && (f.Owe.Boot == "" || f.Owe.Boot == s.boot):
		s.owed[f.Owe.ID] = f.Owe.Do
	case f.Kept != nil:
		s.kept[f.Kept.File] = f.Kept.Number
	case f.Waits != nil:
		s.waits = f.Waits
	}
}

// tidy writes the log anew where most of it is stale or its end is torn, and
// opens it for appending.
func (s *Store) tidy() error {
	path := s.path("records.jsonl")
	var err error
	if s.known.inode == 0 || s.torn || s.read.name == "" || s.lines > 2*(len(s.records)+len(s.owed))+64 {
		err = s.rewrite(path)
	}
	if err == nil {
		s.log, err = openOwn(path, os.O_WRONLY|os.O_APPEND)
	}
	if s.refused = nil; Unwritable(err) {
		s.refused = err // what only the kernel holds needs no disk
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the state: %w", err)
	}
	s.knows()
	s.leaveMark()
	if err := s.Commit(); err != nil && !Unwritable(err) {
		return err
	}
	return nil
}

func (s *Store) rewrite(path string) error {
	var b bytes.Buffer
	facts := s.facts()
	if err := encode(&b, facts); err != nil {
		return err
	}
	log, name, err := headed(b.Bytes())
	if err == nil {
		err = s.write(path, log)
	}
	if err != nil {
		return fmt.Errorf("tidying the state: %w", err)
	}
	s.read.begin(name)
	s.read.sum.Write(log)
	s.lines, s.torn = len(facts)+1, false
	return nil
}

// write puts a file of the state in place, readable to nobody else.
func (s *Store) write(path string, data []byte) error {
	return atomic.Write("/", atomic.File{Path: path, Data: data, Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
}

func (s *Store) facts() []Fact {
	var facts []Fact
	for _, r := range s.Records() {
		facts = append(facts, Fact{Put: &r})
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.owed), resource.ID.Compare) {
		facts = append(facts, Fact{Owe: &PendingRefresh{ID: id, Do: s.owed[id], Boot: s.boot}})
	}
	for _, name := range slices.Sorted(maps.Keys(s.kept)) {
		facts = append(facts, Fact{Kept: &Kept{File: name, Number: s.kept[name]}})
	}
	if s.waits != nil {
		facts = append(facts, Fact{Waits: s.waits})
	}
	return facts
}

// Commit appends facts, after those that were postponed; when it returns without
// an error they survive a crash of the machine. All of them cost one flush.
func (s *Store) Commit(facts ...Fact) error {
	facts = slices.Concat(s.late, facts)
	if len(facts) == 0 {
		return nil
	}
	for _, f := range facts {
		if f.Owe != nil && f.Owe.Do != resource.None {
			f.Owe.Boot = s.boot
		}
	}
	var b bytes.Buffer
	lines := s.short(facts)
	if err := encode(&b, lines); err != nil {
		return err
	}
	if len(lines) > 0 {
		if err := s.append(b.Bytes()); err != nil {
			return fmt.Errorf("writing the state: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = nil
	s.read.sum.Write(b.Bytes())
	s.lines += len(lines)
	for _, f := range facts {
		s.learn(f)
	}
	s.knows()
	s.leaveMark()
	return nil
}

// append writes whole lines or nothing: what a full disk cut off is taken back,
// or the next line would be glued to it.
func (s *Store) append(data []byte) error {
	if s.log == nil {
		return s.refused
	}
	size, err := s.log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err = s.log.Write(data); err == nil {
		err = s.log.Sync()
	}
	if err != nil {
		return errors.Join(err, s.log.Truncate(size))
	}
	return nil
}

// Close closes the log. What is known stays, for [Store.Reopen].
func (s *Store) Close() error {
	if s.log == nil {
		return nil
	}
	log := s.log
	s.log, s.wished, s.words = nil, wishRead{}, nil
	return log.Close()
}

// Record returns what is known of a resource.
func (s *Store) Record(id resource.ID) (Record, bool) {
	if r := s.Past(id); r != nil {
		return *r, true
	}
	return Record{}, false
}

// Past returns what is known of a resource, nil for nothing. Nobody may change it.
func (s *Store) Past(id resource.ID) *Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.records[id]
}

// Records returns everything that is known, by ID.
func (s *Store) Records() []Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Record, 0, len(s.records))
	for _, r := range s.records {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Record) int { return a.ID.Compare(b.ID) })
	return all
}

// Of returns what is known of the things of a kind, by name. Nobody may change it.
func (s *Store) Of(kind string) []*Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var all []*Record
	for id, r := range s.records {
		if id.Kind == kind {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *Record) int { return a.ID.Compare(b.ID) })
	return all
}

// Besides returns what is on record and not among these, by ID.
func (s *Store) Besides(known map[resource.ID]bool) []resource.ID {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []resource.ID
	for id := range s.records {
		if !known[id] {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return ids
}

// Owed returns the refresh that is owed to a resource, or none.
func (s *Store) Owed(id resource.ID) resource.Effect {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.owed[id]
}

package state

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"strings"

	"vpnd/internal/atomic"
)

// A DamageError says that a file of the state does not hold what was written.
type DamageError struct {
	Path string
	What string
	Out  string // the way out
}

// Error names the file, what is wrong and the way out.
func (e *DamageError) Error() string {
	return fmt.Sprintf("%s is damaged: %s; %s", e.Path, e.What, e.Out)
}

// SetAside keeps a damaged file beside its place, with .damaged at its end, before
// another one takes that: somebody may find in it what was lost.
func (s *Store) SetAside(damage *DamageError) error {
	data, err := readOwn(damage.Path)
	if err == nil {
		err = s.write(damage.Path+".damaged", data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("setting the damaged %s aside: %w", damage.Path, err)
	}
	return nil
}

// damaged is said of the records.
func (s *Store) damaged(format string, args ...any) error {
	return &DamageError{
		Path: s.path("records.jsonl"), What: fmt.Sprintf(format, args...),
		Out: "vpnd apply sets it aside and takes up again what is in force, and then vpnd destroy gives it all back",
	}
}

// A head is the first line of the log. A log that is written anew gets another
// name, and says what it begins with.
type head struct {
	Name  string `json:"name"`
	Lines int    `json:"lines"` // that follow it at first
	Sum   string `json:"sum"`   // SHA-256 of these
}

// A mark stands beside the log, in records.sum.json, and says how much of it there is
// at least, so that an end that was lost shows. It is written after what it tells
// of is on disk, and need not be flushed: an older one is true as well.
type mark struct {
	Name    string `json:"name"` // of the log
	Records int    `json:"records"`
	Size    int64  `json:"size"`
	Sum     string `json:"sum"` // SHA-256 of so many bytes
}

const markFile = "records.sum.json"

// markSize is how long the mark is, in bytes, so that it is written in place.
const markSize = 256

func sumOf(data []byte) string { return sumText(sha256.Sum256(data)) }

func sumText(sum [sha256.Size]byte) string { return hex.EncodeToString(sum[:]) }

// written is what was read or written of the log so far.
type written struct {
	name string
	sum  hash.Hash
}

func (w *written) begin(name string) { w.name, w.sum = name, sha256.New() }

// add takes in text that follows.
func (w *written) add(text string) {
	var part [32 << 10]byte
	for text != "" {
		n := copy(part[:], text)
		w.sum.Write(part[:n])
		text = text[n:]
	}
}

func (w *written) text() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// headed puts the head before the lines of a new log.
func headed(lines []byte) (log []byte, name string, err error) {
	h := head{Name: rand.Text(), Lines: bytes.Count(lines, []byte("\n")), Sum: sumOf(lines)}
	first, err := json.Marshal(Fact{Head: &h})
	if err != nil {
		return nil, "", err
	}
	return append(append(first, '\n'), lines...), h.Name, nil
}

// readMark returns the mark, nil where there is none that can be read.
func (s *Store) readMark() *mark {
	data, err := readOwn(s.path(markFile))
	var m mark
	if err != nil || json.Unmarshal(data, &m) != nil {
		return nil
	}
	return &m
}

// leaveMark writes the mark. Where it can't be written, an older one stays, which
// is true as well.
func (s *Store) leaveMark() {
	data, err := json.Marshal(mark{Name: s.read.name, Records: len(s.records), Size: s.known.size, Sum: s.read.text()})
	if err != nil || len(data) >= markSize || s.read.name == "" {
		return
	}
	f, err := openOwn(s.path(markFile), os.O_WRONLY|os.O_CREATE)
	if err != nil {
		return
	}
	line := append(bytes.Repeat([]byte(" "), markSize-1), '\n')
	copy(line, data)
	_, _ = f.WriteAt(line, 0)
	_ = f.Close()
}

// missing is an error where there was a log; known is how much of it this store
// had read.
func (s *Store) missing(m *mark, known int) error {
	if m != nil {
		known = max(known, m.Records)
	}
	if known > 0 {
		return s.damaged("it is missing, and %d things were on record", known)
	}
	if left := s.leftBehind(); left != "" {
		return s.damaged("it is missing, and %s beside it says that something was on record", left)
	}
	return nil
}

// whole is an error where the lines of a log are not those that were written, or
// not all of them. One of an earlier vpnd says nothing of that. The mark was read
// before them: somebody may be writing both.
func (s *Store) whole(lines string, m *mark) error {
	first, rest, _ := strings.Cut(lines, "\n")
	var f Fact
	_ = json.Unmarshal([]byte(first), &f)
	told := len(lines) // how much of it the mark tells of
	if m != nil {
		told = int(min(m.Size, int64(told)))
	}
	s.read.add(lines[:told])
	sum := s.read.text()
	s.read.add(lines[told:])
	switch {
	case f.Head == nil && m == nil:
		return nil
	case f.Head == nil:
		return s.damaged("it does not begin as it was written, and %d things were on record", m.Records)
	case m != nil && m.Name == f.Head.Name:
		if int64(len(lines)) < m.Size {
			return s.damaged("%d of %d bytes are left, and %d things were on record", len(lines), m.Size, m.Records)
		}
		if sum != m.Sum {
			return s.damaged("its checksum is wrong")
		}
		return nil
	}
	end := 0
	for range f.Head.Lines { // it was written anew, and the mark not yet
		n := strings.IndexByte(rest[end:], '\n')
		if n < 0 {
			return s.damaged("it holds fewer than the %d lines that it began with", f.Head.Lines)
		}
		end += n + 1
	}
	if sumOf([]byte(rest[:end])) != f.Head.Sum {
		return s.damaged("its checksum is wrong")
	}
	return nil
}

// Mend opens a state whose records are damaged, for changing: they are set aside,
// and begun anew with what can still be read of them. It is for who takes up again
// what is in force. The caller holds the [Lock].
func Mend(dir string) (*Store, error) {
	s := &Store{dir: dir, boot: thisBoot()}
	path := s.path("records.jsonl")
	data, err := readOwn(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the state: %w", err)
	}
	if s.Sealer, err = loadSealer(dir, true); err != nil {
		return nil, err
	}
	s.forgetAll()
	for line := range bytes.Lines(data) {
		var f Fact
		if json.Unmarshal(line, &f) == nil {
			s.learn(f)
		}
	}
	if _, err := os.Lstat(s.path(wishFile)); errors.Is(err, fs.ErrNotExist) {
		if _, said := s.kept[wishFile]; !said {
			s.kept[wishFile] = 1 // for all that anybody knows
		}
	}
	if err := s.SetAside(&DamageError{Path: path}); err != nil {
		return nil, err
	}
	if err := atomic.Remove("/", s.path(markFile)); err != nil {
		return nil, err
	}
	if err := s.rewrite(path); err != nil {
		return nil, err
	}
	s.records = nil
	return s, s.Reopen()
}

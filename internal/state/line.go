package state

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state/scan"
)

// A line of the log is JSON as package encoding/json writes and reads it. That of a
// record, of which there are tens of thousands, is written and read here: it costs a
// tenth. What is out of the ordinary in it is left to that package.

// encode appends facts as lines.
func encode(b *bytes.Buffer, facts []Fact) error {
	for _, f := range facts {
		line := b.AvailableBuffer()
		if f.Put != nil && f.Put.Handout == nil && f.Put.Given == nil {
			b.Write(append(appendRecord(append(line, `{"put":`...), f.Put), "}\n"...))
			continue
		}
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		if err := e.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

func appendRecord(line []byte, r *Record) []byte {
	line = appendID(append(line, `{"id":`...), r.ID)
	line = appendList(line, `,"owners":`, r.Owners, appendOwner)
	line = appendList(line, `,"after":`, r.After, appendID)
	line = appendList(line, `,"triggers":`, r.Triggers, appendTrigger)
	line = append(line, `,"want":`...)
	if r.Want.Empty() {
		line = append(line, "null"...)
	} else {
		line = append(line, r.Want.text...)
	}
	line = appendList(line, `,"touched":`, r.Touched, appendText)
	if r.Prior != "" {
		line = appendText(append(line, `,"prior":`...), r.Prior)
	}
	if r.Open {
		line = append(line, `,"open":true`...)
	}
	line = append(line, `,"since":"`...)
	return append(r.Since.AppendFormat(line, time.RFC3339Nano), `"}`...)
}

func appendList[T any](line []byte, key string, all []T, one func([]byte, T) []byte) []byte {
	if len(all) == 0 {
		return line
	}
	line = append(line, key...)
	for i, item := range all {
		line = one(append(line, "[,"[min(i, 1)]), item)
	}
	return append(line, ']')
}

func appendID(line []byte, id resource.ID) []byte {
	if isPath(id.Name) {
		return appendWasID(line, id)
	}
	return appendText(line, id.String())
}

func appendOwner(line []byte, o resource.Owner) []byte {
	line = appendID(append(line, `{"block":`...), o.Block)
	if o.File != "" {
		line = appendText(append(line, `,"file":`...), o.File)
	}
	if o.Line != 0 {
		line = strconv.AppendInt(append(line, `,"line":`...), int64(o.Line), 10)
	}
	return append(line, '}')
}

func appendTrigger(line []byte, t resource.Trigger) []byte {
	line = appendID(append(line, `{"on":`...), t.On)
	return append(appendText(append(line, `,"do":`...), t.Do.String()), '}')
}

// appendText quotes a text; quotes and backslashes are what is usual in addresses.
func appendText(line []byte, text string) []byte {
	begin := len(line)
	line = append(line, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~':
			return appendJSON(line[:begin], text)
		case c == '"' || c == '\\':
			line = append(line, '\\', c)
		default:
			line = append(line, c)
		}
	}
	return append(line, '"')
}

func appendJSON(line []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // of a string it does not fail
	return append(line, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func compacted(value json.RawMessage) (json.RawMessage, error) {
	var b bytes.Buffer
	err := json.Compact(&b, value)
	return b.Bytes(), err
}

// A reader reads lines of the log, and shares what many of them have in common. What
// it returns is no part of the log, which would stay in memory with it.
type reader struct {
	ids    map[string]resource.ID // by how they are written
	owners map[string][]resource.Owner
	words  map[string]string
}

func newReader() *reader {
	return &reader{ids: make(map[string]resource.ID), owners: make(map[string][]resource.Owner), words: make(map[string]string)}
}

// A passage is some lines of the log, as they were read.
type passage struct {
	facts []Fact
	whole int   // lines
	rest  int   // bytes of the last one, where that is no whole line
	err   error // why the line after these can't be read
}

// aPassage is from how many bytes on another hand is worth its while.
const aPassage = 1 << 20

// readLines reads the lines of a text in passages, with as many hands as there are
// processors.
func readLines(text string) []passage {
	size := max(aPassage, len(text)/runtime.GOMAXPROCS(0)+1)
	var parts []string
	for text != "" {
		end := len(text)
		if size < end {
			if n := strings.IndexByte(text[size:], '\n'); n >= 0 {
				end = size + n + 1
			}
		}
		parts, text = append(parts, text[:end]), text[end:]
	}
	read := make([]passage, len(parts))
	hands.Each(context.Background(), len(parts), func(i int) { read[i] = readPassage(parts[i]) })
	return read
}

func readPassage(text string) (p passage) {
	r := newReader()
	for text != "" {
		line, others, whole := strings.Cut(text, "\n")
		f, err := r.fact(line)
		switch {
		case err == nil:
			p.facts = append(p.facts, f)
		case whole:
			p.err = err
			return p
		}
		if !whole {
			p.rest = len(line)
			return p
		}
		p.whole++
		text = others
	}
	return p
}

// fact reads a line.
func (r *reader) fact(line string) (Fact, error) {
	if f, ok := r.usual(line); ok {
		return f, nil
	}
	var f Fact
	err := json.Unmarshal([]byte(line), &f)
	return f, err
}

// usual reads the line of a record as encode writes it.
func (r *reader) usual(line string) (f Fact, ok bool) {
	s := scan.Of(line)
	s.Object(func(key string) {
		if key != "put" || f.Put != nil {
			s.Fail()
			return
		}
		f.Put = r.record(s)
	})
	return f, s.Done() && f.Put != nil
}

// The members of a record in the order in which they are written.
var members = []string{"id", "owners", "after", "triggers", "want", "touched", "prior", "open", "since"}

func (r *reader) record(s *scan.Scanner) *Record {
	record := new(Record)
	last := -1
	s.Object(func(key string) {
		at := slices.Index(members, key)
		if at <= last {
			s.Fail()
			return
		}
		last = at
		r.member(s, key, record)
	})
	if record.ID.Kind == "" || record.Since.IsZero() {
		s.Fail()
	}
	return record
}

func (r *reader) member(s *scan.Scanner, key string, record *Record) {
	switch key {
	case "id":
		record.ID = r.id(s)
	case "owners":
		record.Owners = r.ownersOf(s)
	case "after":
		record.After = listed(s, r.id)
	case "triggers":
		record.Triggers = listed(s, r.trigger)
	case "want":
		record.Want = r.digest(s)
	case "touched":
		record.Touched = listed(s, r.word)
	case "prior":
		record.Prior = strings.Clone(s.Text())
	case "open":
		record.Open = s.Bool()
	case "since":
		var err error
		if record.Since, err = time.Parse(time.RFC3339Nano, s.Text()); err != nil {
			s.Fail()
		}
	}
}

// listed reads a list, which is never empty.
func listed[T any](s *scan.Scanner, one func(*scan.Scanner) T) []T {
	var room [16]T
	all := room[:0]
	s.Array(func() { all = append(all, one(s)) })
	if len(all) == 0 {
		s.Fail()
	}
	return slices.Clone(all)
}

func (r *reader) id(s *scan.Scanner) resource.ID {
	written := s.Quoted()
	id, known := r.ids[written]
	if !known {
		var err error
		if id, err = address(written); err != nil {
			s.Fail()
			return id
		}
		id.Kind = r.one(id.Kind)
		r.ids[written] = id
	}
	return id
}

// address reads an address as it stands in JSON. Where nothing but its quotes is
// escaped, package encoding/json need not be asked.
func address(written string) (id resource.ID, err error) {
	text := strings.ReplaceAll(written[min(1, len(written)):max(1, len(written))-1], `\"`, `"`)
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '\\' }) || len(text) == len(written)-2 {
		err = json.Unmarshal([]byte(written), &id)
		return id, err
	}
	return resource.ParseID(text)
}

func (r *reader) word(s *scan.Scanner) string { return r.one(s.Text()) }

func (r *reader) one(word string) string {
	if known, ok := r.words[word]; ok {
		return known
	}
	word = strings.Clone(word)
	r.words[word] = word
	return word
}

// ownersOf returns owners that many records share; nobody may append to them in place.
func (r *reader) ownersOf(s *scan.Scanner) []resource.Owner {
	written := s.Raw()
	owners, known := r.owners[written]
	if !known {
		if json.Unmarshal([]byte(written), &owners) != nil {
			s.Fail()
			return nil
		}
		owners = slices.Clip(owners)
		r.owners[written] = owners
	}
	return owners
}

func (r *reader) trigger(s *scan.Scanner) (t resource.Trigger) {
	s.Object(func(key string) {
		switch key {
		case "on":
			t.On = r.id(s)
		case "do":
			if t.Do.UnmarshalText([]byte(s.Text())) != nil {
				s.Fail()
			}
		default:
			s.Fail()
		}
	})
	return t
}

func (r *reader) digest(s *scan.Scanner) Digest {
	if s.Next() != '{' {
		if s.Raw() != "null" {
			s.Fail()
		}
		return Digest{}
	}
	text, members := s.Sorted()
	if members == 0 {
		return Digest{}
	}
	return Digest{r.one(text)}
}

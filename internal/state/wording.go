package state

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// A wording is how the file of a wish has its things. Of tens of thousands, all but a
// few read as they did at the last apply, and the fingerprint is over the same text: so
// they are put into words once, and what the file of the last apply has in the same
// words is not read.
type wording struct {
	of     []Was    // what it is of
	lined  []Was    // the same with the digests of long lines
	bare   []Was    // the same with those of secrets too, as in the file
	lines  [][]byte // of the file
	owners [][2]int // where in a line it says whose the thing is
	long   secrets  // lines that stand apart
	apart  secrets  // shapes that stand apart
}

// word puts things into words.
func (s *Store) word(all []Was) (*wording, error) {
	w := &wording{of: slices.Clone(all), long: make(secrets), apart: make(secrets)}
	var err error
	if w.lined, err = s.hideLines(w.long, all); err != nil {
		return nil, err
	}
	if w.bare, err = s.hideShapes(w.apart, w.lined); err != nil {
		return nil, err
	}
	w.owners = make([][2]int, len(all))
	w.lines = linesOf(len(all), func(line []byte, i int) []byte {
		begin := len(line)
		line = appendWasID(append(line, `{"id":`...), w.bare[i].ID)
		w.owners[i][0] = len(line) - begin
		line = appendList(line, `,"owners":`, w.bare[i].Owners, appendWasOwner)
		w.owners[i][1] = len(line) - begin
		return appendWasRest(line, w.bare[i])
	})
	return w, nil
}

// fits says whether it is still how things read.
func (w *wording) fits(all []Was) bool {
	return w != nil && slices.EqualFunc(w.of, all, func(a, b Was) bool { return a.same(&b) })
}

// asks writes what the things ask for as json.Marshal does, secrets in the clear and
// long lines where their digests stand: so the fingerprint is the one that an earlier
// vpnd made, which did not have them apart. Whose they are is no part of it.
func (w *wording) asks(to io.Writer) error {
	put := func(text []byte) { _, _ = to.Write(text) }
	if w.of == nil {
		put([]byte("null"))
		return nil
	}
	in := w.long.replacer()
	put([]byte("["))
	for i, line := range w.lines {
		if i > 0 {
			put([]byte(","))
		}
		if was := &w.lined[i]; !was.Secret && was.LineOf == "" && was.Lined == "" {
			put(line[:w.owners[i][0]])
			put(line[w.owners[i][1]:])
			continue
		}
		asked, err := appendAsked(nil, w.lined[i])
		if err != nil {
			return err
		}
		_, _ = in.WriteString(to, string(asked))
	}
	put([]byte("]"))
	return nil
}

// replacer puts back what stands apart.
func (apart secrets) replacer() *strings.Replacer {
	pairs := make([]string, 0, 2*len(apart))
	for digest, line := range apart {
		pairs = append(pairs, `"`+digest+`"`, string(line))
	}
	return strings.NewReplacer(pairs...)
}

// from returns the reader of lines that may read as those of a wording; of none where
// nothing is known to.
func (w *wording) from() *rereader {
	if w == nil {
		w = new(wording)
	}
	return &rereader{reader: newReader(), known: w}
}

// A rereader reads lines of things most of which stand in the same words elsewhere, in
// the same order.
type rereader struct {
	*reader
	known *wording
	next  int // of the known lines, the one that is likely to come
}

// thing reads a line, where it has to.
func (r *rereader) thing(line []byte) (Was, error) {
	if r.next < len(r.known.lines) && bytes.Equal(r.known.lines[r.next], line) {
		r.next++
		return r.known.bare[r.next-1], nil
	}
	was, err := r.was(string(line))
	if err != nil {
		return was, err
	}
	at, same := slices.BinarySearchFunc(r.known.bare, was.ID, func(w Was, id resource.ID) int { return w.ID.Compare(id) })
	if r.next = at; same {
		r.next++
	}
	return was, nil
}

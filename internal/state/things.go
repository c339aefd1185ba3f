package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vpnd/internal/hands"
	"vpnd/internal/resource"
	"vpnd/internal/state/scan"
)

// The file of a wish is JSON, its things last and a line each. Of tens of thousands,
// all but a few are what they were at the last apply: so they are written and read
// here, as package encoding/json does it, and the wish before is what it differs in.

// A wishHead is a wish but for its things.
type wishHead struct {
	Wish
	Present given       `json:"present,omitzero"` // in place of the wish's own; nil where they do not stand here
	Before  *wishBefore `json:"before,omitempty"`
}

// given are things that stand in a text, none of them too: a wish that lost the word
// before its things must not pass for one that asks for nothing.
type given []Was

// UnmarshalJSON reads things. That they are null says that there are none.
func (g *given) UnmarshalJSON(data []byte) error {
	*g = given{}
	all := []Was(*g)
	if err := json.Unmarshal(data, &all); err != nil || all == nil {
		return err
	}
	*g = all
	return nil
}

// A wishBefore is the wish before in the file of a wish.
type wishBefore struct {
	wishHead
	Differs *differing `json:"differs,omitempty"` // nil where its things stand in it, as those of an earlier vpnd do
}

// differing is what leads from the things of one wish to those of another.
type differing struct {
	Wished []Was         `json:"wished,omitempty"` // other than in the one, or not in it
	Beyond []resource.ID `json:"beyond,omitempty"` // only in the one
}

const thingsFollow = `,"present":[`

// encodeWish returns the file of a wish.
func encodeWish(w *Wish) ([]byte, error) {
	h := wishHead{Wish: *w}
	if before := w.Before; before != nil {
		h.Before = &wishBefore{wishHead: wishHead{Wish: *before}}
		if h.Before.Differs = differ(w.Present, before.Present); h.Before.Differs == nil {
			h.Before.Present = append(given{}, before.Present...)
		}
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	if words := w.words; words != nil && slices.EqualFunc(words.bare, w.Present, func(a, b Was) bool { return a.same(&b) }) {
		lines = words.lines
	} else {
		lines = linesOf(len(w.Present), func(line []byte, i int) []byte { return appendWas(line, w.Present[i]) })
	}
	size := len(head) + 2*len(thingsFollow) + 2*len(lines)
	for _, line := range lines {
		size += len(line)
	}
	file := bytes.NewBuffer(make([]byte, 0, size))
	file.Write(bytes.TrimSuffix(head, []byte("}")))
	file.WriteString(thingsFollow)
	for i, line := range lines {
		file.WriteString(",\n"[1-min(i, 1):])
		file.Write(line)
	}
	file.WriteString("\n]}")
	return file.Bytes(), nil
}

// linesOf returns the lines of n things.
func linesOf(n int, appendTo func(line []byte, i int) []byte) [][]byte {
	const many = 1024
	lines := make([][]byte, n)
	hands.Each(context.Background(), (n+many-1)/many, func(part int) {
		first, end := part*many, min(n, (part+1)*many)
		var text []byte
		for i := first; i < end; i++ {
			begin := len(text)
			text = appendTo(text, i)
			lines[i] = text[begin:len(text):len(text)]
			if i == first { // the others are about as long
				text = append(make([]byte, 0, (end-first)*(len(text)+64)), text...)
			}
		}
	})
	return lines
}

// appendWas appends what json.Marshal writes.
func appendWas(line []byte, w Was) []byte {
	line = appendWasID(append(line, `{"id":`...), w.ID)
	return appendWasRest(appendList(line, `,"owners":`, w.Owners, appendWasOwner), w)
}

// appendWasRest appends what follows whose it is.
func appendWasRest(line []byte, w Was) []byte {
	line = appendList(line, `,"after":`, w.After, appendWasID)
	line = appendList(line, `,"triggers":`, w.Triggers, func(line []byte, t resource.Trigger) []byte {
		line = appendWasID(append(line, `{"on":`...), t.On)
		return append(appendMarshalled(append(line, `,"do":`...), t.Do.String()), '}')
	})
	line = append(line, `,"shape":`...)
	if w.Shape == nil {
		line = append(line, "null"...)
	}
	line = append(line, w.Shape...)
	if w.Secret {
		line = append(line, `,"secret":true`...)
	}
	if w.LineOf != "" {
		line = appendMarshalled(append(line, `,"line_of":`...), w.LineOf)
	}
	line = appendList(line, `,"line":`, w.Line, appendMarshalled)
	if w.Lined != "" {
		line = appendMarshalled(append(line, `,"lined":`...), w.Lined)
	}
	return append(line, '}')
}

func appendWasID(line []byte, id resource.ID) []byte {
	if isPath(id.Name) {
		return append(append(append(append(append(line, '"'), id.Kind...), `[\"`...), id.Name...), `\"]"`...)
	}
	return appendMarshalled(line, id.String())
}

// isPath says whether a name is a path of which nothing is written otherwise than it is:
// most things have such a one.
func isPath(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return strings.HasPrefix(name, "/")
}

func appendWasOwner(line []byte, o resource.Owner) []byte {
	line = appendWasID(append(line, `{"block":`...), o.Block)
	if o.File != "" {
		line = appendMarshalled(append(line, `,"file":`...), o.File)
	}
	if o.Line != 0 {
		line = strconv.AppendInt(append(line, `,"line":`...), int64(o.Line), 10)
	}
	return append(line, '}')
}

// appendMarshalled appends what json.Marshal writes of a text.
func appendMarshalled(line []byte, text string) []byte {
	begin := len(line)
	line = append(line, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~' || c == '<' || c == '>' || c == '&':
			written, _ := json.Marshal(text) // of a string it does not fail
			return append(line[:begin], written...)
		case c == '"' || c == '\\':
			line = append(line, '\\', c)
		default:
			line = append(line, c)
		}
	}
	return append(line, '"')
}

// decodeWish reads the file of a wish, of an earlier vpnd too. Most of its things may be
// in words that are known.
func decodeWish(data []byte, known *wording) (*Wish, error) {
	var h wishHead
	head, lines, inLines := bytes.Cut(data, []byte("\n"))
	head, begin := bytes.CutSuffix(head, []byte(thingsFollow))
	lines, end := bytes.CutSuffix(lines, []byte("]}"))
	if !inLines || !begin || !end {
		if err := json.Unmarshal(data, &h); err != nil {
			return nil, err
		}
		return h.wish()
	}
	if err := json.Unmarshal(append(slices.Clone(head), '}'), &h); err != nil {
		return nil, err
	}
	present, err := readThings(lines, known)
	if err != nil {
		return nil, err
	}
	h.Present = append(given{}, present...)
	return h.wish()
}

// wish puts the things of a wish, and the wish before, in their places.
func (h *wishHead) wish() (*Wish, error) {
	w := h.Wish
	if h.Present == nil {
		return nil, errors.New("what it asks for is missing")
	}
	if slices.ContainsFunc(h.Present, func(was Was) bool { return was.ID.Kind == "" || was.Shape == nil }) {
		return nil, errors.New("of one thing it does not say which, or what it asks of it")
	}
	if len(h.Present) > 0 {
		w.Present = h.Present
	}
	if h.Before == nil {
		return &w, nil
	}
	if d := h.Before.Differs; d != nil {
		h.Before.Present = append(given{}, instead(w.Present, d.Wished, d.Beyond)...)
	}
	before, err := h.Before.wish()
	if err != nil {
		return nil, fmt.Errorf("of the configuration before it: %w", err)
	}
	w.Before = before
	return &w, nil
}

// readThings reads lines of things.
func readThings(lines []byte, known *wording) ([]Was, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	var starts []int
	for at := 0; at < len(lines); {
		starts = append(starts, at)
		n := bytes.IndexByte(lines[at:], '\n')
		if n < 0 {
			return nil, errors.New("its last line is cut off")
		}
		at += n + 1
	}
	all := make([]Was, len(starts))
	const many = 1024
	parts := (len(starts) + many - 1) / many
	errs := make([]error, parts)
	hands.Each(context.Background(), parts, func(part int) {
		r := known.from()
		for i := part * many; i < min(len(starts), (part+1)*many) && errs[part] == nil; i++ {
			end := len(lines)
			if i+1 < len(starts) {
				end = starts[i+1]
			}
			line, another := bytes.CutSuffix(lines[starts[i]:end-1], []byte(","))
			if all[i], errs[part] = r.thing(line); another != (end < len(lines)) {
				errs[part] = errors.New("a comma between two things is missing, or too much")
			}
		}
	})
	return all, errors.Join(errs...)
}

// was reads one thing.
func (r *reader) was(line string) (w Was, err error) {
	s := scan.Of(line)
	s.Object(func(key string) {
		switch key {
		case "id":
			w.ID = r.id(s)
		case "owners":
			w.Owners = r.ownersOf(s)
		case "after":
			w.After = listed(s, r.id)
		case "triggers":
			w.Triggers = listed(s, r.trigger)
		case "shape":
			w.Shape = json.RawMessage(s.Raw())
		case "secret":
			w.Secret = s.Bool()
		case "line_of":
			w.LineOf = r.word(s)
		case "lined":
			w.Lined = r.word(s)
		default:
			s.Fail()
		}
	})
	if s.Done() && w.ID.Kind != "" {
		return w, nil
	}
	w = Was{}
	return w, json.Unmarshal([]byte(line), &w)
}

// inOrder says whether each thing stands there once, by ID.
func inOrder(all []Was) bool {
	for i := 1; i < len(all); i++ {
		if all[i-1].ID.Compare(all[i].ID) >= 0 {
			return false
		}
	}
	return true
}

// pairs calls each with what two lists in order have of the same thing, nil where one
// of them does not have it.
func pairs(a, b []Was, each func(a, b *Was)) {
	for len(a) > 0 || len(b) > 0 {
		var c int
		switch {
		case len(a) == 0:
			c = 1
		case len(b) == 0:
			c = -1
		default:
			c = a[0].ID.Compare(b[0].ID)
		}
		switch {
		case c < 0:
			each(&a[0], nil)
			a = a[1:]
		case c > 0:
			each(nil, &b[0])
			b = b[1:]
		default:
			each(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}

// differ returns what leads from some things to others, nil where they stand in no
// order, or all of the others is no more than that.
func differ(from, to []Was) *differing {
	if !inOrder(from) || !inOrder(to) {
		return nil
	}
	d := new(differing)
	pairs(from, to, func(a, b *Was) {
		switch {
		case b == nil:
			d.Beyond = append(d.Beyond, a.ID)
		case a == nil || !a.same(b):
			d.Wished = append(d.Wished, *b)
		}
	})
	if len(d.Wished)+len(d.Beyond) > len(to) {
		return nil
	}
	return d
}

// same says whether both are alike in all.
func (w *Was) same(o *Was) bool {
	return w.ID == o.ID && w.Secret == o.Secret && w.LineOf == o.LineOf && w.Lined == o.Lined && bytes.Equal(w.Shape, o.Shape) &&
		slices.Equal(w.Line, o.Line) && slices.Equal(w.Owners, o.Owners) && slices.Equal(w.After, o.After) && slices.Equal(w.Triggers, o.Triggers)
}

// instead returns things with others in their place, and without what is beyond.
func instead(all, others []Was, beyond []resource.ID) []Was {
	out := make(map[resource.ID]bool, len(others)+len(beyond))
	for _, id := range beyond {
		out[id] = true
	}
	for _, was := range others {
		out[was.ID] = true
	}
	others = slices.SortedStableFunc(slices.Values(others), func(a, b Was) int { return a.ID.Compare(b.ID) })
	left := make([]Was, 0, len(all)+len(others))
	for _, was := range all {
		for len(others) > 0 && others[0].ID.Compare(was.ID) < 0 {
			left, others = append(left, others[0]), others[1:]
		}
		if !out[was.ID] {
			left = append(left, was)
		}
	}
	left = append(left, others...)
	if !slices.IsSortedFunc(left, func(a, b Was) int { return a.ID.Compare(b.ID) }) {
		slices.SortStableFunc(left, func(a, b Was) int { return a.ID.Compare(b.ID) })
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

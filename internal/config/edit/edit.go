// Package edit changes a configuration as a careful person would: one block more, or
// one attribute set, and every other byte as it was. It is pure: files come in as
// bytes, and the one that changes goes out.
//
// Places are found in the syntax tree, and text is put there; nothing is laid out
// anew, so comments, blank lines, ends of lines and whatever else a person wrote
// stay. What is not written out in a file but made there, by a dynamic block or an
// expression, is refused with the place and what to write.
package edit

import (
	"bytes"
	"fmt"
	"strings"

	"vpnd/internal/resource"
)

// A File is a file of the configuration.
type File struct {
	Name string
	Data []byte
}

// A Nested is a block within a block of the configuration, or, without a type, that
// block itself.
type Nested struct {
	In    resource.ID // the block at the top, as pki.office
	Type  string      // client
	Label string      // alice; empty for blocks that have none
	With  []Text      // what a new one holds
}

// A Text is an attribute that is a string.
type Text struct{ Name, Value string }

// A Change is what a file becomes.
type Change struct {
	Place
	Data []byte
}

// A Place is a line of a file, the first that changes.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// A Refusal says what can't be edited, where, and what a person is to write.
type Refusal struct {
	File string // empty where there is no place
	Line int
	What string
	Do   string // the way out
}

// Error tells all of it.
func (r *Refusal) Error() string {
	at := ""
	if r.File != "" {
		at = fmt.Sprintf("%s:%d: ", r.File, r.Line)
	}
	return at + r.What + "; " + r.Do
}

// written is the block as a person would write it, with an attribute set or none.
func (n Nested) written(a Attribute) string {
	switch {
	case n.Type == "":
		return a.String()
	case n.Label == "":
		return n.Type + " " + n.native()
	case a == (Attribute{}):
		return fmt.Sprintf("%s %q %s", n.Type, n.Label, n.native())
	}
	return fmt.Sprintf("%s %q { %s }", n.Type, n.Label, a)
}

// called is the block in an error.
func (n Nested) called() string {
	if n.Label == "" {
		return n.Type
	}
	return fmt.Sprintf("%s %q", n.Type, n.Label)
}

// native is what a new block holds in the syntax of HCL. One line has room for one
// attribute.
func (n Nested) native() string {
	if len(n.With) < 2 {
		return n.held(" %s = %q ", "")
	}
	longest := 0
	for _, text := range n.With {
		longest = max(longest, len(text.Name))
	}
	return strings.Replace(n.held(fmt.Sprintf("\n  %%-%ds = %%q", longest), ""), "}", "\n}", 1)
}

// held is what a new block holds, in braces.
func (n Nested) held(form, between string) string {
	if len(n.With) == 0 {
		return "{}"
	}
	var all []string
	for _, text := range n.With {
		all = append(all, fmt.Sprintf(form, text.Name, text.Value))
	}
	return "{" + strings.Join(all, between) + "}"
}

// Add returns the file with the nested block in its outer one, behind the last of its
// type.
func Add(files []File, n Nested) (Change, error) {
	return first(files, n, Attribute{}, func(s syntax) (*splice, error) { return s.add(n) })
}

// An Attribute is one of a block, and what it shall be.
type Attribute struct {
	Name   string
	Value  bool
	Number int // instead, where it is not 0
}

// value is written alike in both syntaxes.
func (a Attribute) value() string {
	if a.Number != 0 {
		return fmt.Sprint(a.Number)
	}
	return fmt.Sprint(a.Value)
}

func (a Attribute) String() string { return a.Name + " = " + a.value() }

// Set returns the file with an attribute of the nested block set.
func Set(files []File, n Nested, a Attribute) (Change, error) {
	return first(files, n, a, func(s syntax) (*splice, error) { return s.set(n, a) })
}

// syntax is a file that was parsed. What it looks for and does not hold is nil.
type syntax interface {
	add(n Nested) (*splice, error)
	set(n Nested, a Attribute) (*splice, error)
	made(n Nested, write string) error // that the file makes the outer block
}

// first edits the first file that holds the place.
func first(files []File, n Nested, a Attribute, find func(syntax) (*splice, error)) (Change, error) {
	var made error
	for _, f := range files {
		s, err := parse(f)
		if err != nil {
			return Change{}, err
		}
		edit, err := find(s)
		if err != nil {
			return Change{}, err
		}
		if edit != nil {
			return edit.apply(f), nil
		}
		if made == nil {
			made = s.made(n, n.written(a))
		}
	}
	if made != nil {
		return Change{}, made
	}
	return Change{}, &Refusal{
		What: fmt.Sprintf("no file has the place for %s in %s", n.called(), n.In),
		Do:   "write it by hand: " + n.written(a),
	}
}

func parse(f File) (syntax, error) {
	if strings.HasSuffix(f.Name, ".json") {
		return parseJSON(f)
	}
	return parseNative(f)
}

// splice puts text in place of some.
type splice struct {
	start, end int
	text       string // with \n, whatever ends the lines of the file
}

func (s *splice) apply(f File) Change {
	text := s.text
	if i := bytes.IndexByte(f.Data, '\n'); i > 0 && f.Data[i-1] == '\r' {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	var data []byte
	data = append(data, f.Data[:s.start]...)
	data = append(data, text...)
	data = append(data, f.Data[s.end:]...)
	return Change{Place: Place{f.Name, lineAt(f.Data, s.start)}, Data: data}
}

func lineAt(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }

// lineEnd returns where the next line begins after an offset.
func lineEnd(data []byte, offset int) int {
	if i := bytes.IndexByte(data[offset:], '\n'); i >= 0 {
		return offset + i + 1
	}
	return len(data)
}

// indent returns the white space at the beginning of the line of an offset.
func indent(data []byte, offset int) string {
	line := data[1+bytes.LastIndexByte(data[:offset], '\n'):]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

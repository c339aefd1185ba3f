package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// document is a file in the syntax of JSON.
type document struct {
	File
	root node
}

// node is a value, and where it stands.
type node struct {
	start, end int
	kind       json.Delim // '{', '[' or nothing in particular
	members    []member   // of an object, or of an array without keys
}

type member struct {
	key string
	at  int // where the key begins
	node
}

func parseJSON(f File) (document, error) {
	p := &positions{data: f.Data, decoder: json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(f.Data, mark)))}
	if bytes.HasPrefix(f.Data, mark) {
		p.shift = len(mark)
	}
	root, err := p.value()
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", f.Name, err)
	}
	return document{f, root}, nil
}

// positions reads values with their places.
type positions struct {
	data    []byte
	decoder *json.Decoder
	shift   int
}

func (p *positions) offset() int { return int(p.decoder.InputOffset()) + p.shift }

// begins is where the next token begins.
func (p *positions) begins() int {
	at := p.offset()
	return at + len(p.data[at:]) - len(bytes.TrimLeft(p.data[at:], " \t\r\n,:"))
}

func (p *positions) value() (node, error) {
	n := node{start: p.begins()}
	token, err := p.decoder.Token()
	if err != nil {
		return n, err
	}
	n.kind, _ = token.(json.Delim)
	for n.kind != 0 && p.decoder.More() {
		m := member{at: p.begins()}
		if n.kind == '{' {
			if token, err = p.decoder.Token(); err != nil {
				return n, err
			}
			m.key, _ = token.(string)
		}
		if m.node, err = p.value(); err != nil {
			return n, err
		}
		n.members = append(n.members, m)
	}
	if n.kind != 0 {
		if _, err := p.decoder.Token(); err != nil {
			return n, err
		}
	}
	n.end = p.offset()
	return n, nil
}

// all returns the objects that a value stands for: itself, or those of an array.
func (n node) all() []node {
	if n.kind != '[' {
		return []node{n}
	}
	var each []node
	for _, m := range n.members {
		each = append(each, m.all()...)
	}
	return each
}

// find follows keys through objects and arrays of such.
func (n node) find(keys ...string) *node {
	for _, o := range n.all() {
		if len(keys) == 0 {
			return &o
		}
		for _, m := range o.members {
			if m.key != keys[0] {
				continue
			}
			if found := m.find(keys[1:]...); found != nil {
				return found
			}
		}
	}
	return nil
}

func (d document) made(n Nested, write string) error {
	if made := d.root.find("dynamic", n.In.Kind); made != nil {
		return d.refuse(*made, n.In.Kind, write)
	}
	return nil
}

func (d document) refuse(made node, kind, write string) error {
	return &Refusal{File: d.Name, Line: lineAt(d.Data, made.start), What: "a dynamic block makes the " + kind + " blocks", Do: "add to what it goes through, or write beside it what is in the other syntax: " + write}
}

func (d document) add(n Nested) (*splice, error) {
	outer := d.root.find(n.In.Kind, n.In.Name)
	if outer == nil {
		return nil, nil
	}
	held := n.held("%q: %q", ", ")
	if made := outer.find("dynamic", n.Type); made != nil {
		return nil, d.refuse(*made, n.Type, n.written(Attribute{}))
	}
	for _, m := range outer.members {
		if m.key != n.Type {
			continue
		}
		if n.Label == "" {
			return d.another(m.node, held), nil
		}
		if m.kind != '{' {
			return d.appended(m.node, fmt.Sprintf("{%s: %s}", quoted(n.Label), held)), nil
		}
		return d.appended(m.node, quoted(n.Label)+": "+held), nil
	}
	if n.Label == "" {
		return d.appended(*outer, fmt.Sprintf("%s: [%s]", quoted(n.Type), held)), nil
	}
	return d.appended(*outer, fmt.Sprintf("%s: {%s: %s}", quoted(n.Type), quoted(n.Label), held)), nil
}

// another puts one more block without a label beside those that are there: one that
// stands alone becomes the first of an array.
func (d document) another(n node, held string) *splice {
	if n.kind == '[' {
		return d.appended(n, held)
	}
	return &splice{n.start, n.end, "[" + strings.ReplaceAll(string(d.Data[n.start:n.end]), "\r\n", "\n") + ", " + held + "]"}
}

func (d document) set(n Nested, a Attribute) (*splice, error) {
	outer := d.root.find(n.In.Kind, n.In.Name)
	if outer == nil {
		return nil, nil
	}
	block := outer
	if n.Type != "" {
		block = outer.find(n.Type, n.Label)
	}
	if block == nil || block.kind != '{' {
		if made := outer.find("dynamic", n.Type); made != nil {
			return nil, d.refuse(*made, n.Type, n.written(a))
		}
		return nil, nil
	}
	i := slices.IndexFunc(block.members, func(m member) bool { return m.key == a.Name })
	if i < 0 {
		return d.appended(*block, quoted(a.Name)+": "+a.value()), nil
	}
	value := block.members[i].node
	switch text := string(d.Data[value.start:value.end]); text {
	case "true", "false", "null":
		return &splice{value.start, value.end, a.value()}, nil
	default:
		if _, err := strconv.Atoi(text); err == nil {
			return &splice{value.start, value.end, a.value()}, nil
		}
		return nil, &Refusal{File: d.Name, Line: lineAt(d.Data, value.start), What: a.Name + " is computed there: " + text, Do: "write there: " + a.value()}
	}
}

// appended puts a member at the end of an object or array, laid out as the last one.
func (d document) appended(n node, text string) *splice {
	if len(n.members) == 0 {
		return &splice{n.start + 1, n.end - 1, text}
	}
	last, before := n.members[len(n.members)-1], n.start+1
	if len(n.members) > 1 {
		before = n.members[len(n.members)-2].end
	}
	gap := strings.ReplaceAll(strings.TrimPrefix(string(d.Data[before:last.at]), ","), "\r\n", "\n")
	return &splice{last.end, last.end, "," + gap + text}
}

func quoted(s string) string {
	text, _ := json.Marshal(s) // a string can always be written
	return string(text)
}

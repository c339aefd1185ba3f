package swanctl

import (
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds how deep sections stand within each other: charon's own go five
// deep.
const maxDepth = 16

// Parse reads a text. Sections of one name are one, and of settings of one key the
// last counts, as strongSwan has it. An include is kept as a setting of that key,
// and what it names is not read. An error repeats nothing that could be a secret, as one
// that was broken over two lines.
func Parse(text string) (*Section, error) {
	p := &parser{rest: text, line: 1}
	root := &Section{}
	if err := p.section(root, 0); err != nil {
		return nil, fmt.Errorf("line %d: %w", p.line, err)
	}
	return root, nil
}

// Include is the key of what reads another file.
const Include = "include"

type parser struct {
	rest string
	line int
}

// section reads settings and sections up to the brace that ends the section.
func (p *parser) section(s *Section, depth int) error {
	if depth > maxDepth {
		return errors.New("sections stand too deep in each other")
	}
	for {
		p.skip(" \t\r\n")
		switch {
		case p.rest == "":
			if depth > 0 {
				return fmt.Errorf("the section %s has no end", s.Name)
			}
			return nil
		case p.rest[0] == '#':
			p.comment()
		case p.rest[0] == '}':
			if depth == 0 {
				return errors.New("a brace ends a section that did not begin")
			}
			p.advance(1)
			return nil
		default:
			if err := p.statement(s, depth); err != nil {
				return err
			}
		}
	}
}

// statement reads one setting or section.
func (p *parser) statement(s *Section, depth int) error {
	name := p.word("#{}:=\"\n\t\r ,")
	if name == "" {
		return fmt.Errorf("%q begins nothing", p.rest[0])
	}
	p.skip(" \t\r")
	switch {
	case name == Include:
		value, err := p.value()
		s.Set(Include, value)
		return err
	case strings.HasPrefix(p.rest, "="):
		p.advance(1)
		value, err := p.value()
		s.replace(name, value)
		return err
	case strings.HasPrefix(p.rest, ":"):
		return errors.New("a section refers to others, which is not read here")
	}
	p.skip(" \t\r\n")
	if !strings.HasPrefix(p.rest, "{") {
		return errors.New("behind a name stands neither = nor {")
	}
	p.advance(1)
	inner := s.Section(name)
	if inner == nil {
		inner = s.Add(name)
	}
	return p.section(inner, depth+1)
}

// replace sets a value in the place of an earlier one.
func (s *Section) replace(key, value string) {
	for i := range s.Settings {
		if s.Settings[i].Key == key {
			s.Settings[i].Value = value
			return
		}
	}
	s.Set(key, value)
}

// value reads what stands behind the sign: words, one blank between them, or a
// string in quotes.
func (p *parser) value() (string, error) {
	var words []string
	for {
		p.skip(" \t\r")
		switch {
		case p.rest == "" || strings.IndexByte("\n}", p.rest[0]) >= 0:
			return strings.Join(words, " "), nil
		case p.rest[0] == '#':
			p.comment()
			return strings.Join(words, " "), nil
		case p.rest[0] == '{':
			return "", errors.New("a brace stands in a value")
		case p.rest[0] == '"':
			word, err := p.quoted()
			if err != nil {
				return "", err
			}
			words = append(words, word)
		default:
			words = append(words, p.word("#{}\"\n\t\r "))
		}
	}
}

// quoted reads a string in quotes.
func (p *parser) quoted() (string, error) {
	p.advance(1)
	var b strings.Builder
	for p.rest != "" {
		c := p.rest[0]
		p.advance(1)
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\' && p.rest != "":
			b.WriteByte(unescape(p.rest[0]))
			p.advance(1)
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a quote has no end")
}

func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return c
	}
}

// word reads up to one of the bytes that end it.
func (p *parser) word(end string) string {
	i := strings.IndexAny(p.rest, end)
	if i < 0 {
		i = len(p.rest)
	}
	word := p.rest[:i]
	p.advance(i)
	return word
}

func (p *parser) comment() {
	i := strings.IndexByte(p.rest, '\n')
	if i < 0 {
		i = len(p.rest)
	}
	p.advance(i)
}

func (p *parser) skip(what string) {
	p.advance(len(p.rest) - len(strings.TrimLeft(p.rest, what)))
}

func (p *parser) advance(n int) {
	p.line += strings.Count(p.rest[:n], "\n")
	p.rest = p.rest[n:]
}

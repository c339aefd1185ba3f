// Package scan reads JSON (RFC 8259) that this program wrote, without taking it
// apart: a value that nobody asks about stays the text that it is. It takes nothing
// that encoding/json would refuse, and leaves to that what is rare.
package scan

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A Scanner goes through a text from its beginning to its end. After a mistake it
// finds nothing more, and Done says so.
type Scanner struct {
	text string
	at   int
	bad  bool
}

// Of returns a scanner of a text.
func Of(text string) *Scanner { return &Scanner{text: text} }

// Done says whether all was read, and nothing was wrong or out of the ordinary.
func (s *Scanner) Done() bool { return !s.bad && s.at == len(s.text) }

// Fail says that what was read is not what was expected.
func (s *Scanner) Fail() { s.bad = true }

// peek returns the next byte, 0 where there is none. White space between the parts is
// nothing that this program writes, and so a mistake.
func (s *Scanner) peek() byte {
	if s.bad || s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *Scanner) eat(c byte) bool {
	if s.peek() != c {
		s.bad = true
		return false
	}
	s.at++
	return true
}

// Object calls member with each key of an object, which reads the value.
func (s *Scanner) Object(member func(key string)) {
	s.list('{', '}', func() {
		key := s.Text()
		if s.eat(':') {
			member(key)
		}
	})
}

// Array calls item for each item of an array, which reads it.
func (s *Scanner) Array(item func()) { s.list('[', ']', item) }

func (s *Scanner) list(begin, end byte, item func()) {
	if !s.eat(begin) {
		return
	}
	if s.peek() == end {
		s.at++
		return
	}
	for !s.bad {
		item()
		if s.peek() == end {
			s.at++
			return
		}
		s.eat(',')
	}
}

// Raw returns the next value as it is written.
func (s *Scanner) Raw() string {
	begin := s.at
	s.skip(0)
	if s.bad {
		return ""
	}
	return s.text[begin:s.at]
}

// deepest is how many values may stand in one another.
const deepest = 100

func (s *Scanner) skip(depth int) {
	if depth > deepest {
		s.bad = true
	}
	if s.bad {
		return
	}
	switch s.peek() {
	case '{':
		s.list('{', '}', func() {
			s.quoted()
			s.eat(':')
			s.skip(depth + 1)
		})
	case '[':
		s.list('[', ']', func() { s.skip(depth + 1) })
	case '"':
		s.quoted()
	default:
		s.word()
	}
}

// word passes over a number, true, false or null.
func (s *Scanner) word() {
	begin := s.at
	for s.at < len(s.text) && !strings.ContainsRune(",:]}{[\" \t\r\n", rune(s.text[s.at])) {
		s.at++
	}
	switch word := s.text[begin:s.at]; word {
	case "true", "false", "null":
	default:
		s.bad = s.bad || !json.Valid([]byte(word))
	}
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	switch s.Raw() {
	case "true":
		return true
	case "false":
	default:
		s.bad = true
	}
	return false
}

// Text reads a string.
func (s *Scanner) Text() string {
	quoted, plain := s.quoted()
	if s.bad {
		return ""
	}
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	var text string
	if json.Unmarshal([]byte(quoted), &text) != nil {
		s.bad = true
	}
	return text
}

// quoted passes over a string and returns it with its quotes; plain says whether all
// within stands for itself. An escaped quote, which is in every address, is nothing that
// package encoding/json has to be asked about.
func (s *Scanner) quoted() (text string, plain bool) {
	begin := s.at
	if !s.eat('"') {
		return "", false
	}
	plain = true
	doubtful := false
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			text = s.text[begin:s.at]
			s.bad = s.bad || doubtful && !json.Valid([]byte(text))
			return text, plain
		case c == '\\':
			plain = false
			doubtful = doubtful || s.at == len(s.text) || s.text[s.at] != '"' && s.text[s.at] != '\\'
			s.at = min(s.at+1, len(s.text))
		case c < ' ':
			plain, doubtful = false, true
		case c >= utf8.RuneSelf:
			plain = false
		}
	}
	s.bad = true
	return "", false
}

// Sorted reads an object whose keys stand in order, each once, and returns it as it is
// written, and how many members it has.
func (s *Scanner) Sorted() (text string, members int) {
	begin, last := s.at, ""
	s.Object(func(key string) {
		if members > 0 && key <= last {
			s.bad = true
		}
		last = key
		members++
		s.skip(0)
	})
	if s.bad {
		return "", 0
	}
	return s.text[begin:s.at], members
}

// Next returns the first byte of what comes next, 0 where nothing does.
func (s *Scanner) Next() byte { return s.peek() }

// Quoted returns a string as it is written, quotes and all.
func (s *Scanner) Quoted() string {
	text, _ := s.quoted()
	return text
}

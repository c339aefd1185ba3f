package openvpn

import (
	"errors"
	"fmt"
	"strings"
)

// LineSize is how many bytes OpenVPN reads of one line: OPTION_LINE_SIZE without
// the newline and the end of the string.
const LineSize = 254

// maxWords is MAX_PARMS, the words of a line after which it drops the rest in
// silence.
const maxWords = 16

// Words takes a line of a configuration apart as OpenVPN's own lexer does
// (parse_line in options_parse.c), for whoever wants to know what it will read
// there. A comment and an empty line have no words. A line that OpenVPN refuses,
// or of which it would read only a part, is an error.
func Words(line string) ([]string, error) {
	if len(line) > LineSize {
		return nil, fmt.Errorf("it has %d bytes, and OpenVPN reads %d of a line", len(line), LineSize)
	}
	if strings.ContainsAny(line, "\n\x00") {
		return nil, errors.New("it is more than one line")
	}
	var l lexer
	for i := range len(line) {
		if err := l.next(line[i]); err != nil {
			return nil, err
		}
		if l.comment {
			break
		}
	}
	return l.end()
}

// Directive returns the words of the directive that a line is: what stands behind
// setenv opt, which is read as if that were not there.
func Directive(line string) ([]string, error) {
	words, err := Words(line)
	for err == nil && len(words) > 1 && words[0] == "setenv" && words[1] == "opt" {
		if words = words[2:]; len(words) == 0 {
			err = errors.New("nothing stands behind setenv opt")
		}
	}
	return words, err
}

// lexer reads a line byte by byte.
type lexer struct {
	words   []string
	word    []byte
	within  byte // a quote, 'u' for a word without one, 0 between words
	escaped bool // by a backslash before
	comment bool
}

// between is what stands between words: isspace(3) in the C locale.
func between(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func (l *lexer) next(c byte) error {
	if c == '\\' && !l.escaped && l.within != '\'' {
		l.escaped = true
		return nil
	}
	escaped := l.escaped
	l.escaped = false
	switch {
	case l.within == 0 && between(c): // a backslash before it is lost
	case l.within == 0 && (c == '#' || c == ';'):
		l.comment = true
	case l.within == 0 && !escaped && (c == '"' || c == '\''):
		l.within = c
	case l.within == 0:
		l.within = 'u'
		return l.put(c, escaped)
	case l.within == 'u' && !escaped && between(c), l.within == '"' && !escaped && c == '"', l.within == '\'' && c == '\'':
		l.close()
	default:
		return l.put(c, escaped)
	}
	return nil
}

func (l *lexer) put(c byte, escaped bool) error {
	if escaped && c != '\\' && c != '"' && !between(c) {
		return fmt.Errorf(`a backslash stands before %q, and OpenVPN has it only before another one, a double quote and a blank`, c)
	}
	l.word = append(l.word, c)
	return nil
}

func (l *lexer) close() {
	l.words, l.word, l.within = append(l.words, string(l.word)), nil, 0
}

func (l *lexer) end() ([]string, error) {
	switch {
	case l.comment:
	case l.escaped && l.within != 0:
		return nil, errors.New("it ends in a backslash, which takes the end of the line into the word")
	case l.within == 'u':
		l.close()
	case l.within != 0:
		return nil, fmt.Errorf("the quote %c does not end", l.within)
	}
	if len(l.words) > maxWords {
		return nil, fmt.Errorf("it has %d words, and OpenVPN reads %d and drops the rest", len(l.words), maxWords)
	}
	return l.words, nil
}

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of what is read, so that a file that was made to do harm, or came out of
// a program that went wrong, is an error and not the end of the process. Each is
// far beyond what people write.
const (
	deepest      = 200    // brackets, blocks and templates within each other
	mostInARow   = 1000   // operators, dots and indexes of one expression
	longestChain = 2000   // values of which each refers to the next
	mostDigits   = 400    // of a number, with those of its exponent
	mostBlocks   = 200000 // that dynamic blocks make
)

// checkText returns what makes a file none of the language, before anybody parses
// it; empty where nothing does.
func checkText(data []byte) (problem string) {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return "It is UTF-16, and vpnd reads UTF-8. Save it so, or: iconv -f UTF-16 -t UTF-8."
	case bytes.IndexByte(data, 0) >= 0:
		return "It holds zero bytes, as UTF-16 and files of programs do, and vpnd reads text in UTF-8."
	case !utf8.Valid(data):
		line := 1
		for rest := data; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if r == utf8.RuneError && size == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			rest = rest[size:]
		}
		return fmt.Sprintf("Line %d holds bytes that are no UTF-8, as Latin-1 has. Save it as UTF-8, or: iconv -f LATIN1 -t UTF-8.", line)
	}
	return ""
}

// plainText brings a file as Windows writes it into the form that Unix has: a mark
// of the byte order says nothing in UTF-8, and a carriage return before the end
// of a line would come into heredocs, and with them into scripts.
func plainText(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	return bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}

// exponent is how many digits an exponent stands for.
func exponent(number string) int {
	_, e, _ := strings.Cut(strings.ToLower(number), "e")
	n := 0
	for _, digit := range strings.TrimLeft(e, "+-") {
		if n = 10*n + int(digit-'0'); n > mostDigits {
			break
		}
	}
	return n
}

// checkBounds looks at a file of the language before it is parsed.
func checkBounds(data []byte, name string) *hcl.Diagnostic {
	if strings.HasSuffix(name, ".json") {
		return tooMuchJSON(data, name)
	}
	if plainlyModest(data) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(data, name, hcl.InitialPos)
	return tooMuch(tokens)
}

// tooMuchJSON does the same for JSON, whose strings are templates.
func tooMuchJSON(data []byte, name string) *hcl.Diagnostic {
	at := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	words := json.NewDecoder(bytes.NewReader(data))
	words.UseNumber()
	for depth := 0; ; {
		word, err := words.Token()
		if err != nil { // the end, or a mistake that the parser tells
			return nil
		}
		switch word := word.(type) {
		case json.Delim:
			if depth++; word == ']' || word == '}' {
				depth -= 2
			}
			if depth > deepest {
				return errorAt(at, "Too deeply nested", "Lists and objects may stand within each other %d deep.", deepest)
			}
		case json.Number:
			if len(word) > mostDigits || exponent(string(word)) > mostDigits {
				return errorAt(at, "Too large a number", "A number has at most %d digits, with those that its exponent stands for.", mostDigits)
			}
		case string:
			if d := tooMuchTemplate(word, name); d != nil {
				return d
			}
		}
	}
}

func tooMuchTemplate(text, name string) *hcl.Diagnostic {
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return nil
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), name, hcl.InitialPos)
	return tooMuch(tokens)
}

// tooDeepJSON says whether data in JSON goes too deep for what decodes it.
func tooDeepJSON(text string) error {
	words := json.NewDecoder(strings.NewReader(text))
	for depth := 0; ; {
		word, err := words.Token()
		if err != nil {
			return nil
		}
		if d, ok := word.(json.Delim); ok {
			if depth++; d == ']' || d == '}' {
				depth -= 2
			}
		}
		if depth > deepest {
			return fmt.Errorf("it is nested more than %d deep", deepest)
		}
	}
}

// mostAliases is how often data in YAML may repeat parts of itself: what repeats
// what repeats more doubles with each.
const mostAliases = 20

var isAlias = regexp.MustCompile(`(?m)(^|[\s\[,:{-])\*[\w-]`)

// tooDeepYAML does the same for YAML, where a dash, a bracket, or a step to the
// right goes one level down. Brackets within words are counted with the others.
func tooDeepYAML(text string) error {
	if n := len(isAlias.FindAllStringIndex(text, mostAliases+1)); n > mostAliases {
		return fmt.Errorf("it has more than %d aliases", mostAliases)
	}
	flow := 0
	for line := range strings.Lines(text) {
		block := len(line) - len(strings.TrimLeft(line, " -?\t"))
		for _, r := range line {
			switch r {
			case '[', '{':
				flow++
			case ']', '}':
				flow = max(0, flow-1)
			}
			if flow > deepest || block > 2*deepest {
				return fmt.Errorf("it is nested more than %d deep", deepest)
			}
		}
	}
	return nil
}

// Bounded reads a file of the language, which may be any file: no pipe and no
// device, nor more than a configuration holds.
func Bounded(path string) ([]byte, error) {
	data, err := readRegular(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %s", path, reason(err))
	}
	return data, nil
}

// BoundedInput reads text of the language from where somebody else writes it.
func BoundedInput(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, largestFile+1))
	if err == nil && len(data) > largestFile {
		err = errors.New("it is larger than a configuration may be")
	}
	return data, err
}

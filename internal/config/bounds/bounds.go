// Package bounds keeps what is read within bounds, so that a file that was made to
// do harm, or came out of a program that went wrong, is an error and not the end of
// the process. Each bound is far beyond what people write.
package bounds

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"vpnd/internal/config/diag"
)

const (
	deepest    = 200  // brackets, blocks and templates within each other
	mostInARow = 1000 // operators, dots and indexes of one expression
	mostDigits = 400  // of a number, with those of its exponent
)

// Text returns what makes a file none of the language, before anybody parses
// it; empty where nothing does.
func Text(data []byte) (problem string) {
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

// Plain brings a file as Windows writes it into the form that Unix has: a mark
// of the byte order says nothing in UTF-8, and a carriage return before the end
// of a line would come into heredocs, and with them into scripts.
func Plain(data []byte) []byte {
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

// File looks at a file of the language before it is parsed.
func File(data []byte, name string) *hcl.Diagnostic {
	if strings.HasSuffix(name, ".json") {
		return fileOfJSON(data, name)
	}
	if plainlyModest(data) {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(data, name, hcl.InitialPos)
	return Expression(tokens)
}

// fileOfJSON does the same for JSON, whose strings are templates.
func fileOfJSON(data []byte, name string) *hcl.Diagnostic {
	words := json.NewDecoder(bytes.NewReader(data))
	words.UseNumber()
	for depth := 0; ; {
		word, err := words.Token()
		if err != nil { // the end, or a mistake that the parser tells
			return nil
		}
		var d *hcl.Diagnostic
		switch word := word.(type) {
		case json.Delim:
			if depth++; word == ']' || word == '}' {
				depth -= 2
			}
			if depth > deepest {
				d = diag.Error(hcl.Range{}, "Too deeply nested", "Lists and objects may stand within each other %d deep. Put parts of it into locals.", deepest)
			}
		case json.Number:
			d = number(string(word), hcl.Range{})
		case string:
			if d = Template(word, name); d == nil && loopsWithin(word, name) {
				d = diag.Error(hcl.Range{}, "Loops in JSON", "A text in JSON may have one loop (for). Write what has several in a file of HCL, *.hcl, which vpnd reads beside it.")
			}
		}
		if d != nil {
			d.Subject = endingAt(data, int(words.InputOffset()), name)
			return d
		}
	}
}

// endingAt returns the place of the byte before that one.
func endingAt(data []byte, end int, name string) *hcl.Range {
	before := data[:end-1]
	start := hcl.Pos{Line: 1 + bytes.Count(before, []byte("\n")), Column: end - 1 - bytes.LastIndexByte(before, '\n'), Byte: end - 1}
	return &hcl.Range{Filename: name, Start: start, End: hcl.Pos{Line: start.Line, Column: start.Column + 1, Byte: end}}
}

// number returns what is wrong with one that nobody could write out.
func number(text string, at hcl.Range) *hcl.Diagnostic {
	if len(text) <= mostDigits && exponent(text) <= mostDigits {
		return nil
	}
	return diag.Error(at, "Too large a number", "A number has at most %d digits, with those that its exponent stands for. If it is text, put it in quotes.", mostDigits)
}

// Template looks at a text that may be a template.
func Template(text, name string) *hcl.Diagnostic {
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return nil
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), name, hcl.InitialPos)
	return Expression(tokens)
}

// loopsWithin says whether one text has more than one loop. In JSON nobody counts
// their turns: its reader takes a text apart only when it works it out.
func loopsWithin(text, name string) bool {
	if strings.Count(text, "for") < 2 {
		return false
	}
	tokens, _ := hclsyntax.LexTemplate([]byte(text), name, hcl.InitialPos)
	loops := 0
	for i, t := range tokens[:max(0, len(tokens)-1)] {
		opens := t.Type == hclsyntax.TokenOBrace || t.Type == hclsyntax.TokenOBrack || t.Type == hclsyntax.TokenTemplateControl
		if opens && significant(tokens[i+1:])() == "for" {
			loops++
		}
	}
	return loops > 1
}

// Package diag is how config tells users what is wrong: in one sentence, with the
// place, and with a way out. It makes the diagnostics of vpnd, brings those of HCL
// into the same words, takes secrets out of them, gathers them, as many as anybody
// reads, and prints them.
package diag

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"vpnd/internal/resource"
)

// Error makes a diagnostic. Where at is the zero range it has no place, as where a
// flag is wrong.
func Error(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
	if at != (hcl.Range{}) {
		d.Subject = &at
	}
	return d
}

// Warning makes a diagnostic that keeps nobody from going on.
func Warning(at hcl.Range, summary, detail string, args ...any) *hcl.Diagnostic {
	d := Error(at, summary, detail, args...)
	d.Severity = hcl.DiagWarning
	return d
}

// Mistake makes a diagnostic of what a shape says is wrong with it; called is what
// users call the block.
func Mistake(m resource.Mistake, called string, at hcl.Range) *hcl.Diagnostic {
	d := Error(at, "In "+called+inPath(m.Path)+": "+m.Summary, "%s", whole(m.Hint))
	if m.Warning {
		d.Severity = hcl.DiagWarning
	}
	return d
}

func inPath(path string) string {
	if path == "" {
		return ""
	}
	return ", " + path
}

// Sentence makes a sentence of an error.
func Sentence(err error) string { return whole(err.Error()) }

// whole makes a sentence of a text, whichever way its writer began and ended it. What
// begins it may be the name of a file, which stays as it is, and on a line of its own
// at the end stands a command, to be copied.
func whole(text string) string {
	if text == "" {
		return ""
	}
	word, _, _ := strings.Cut(text, " ")
	if !strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(",;:'", r) }) {
		first, size := utf8.DecodeRuneInString(text)
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if command := strings.Contains(text, "\n"); !command && !strings.ContainsAny(text[len(text)-1:], ".?!:") {
		text += "."
	}
	return text
}

// Where writes a place for the text of a diagnostic.
func Where(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// Place returns the place of a diagnostic, which is the zero range where it has none.
func Place(d *hcl.Diagnostic) hcl.Range {
	if d.Subject == nil {
		return hcl.Range{}
	}
	return *d.Subject
}

// InOrder returns the later of two places first: maps are walked in any order.
func InOrder(a, b hcl.Range) (later, earlier hcl.Range) {
	if a.Filename < b.Filename || a.Filename == b.Filename && a.Start.Byte < b.Start.Byte {
		return b, a
	}
	return a, b
}

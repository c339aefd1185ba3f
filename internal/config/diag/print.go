package diag

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcled"
	"github.com/mitchellh/go-wordwrap"
	"github.com/zclconf/go-cty/cty"

	"vpnd/internal/config/value"
)

// mostLines is how much of a long expression a snippet shows.
const mostLines = 4

// Print writes diagnostics for people: what is wrong, where, the source text
// and a way out. files are those that the places are in; width is the terminal's,
// or 0 for no line breaks but the text's own.
func Print(w io.Writer, diags hcl.Diagnostics, files map[string]*hcl.File, width int, color bool) error {
	p := printer{w: bufio.NewWriter(w), files: files, width: width, color: color}
	for i, d := range diags {
		if i > 0 {
			p.line("")
		}
		p.diagnostic(d)
	}
	return p.w.Flush()
}

// Brief writes diagnostics for a record that others read too: what is wrong,
// where, and a way out, but nothing of the source text. In a file that can't be
// parsed nobody knows which of its words are secrets.
func Brief(diags hcl.Diagnostics) string {
	bare := make(hcl.Diagnostics, len(diags))
	for i, d := range diags {
		c := *d
		c.Expression, c.EvalContext = nil, nil // Print tells their values
		bare[i] = &c
	}
	var b strings.Builder
	_ = Print(&b, bare, nil, 0, false)
	return b.String()
}

type printer struct {
	w     *bufio.Writer // its error is kept until Flush
	files map[string]*hcl.File
	width int
	color bool
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// paint wraps text in an SGR sequence, see console_codes(4).
func (p *printer) paint(code, text string) string {
	if !p.color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (p *printer) diagnostic(d *hcl.Diagnostic) {
	word, color := "Error", "1;31"
	if d.Severity == hcl.DiagWarning {
		word, color = "Warning", "1;33"
	}
	// The word is wrapped with the rest, and then painted.
	for i, line := range p.wrapped(word + ": " + printable(d.Summary)) {
		if i == 0 {
			p.line("%s: %s", p.paint(color, word), p.paint("1", strings.TrimPrefix(line, word+": ")))
		} else {
			p.line("  %s", p.paint("1", line))
		}
	}
	if d.Subject != nil {
		p.snippet(*d.Subject)
	}
	p.values(d)
	if d.Detail != "" {
		p.line("")
		for _, line := range p.wrapped(printable(d.Detail)) {
			p.line("%s", strings.TrimRight("  "+line, " "))
		}
	}
}

// wrapped are the lines of a text, which leave room for two spaces before them.
func (p *printer) wrapped(s string) []string {
	if p.width > 20 {
		s = wordwrap.WrapString(s, uint(p.width-2))
	}
	return strings.Split(s, "\n")
}

// snippet shows the lines that a range covers and underlines it.
func (p *printer) snippet(r hcl.Range) {
	file := p.files[r.Filename]
	place := fmt.Sprintf("  %s:%d", r.Filename, r.Start.Line)
	if file == nil || r.Start.Byte > len(file.Bytes) {
		p.line("%s", place)
		return
	}
	if block := hcled.ContextString(file, r.Start.Byte); block != "" {
		place += ", in " + printable(block)
	}
	p.line("%s", place)
	lines := bytes.Split(file.Bytes, []byte("\n"))
	last := min(r.End.Line, r.Start.Line+mostLines-1, len(lines))
	gutter := len(fmt.Sprint(last))
	start := r.Start.Byte - lineStart(file.Bytes, r.Start.Byte)
	for n := r.Start.Line; n <= last; n++ {
		text, _ := clip(string(lines[n-1]), start)
		p.line("%s", strings.TrimRight(fmt.Sprintf("  %*d | %s", gutter, n, printable(text)), " "))
	}
	if r.Start.Line != r.End.Line || last < r.Start.Line {
		return
	}
	text, left := clip(string(lines[r.Start.Line-1]), start)
	start -= left
	end := min(start+r.End.Byte-r.Start.Byte, len(text))
	before, marked := utf8.RuneCountInString(printable(text[:min(start, len(text))])), 1
	if end > start {
		marked = max(1, utf8.RuneCountInString(printable(text[start:end])))
	}
	p.line("  %*s | %s%s", gutter, "", strings.Repeat(" ", before), p.paint("1;31", strings.Repeat("^", marked)))
}

// widest is how much of a line a snippet shows, in bytes.
const widest = 400

// clip returns of a long line what is around a place, and how many bytes of it are
// left out before that.
func clip(line string, at int) (text string, left int) {
	if len(line) <= widest {
		return line, 0
	}
	left = max(0, min(at, len(line))-widest/4)
	for left > 0 && !utf8.RuneStart(line[left]) {
		left--
	}
	return strings.ToValidUTF8(line[left:min(left+widest, len(line))], ""), left
}

func lineStart(text []byte, at int) int {
	return bytes.LastIndexByte(text[:min(at, len(text))], '\n') + 1
}

// values tells what the references of a failing expression stand for.
func (p *printer) values(d *hcl.Diagnostic) {
	if d.Expression == nil || d.EvalContext == nil {
		return
	}
	seen := make(map[string]bool)
	for _, t := range d.Expression.Variables() {
		v, diags := t.TraverseAbs(d.EvalContext)
		name := reference(t)
		if diags.HasErrors() || seen[name] {
			continue
		}
		seen[name] = true
		if text := shortly(v); text != "" {
			p.line("    %s is %s", name, printable(text))
		}
	}
}

// shortly shows a value, or what kind of value it is; nothing of one that is
// unknown for a reason told elsewhere, and never a sensitive one.
func shortly(v cty.Value) string {
	switch {
	case v.ContainsMarked():
		return "sensitive"
	case !v.IsKnown():
		return ""
	case !v.IsNull() && v.Type() == cty.String:
		if text := v.AsString(); len(text) <= 60 && !strings.Contains(text, "\n") {
			return fmt.Sprintf("%q", text)
		}
		return "a long text"
	case !v.IsNull() && v.Type().IsPrimitiveType():
		text, _ := value.Text(v)
		return text
	default:
		return value.Describe(v)
	}
}

// reference writes a reference as users do.
func reference(t hcl.Traversal) string {
	var b strings.Builder
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			if text, ok := value.Text(s.Key); ok && s.Key.Type() == cty.String {
				fmt.Fprintf(&b, "[%q]", text)
			} else {
				fmt.Fprintf(&b, "[%s]", text)
			}
		}
	}
	return b.String()
}

// printable keeps text from steering the terminal, and tabs one column wide,
// so that the underline is below what it means.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			return r
		case r == '\t':
			return ' '
		case r == '\r':
			return -1
		default:
			return '·'
		}
	}, s)
}

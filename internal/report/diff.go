package report

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/aymanbagabas/go-udiff"

	"vpnd/internal/resource"
)

// diffs writes attributes. Of a fresh thing there is no before, and that it
// will be as it should goes without saying.
func (t Text) diffs(diffs []resource.Diff, fresh bool) {
	for _, d := range diffs {
		if !fresh || !d.Computed {
			t.diff(d, fresh)
		}
	}
}

func (t Text) diff(d resource.Diff, fresh bool) {
	switch {
	case d.Sensitive && !fresh:
		t.printf("      %s: %s, changes\n", label(d), resource.Masked)
	case len(d.Was)+len(d.Now) > 0 && !d.Sensitive:
		t.list(d)
	case d.Text && !d.Sensitive && strings.Contains(d.Before+d.After, "\n"):
		t.unified(d)
	case fresh:
		t.printf("      %s: %s\n", label(d), short(d.After, 0))
	default:
		from := shared(d.Before, d.After)
		t.printf("      %s: %s → %s\n", label(d), short(d.Before, from), short(d.After, from))
	}
}

// list writes a list, one item a line and only those that come or go.
func (t Text) list(d resource.Diff) {
	t.printf("      %s:\n", label(d))
	before, after := lines(d.Was), lines(d.Now)
	kept := len(d.Was)
	for line := range strings.Lines(unified(before, after, 0)) {
		s, item := sign{"+", green}, line[1:]
		switch line[0] {
		case '+':
		case '-':
			s, kept = sign{"-", red}, kept-1
		default:
			continue
		}
		t.printf("        %s\n", t.paint(s.color, s.text+" "+strings.TrimSuffix(item, "\n")))
	}
	if kept > 0 {
		t.printf("        %s\n", t.paint(faint, fmt.Sprintf("%s as before", Count(kept, "item"))))
	}
}

// lines writes the items of a list as lines.
func lines(items []string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(short(item, 0) + "\n")
	}
	return b.String()
}

// around is how many lines around a change of a text are shown.
const around = 3

// unified writes a text attribute as a unified diff. A text that comes or goes
// as a whole needs no line numbers.
func (t Text) unified(d resource.Diff) {
	t.printf("      %s:\n", label(d))
	diff := unified(clean(d.Before), clean(d.After), around)
	if diff == "" {
		diff = "what differs can't be shown\n"
	}
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		color := ""
		switch line[0] {
		case '+':
			color = green
		case '-':
			color = red
		case '@':
			if d.Before == "" || d.After == "" {
				continue
			}
			color = cyan
		}
		t.printf("        %s\n", t.paint(color, line))
	}
}

// unified returns a unified diff by whole lines, without its two head lines.
func unified(before, after string, context int) string {
	diff, err := udiff.ToUnified("", "", before, udiff.Lines(before, after), context)
	if err != nil { // only where edits overlap, which those of Lines never do
		return ""
	}
	for range 2 {
		_, diff, _ = strings.Cut(diff, "\n")
	}
	return diff
}

// longest is how much of one value a plan shows on one line, in characters.
const longest = 400

// escapes keeps a value on its line. To build it costs more than to use it.
var escapes = strings.NewReplacer("\n", `\n`, "\t", `\t`)

// short writes a value on one line, from some character on and no longer than
// longest.
func short(s string, from int) string {
	s = escapes.Replace(clean(s))
	if s == "" {
		return "(none)"
	}
	r := []rune(s)
	size := len(r)
	var before, after string
	if from > 0 && from < size {
		before, r = "…", r[from:]
	}
	if len(r) > longest {
		after, r = fmt.Sprintf("… (%d characters)", size), r[:longest]
	}
	return before + string(r) + after
}

// shared is where to begin showing two long values so that their difference is
// seen: what they share at their beginning is left out but for its end.
func shared(a, b string) int {
	if max(len(a), len(b)) <= longest {
		return 0
	}
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return max(0, n-20)
}

// clean makes control characters and those without a shape visible, so that
// what stands in a file can't command the terminal or hide.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// Package report tells people and programs what a plan would do and what an
// apply did.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Text writes reports for people.
type Text struct {
	W     io.Writer
	Color bool
}

const (
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
	bold   = "1"
	faint  = "2"
)

var signs = map[engine.Action]struct{ sign, color string }{
	engine.Create:  {"+", green},
	engine.Update:  {"~", yellow},
	engine.Remove:  {"-", red},
	engine.Restore: {"~", yellow},
	engine.Refresh: {"!", cyan},
}

// Plan writes a plan: each change under the block that asks for it, in the
// order of apply, and a line that counts.
func (t Text) Plan(p *engine.Plan) {
	var block string
	for _, c := range p.Changes {
		if head := heading(c); head != block {
			block = head
			t.printf("%s\n", t.paint(bold, head))
		}
		t.change(c)
	}
	for _, problem := range p.Problems {
		t.printf("%s %s is unknown and left alone: %v\n", t.paint(red, "?"), problem.ID, problem.Err)
	}
	for _, n := range p.Notes {
		t.printf("%s %s: %s\n", t.paint(yellow, "note:"), about(n.ID), clean(n.Text))
	}
	if len(p.Changes)+len(p.Notes) > 0 {
		t.printf("\n")
	}
	t.printf("%s\n", Summary(p))
}

// about names what a note is about: a resource, or a whole kind.
func about(id resource.ID) string {
	if id.Name == "" {
		return id.Kind
	}
	return id.String()
}

// heading names the block that asks for a change and where it stands.
func heading(c engine.Change) string {
	if len(c.Owners) == 0 {
		return "no longer in the configuration"
	}
	o := c.Owners[0]
	head := o.Block.String()
	if o.File != "" {
		head += fmt.Sprintf("  %s:%d", o.File, o.Line)
	}
	for _, other := range c.Owners[1:] {
		head += fmt.Sprintf(", %s  %s:%d", other.Block, other.File, other.Line)
	}
	return head
}

func (t Text) change(c engine.Change) {
	sign := signs[c.Action]
	t.printf("  %s %s  %s\n", t.paint(sign.color, sign.sign), c.ID, t.paint(faint, "("+why(c)+")"))
	if c.Action == engine.Remove {
		return
	}
	for _, d := range c.Diffs {
		t.diff(c, d)
	}
}

// why says in words why a change is made and what those who are connected
// notice.
func why(c engine.Change) string {
	var words string
	switch c.Reason {
	case engine.New:
		words = "new"
	case engine.Configuration:
		words = "configuration changed"
	case engine.Drift:
		words = "drifted"
	case engine.Both:
		words = "configuration changed, and drifted"
	case engine.TakesOver:
		words = "takes over what is there; it is kept and comes back when the block goes"
	case engine.Renewal:
		words = "runs out"
	case engine.Unfinished:
		words = "an earlier run was cut short"
	case engine.Dropped:
		words = "no longer asked for"
	case engine.Follows:
		words = "since " + c.Because.String() + " changes"
	case engine.Owed:
		words = "owed since an earlier run"
	case engine.Undone:
		words = "rolled back"
	}
	switch {
	case c.Action == engine.Refresh:
		return c.Cost.String() + ", " + words
	case c.Action == engine.Restore && c.Reason == engine.Dropped:
		words += "; what was there before comes back"
	}
	switch {
	case c.Cost == resource.Restart && c.Reason == engine.Dropped:
		words += "; disconnects everybody"
	case c.Cost > resource.Rebuild:
		words += "; " + Cost(c.Cost)
	}
	return words
}

// Cost says what those who are connected notice.
func Cost(e resource.Effect) string {
	switch e {
	case resource.Reload:
		return "reloads the service"
	case resource.Client:
		return "disconnects one client"
	case resource.Tunnel:
		return "re-establishes one tunnel"
	case resource.Restart:
		return "disconnects everybody for a moment"
	default:
		return "nobody who is connected notices"
	}
}

func (t Text) diff(c engine.Change, d resource.Diff) {
	switch {
	case d.Sensitive && c.Action != engine.Create:
		t.printf("      %s: %s, changes\n", d.Attribute, resource.Masked)
	case d.Text && !d.Sensitive && strings.Contains(d.Before+d.After, "\n"):
		t.unified(d)
	case c.Action == engine.Create || d.Before == "" && c.Action != engine.Restore:
		t.printf("      %s: %s\n", d.Attribute, short(d.After))
	default:
		t.printf("      %s: %s → %s\n", d.Attribute, short(d.Before), short(d.After))
	}
}

// unified writes a text attribute as a unified diff.
func (t Text) unified(d resource.Diff) {
	t.printf("      %s:\n", d.Attribute)
	diff := udiff.Unified("is", "shall be", clean(d.Before), clean(d.After))
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "+++") {
			continue
		}
		color := ""
		switch {
		case strings.HasPrefix(line, "+"):
			color = green
		case strings.HasPrefix(line, "-"):
			color = red
		case strings.HasPrefix(line, "@@"):
			color = cyan
		}
		t.printf("        %s\n", t.paint(color, line))
	}
}

// longest is how much of one value a plan shows on one line, in characters.
const longest = 400

func short(s string) string {
	s = clean(s)
	if s == "" {
		return `""`
	}
	if r := []rune(s); len(r) > longest {
		return fmt.Sprintf("%s… (%d characters)", string(r[:longest]), len(r))
	}
	return strings.ReplaceAll(s, "\n", `\n`)
}

// clean makes control characters visible, so that what stands in a file can't
// command the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// Summary counts what a plan does, in one line.
func Summary(p *engine.Plan) string {
	counts := make(map[engine.Action]int)
	for _, c := range p.Changes {
		counts[c.Action]++
	}
	var unknown string
	if n := len(p.Problems); n > 0 {
		unknown = fmt.Sprintf(" %d could not be looked at.", n)
	}
	if len(p.Changes) == 0 {
		return "Nothing to do: the host is as the configuration says." + unknown
	}
	var parts []string
	for _, part := range []struct {
		n    int
		word string
	}{
		{counts[engine.Create], "to create"},
		{counts[engine.Update], "to change"},
		{counts[engine.Remove], "to remove"},
		{counts[engine.Restore], "to give back"},
		{counts[engine.Refresh], "to refresh"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	cost := Cost(p.Cost())
	return fmt.Sprintf("Plan: %s. Cost: %s.%s", strings.Join(parts, ", "), cost, unknown)
}

// Done writes what became of one change, as it happens.
func (t Text) Done(c engine.Change, err error) {
	sign := signs[c.Action]
	if err != nil {
		t.printf("  %s %s: %v\n", t.paint(red, "✗"), c.ID, err)
		return
	}
	t.printf("  %s %s\n", t.paint(sign.color, sign.sign), c.ID)
}

// Report writes the last line of an apply.
func (t Text) Report(r engine.Report) {
	var done, failed, skipped int
	for _, result := range r.Results {
		switch {
		case result.Skipped:
			skipped++
		case result.Err != nil:
			failed++
		default:
			done++
		}
	}
	if failed+skipped == 0 && r.Err == nil {
		t.printf("%s\n", t.paint(green, fmt.Sprintf("Done: %d changes.", done)))
		return
	}
	t.printf("%s\n", t.paint(red, fmt.Sprintf("Not done: %d changes made, %d failed, %d skipped. The next apply continues.", done, failed, skipped)))
}

func (t Text) paint(color, s string) string {
	if !t.Color || color == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t Text) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.W, format, args...) }

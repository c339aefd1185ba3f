// Package report tells people and programs what a plan would do and what an
// apply did.
package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/mitchellh/go-wordwrap"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// Text writes reports for people.
type Text struct {
	W     io.Writer
	Color bool
	Idle  string // what to say of a plan with nothing in it; empty means that the host is as the configuration says
	Hint  string // what to say besides of a plan that changes something; may be empty
	Width int    // of the terminal that notes are wrapped for; 0 is for none
	Long  bool   // tell every attribute of each thing, in the order of apply
}

// The colours, see console_codes(4).
const (
	green  = "32"
	yellow = "33"
	red    = "31"
	cyan   = "36"
	bold   = "1"
	faint  = "2"
)

type sign struct{ text, color string }

var signs = map[engine.Action]sign{
	engine.Create:  {"+", green},
	engine.Update:  {"~", yellow},
	engine.Remove:  {"-", red},
	engine.Restore: {"~", yellow},
	engine.Refresh: {"!", cyan},
}

// Plan writes a plan: each change under the block that asks for it, and a line
// that counts, which also comes first where the plan is long.
func (t Text) Plan(p *engine.Plan) {
	summary := Summary(p)
	if t.Idle != "" && len(p.Changes)+len(p.Problems) == 0 {
		summary = t.Idle
	}
	t.page(summary, func(t Text) (left hidden) {
		more := t.problems(p)
		if t.Long {
			t.every(p.Changes)
		} else {
			left = t.brief(p.Changes, planned)
		}
		left.more = left.more || more
		t.Notes(p)
		t.losses(p)
		if len(p.Changes) > 0 {
			left.hint = t.Hint
		}
		return left
	})
}

// losses says loudly what leaves and others hold the other half of.
func (t Text) losses(p *engine.Plan) {
	for _, c := range p.Changes {
		if c.Loses != "" {
			t.printf("%s\n", t.paint(bold, fmt.Sprintf("%s goes, and with it %s, unless it is brought back.", c.ID, c.Loses)))
		}
	}
}

// every writes all that is known of each change, in the order of apply.
func (t Text) every(changes []engine.Change) {
	t.changes(changes, func(c engine.Change) {
		t.head(signs[c.Action], c.ID, why(c))
		if c.Action != engine.Remove {
			t.diffs(c.Diffs, fresh(c))
		}
	})
}

// glimpse is how many lines are seen without looking for their beginning.
const glimpse = 15

// page writes a report with its summary below, and above too where it is long.
func (t Text) page(summary string, write func(Text) hidden) {
	var b bytes.Buffer
	inner := t
	inner.W = &b
	left := write(inner)
	lines := bytes.Count(b.Bytes(), []byte("\n"))
	if lines > glimpse {
		t.printf("%s\n\n", t.paint(bold, summary))
	}
	_, _ = t.W.Write(b.Bytes())
	if lines > 0 {
		t.printf("\n")
	}
	for _, line := range left.lines() {
		t.printf("%s\n", t.paint(faint, line))
	}
	t.printf("%s\n", summary)
}

// Drift writes what moved behind vpnd's back, from what vpnd left to what is
// there now: the way back of the changes that would put it right. What merely
// follows them did not move and is left out.
func (t Text) Drift(p *engine.Plan) {
	moved := moved(p)
	t.page(driftSummary(p, len(moved)), func(t Text) (left hidden) {
		more := t.problems(p)
		if t.Long {
			t.everyMove(moved)
		} else {
			left = t.brief(moved, wandered)
		}
		left.more = left.more || more
		t.Notes(p)
		return left
	})
}

func (t Text) everyMove(moved []engine.Change) {
	t.changes(moved, func(c engine.Change) {
		t.head(moves[c.Action], c.ID, moveWords(c))
		if c.Action != engine.Create {
			t.diffs(Reversed(c.Diffs), false)
		}
	})
}

func moved(p *engine.Plan) []engine.Change {
	var moved []engine.Change
	for _, c := range p.Changes {
		if c.Reason == engine.Drift || c.Reason == engine.Renewal {
			moved = append(moved, c)
		}
	}
	return moved
}

// moves are the signs of what others did: what vpnd would create is gone.
var moves = map[engine.Action]sign{
	engine.Create: {"-", red},
	engine.Update: {"~", yellow},
}

// Reversed are diffs the other way: what a repair undoes is what moved.
func Reversed(diffs []resource.Diff) []resource.Diff {
	back := make([]resource.Diff, len(diffs))
	for i, d := range diffs {
		back[i] = d.Reversed()
	}
	return back
}

// changes writes each change under its block.
func (t Text) changes(changes []engine.Change, write func(engine.Change)) {
	var block string
	for _, c := range changes {
		if head := heading(c); head != block {
			block = head
			t.printf("%s\n", t.paint(bold, head))
		}
		write(c)
	}
}

func (t Text) head(s sign, id resource.ID, words string) {
	t.printf("  %s %s  %s\n", t.paint(s.color, s.text), id, t.paint(faint, "("+words+")"))
}

// problems writes what could not be looked at, before all else: whoever sees that
// may not want the rest. One cause often hides many things.
func (t Text) problems(p *engine.Plan) (more bool) {
	for i, problem := range p.Problems {
		if i == mostAlike && !t.Long {
			t.printf("%s and %d more\n", t.paint(red, "?"), len(p.Problems)-i)
			return true
		}
		t.printf("%s %s is unknown and left alone: %s\n", t.paint(red, "?"), problem.ID, clean(problem.Err.Error()))
	}
	return false
}

// Notes writes what people should know besides what changes.
func (t Text) Notes(p *engine.Plan) {
	for _, n := range p.Notes {
		text := about(n.ID) + ": " + clean(n.Text)
		if t.Width > 40 {
			text = wordwrap.WrapString(text, uint(t.Width-len("note: ")))
		}
		t.printf("%s %s\n", t.paint(yellow, "note:"), strings.ReplaceAll(text, "\n", "\n      "))
	}
}

// about names what a note is about: a resource, or a whole kind.
func about(id resource.ID) string {
	if id.Name == "" {
		return id.Kind
	}
	return id.String()
}

// heading names the blocks that ask for a change and where they stand.
func heading(c engine.Change) string {
	if len(c.Owners) == 0 {
		return "no longer in the configuration"
	}
	var head string
	for i, o := range c.Owners {
		if i > 0 {
			head += ", "
		}
		head += o.Block.String()
		if o.File != "" {
			head += fmt.Sprintf("  %s:%d", clean(o.File), o.Line)
		}
	}
	return head
}

// fresh says whether nothing stands there yet, so that there is no before.
func fresh(c engine.Change) bool {
	for _, d := range c.Diffs {
		if d.Before != "" {
			return false
		}
	}
	return c.Action != engine.Update
}

func (t Text) paint(color, s string) string {
	if !t.Color || color == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

func (t Text) printf(format string, args ...any) { _, _ = fmt.Fprintf(t.W, format, args...) }

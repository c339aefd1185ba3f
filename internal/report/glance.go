package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// planned is a change of a plan in the short form.
func planned(c engine.Change) entry {
	e := entry{sign: signs[c.Action], ids: []resource.ID{c.ID}, words: whyBriefly(c)}
	e.frame = e.words == "" && frames(c)
	switch {
	case c.Action == engine.Remove || c.Action == engine.Refresh:
	case fresh(c), c.Reason == engine.TakesOver && !loses(c.Diffs), !c.IsDrift && switchesOn(c.Diffs):
		e.facts = facts(c.Diffs, columns-utf8.RuneCountInString(c.ID.String())-len("  +   "))
	default:
		e.told(c.Diffs)
	}
	return e
}

// frames says whether a thing comes or goes that is nothing but who may use it.
func frames(c engine.Change) bool {
	return (c.Action == engine.Remove || fresh(c)) && len(c.Diffs) > 0 &&
		!slices.ContainsFunc(c.Diffs, func(d resource.Diff) bool { return !d.Meta })
}

// loses says whether something that stood there is written over, apart from
// switches: who takes over a service wants to know that it runs now.
func loses(diffs []resource.Diff) bool {
	return slices.ContainsFunc(diffs, func(d resource.Diff) bool {
		return !d.Computed && d.Before != "" && d.Before != "[]" && d.Before != "true" && d.Before != "false"
	})
}

// switchesOn says whether nothing differs but switches that people look for, all of
// them off before.
func switchesOn(diffs []resource.Diff) bool {
	return len(diffs) > 0 && !slices.ContainsFunc(diffs, func(d resource.Diff) bool {
		return !d.Glance || d.Before != "false" || d.After != "true"
	})
}

// wandered is a drift in the short form, the way it went.
func wandered(c engine.Change) entry {
	e := entry{sign: moves[c.Action], ids: []resource.ID{c.ID}, words: moveWords(c)}
	if c.Action != engine.Create {
		e.told(Reversed(c.Diffs))
	}
	return e
}

// told has an entry tell what differs, on its line where that is one word.
func (e *entry) told(diffs []resource.Diff) {
	diffs = telling(diffs)
	if len(diffs) == 1 && oneWord(diffs[0]) {
		d := diffs[0]
		e.facts = label(d) + ": " + short(d.Before, 0) + " → " + short(d.After, 0)
		return
	}
	e.diffs = diffs
}

// telling leaves out what vpnd computes, unless people look for it or nothing
// else differs. That a thing is no longer as it should be is what a change says
// anyway.
func telling(diffs []resource.Diff) []resource.Diff {
	written := slices.DeleteFunc(slices.Clone(diffs), func(d resource.Diff) bool { return d.Computed && !d.Glance })
	if len(written) > 0 {
		return written
	}
	return slices.DeleteFunc(slices.Clone(diffs), func(d resource.Diff) bool {
		return verdict(d) || d.Sensitive || strings.Contains(d.Before+d.After, "\n")
	})
}

// verdict says whether a diff tells no more than that something is right or
// wrong.
func verdict(d resource.Diff) bool {
	yes := func(s string) bool { return s == "true" || s == "false" }
	return d.Computed && (yes(d.Before) || yes(d.After))
}

// oneWord says whether both sides of a diff fit on the line of their thing.
func oneWord(d resource.Diff) bool {
	return !d.Sensitive && len(d.Was)+len(d.Now) == 0 && !strings.Contains(d.Before+d.After, "\n") &&
		utf8.RuneCountInString(label(d)+d.Before+d.After) < columns/2
}

// facts is what people look for in a new thing, on one line of that width where
// that can be done.
func facts(diffs []resource.Diff, width int) string {
	var long, brief []string
	for _, d := range diffs {
		if d.Glance && d.After != "" && d.After != "[]" && !verdict(d) { // what is new is as it should be
			long, brief = append(long, fact(d, true)), append(brief, fact(d, false))
		}
	}
	if line := strings.Join(long, ", "); utf8.RuneCountInString(line) <= width {
		return line
	}
	return strings.Join(brief, ", ")
}

// fact is one attribute of a new thing; what is long is counted, unless it is
// one item that there is room for.
func fact(d resource.Diff, room bool) string {
	count := len(slices.Collect(strings.Lines(d.After)))
	switch {
	case d.Sensitive:
		return label(d) + ": " + resource.Masked
	case d.After == "true":
		return label(d)
	case d.After == "false":
		return "not " + label(d)
	case len(d.Now) == 1 && room:
		return short(d.Now[0], 0)
	case len(d.Now) > 0:
		return number(len(d.Now), label(d))
	case d.Text && (count > 1 || !room):
		return Count(count, "line")
	}
	value := []rune(short(strings.TrimSuffix(d.After, "\n"), 0))
	if len(value) > columns/2 && !room {
		value = append(value[:columns/2], '…')
	}
	return label(d) + ": " + string(value)
}

// number counts by an attribute that is named for many: 1 rule, 2 rules.
func number(n int, many string) string {
	if n == 1 {
		one, double := strings.CutSuffix(many, "sses")
		many = strings.TrimSuffix(one, "s")
		if double {
			many = one + "ss"
		}
	}
	return fmt.Sprintf("%d %s", n, many)
}

// label is what people are told instead of the name of an attribute.
func label(d resource.Diff) string {
	if d.Words != "" {
		return d.Words
	}
	return d.Attribute
}

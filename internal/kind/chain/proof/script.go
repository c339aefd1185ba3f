package proof

import (
	"slices"
	"strings"

	"vpnd/internal/kind/chain/ruleset"
	"vpnd/internal/kind/chain/syntax"
)

// A Wish is a chain to be proved.
type Wish struct {
	syntax.Spot
	Name     string
	Hook, At string
	Rules    []string
}

// A line is one rule of a wish.
type line struct {
	of    *Wish
	index int
}

func linesOf(wishes []*Wish) []line {
	var lines []line
	for _, w := range wishes {
		for i := range w.Rules {
			lines = append(lines, line{of: w, index: i})
		}
	}
	return lines
}

// script returns the input of iptables-restore that makes the chains, with
// others that they lead to, and of their rules only the lines.
func script(wishes []*Wish, others []syntax.Spot, lines []line) string {
	return scriptOf(wishes, others, lines, false)
}

// scriptOf is script, with marks behind the lines that may become several rules
// where it is to be seen which did.
func scriptOf(wishes []*Wish, others []syntax.Spot, lines []line, marked bool) string {
	declared := make(map[string][]string)
	bodies := make(map[string][]string)
	for _, o := range others {
		declared[o.Table] = append(declared[o.Table], ":"+o.Chain+" - [0:0]")
	}
	for _, w := range wishes {
		declared[w.Table] = append(declared[w.Table], ":"+w.Chain+" - [0:0]")
		switch {
		case w.Hook == "":
		case w.At == ruleset.Bottom:
			bodies[w.Table] = append(bodies[w.Table], "-A "+w.Hook+" "+ruleset.BottomJump(w.Chain))
		default:
			bodies[w.Table] = append(bodies[w.Table], "-A "+w.Hook+" "+ruleset.TopJump(w.Chain))
		}
	}
	for _, l := range lines {
		bodies[l.of.Table] = append(bodies[l.of.Table], "-A "+l.of.Chain+" "+l.words())
		if marked && multiplies(l.words()) {
			bodies[l.of.Table] = append(bodies[l.of.Table], "-A "+l.of.Chain+" "+end)
		}
	}
	var b strings.Builder
	for _, table := range syntax.Tables {
		if len(declared[table]) == 0 {
			continue
		}
		b.WriteString("*" + table + "\n")
		for _, text := range slices.Concat(declared[table], bodies[table]) {
			b.WriteString(text + "\n")
		}
		b.WriteString("COMMIT\n")
	}
	return b.String()
}

// filter returns the items that keep is true of.
func filter[T any](items []T, keep func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !keep(item) })
}

package status

import (
	"unicode/utf8"

	"vpnd/internal/report"
	"vpnd/internal/resource"
)

// How much of one value a record quotes, in bytes: of a long text or list only
// what moved, with a little around it.
const (
	brief  = 200
	around = 40
	most   = 400
)

// Shortened returns diffs fit for a journal: of lists the items that moved, and
// long values are cut to what moved. Secrets are masked already.
func Shortened(diffs []resource.Diff) []resource.Diff {
	short := make([]resource.Diff, len(diffs))
	for i, d := range diffs {
		d.Before, d.After = named(d.Before), named(d.After)
		list, ok := report.Narrowed(d)
		if short[i] = list; !ok {
			short[i].Before, short[i].After = narrow(d.Before, d.After)
		}
	}
	return short
}

// narrow cuts what two long texts have in common at their ends.
func narrow(a, b string) (string, string) {
	if len(a) <= brief && len(b) <= brief {
		return a, b
	}
	limit := min(len(a), len(b))
	head := 0
	for head < limit && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < limit-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return excerpt(a, head-around, len(a)-tail+around), excerpt(b, head-around, len(b)-tail+around)
}

// excerpt returns s from one byte to another, with marks where it was cut, on
// the borders of characters.
func excerpt(s string, from, to int) string {
	from, to = max(from, 0), min(to, len(s))
	to = min(to, from+most)
	for from > 0 && !utf8.RuneStart(s[from]) {
		from--
	}
	for to < len(s) && !utf8.RuneStart(s[to]) {
		to++
	}
	cut := s[from:to]
	if from > 0 {
		cut = "…" + cut
	}
	if to < len(s) {
		cut += "…"
	}
	return cut
}

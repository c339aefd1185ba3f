package report

import (
	"cmp"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

// Moved says in one line what moved, from what to what: what is there and what
// shall be.
func Moved(diffs []resource.Diff) string {
	return inOneLine(diffs, "missing", "not asked for", func(d resource.Diff) string {
		if d.Before == "" {
			return label(d) + " " + short(d.After, 0) + " is missing"
		}
		return label(d) + " " + short(d.Before, 0) + " instead of " + short(d.After, 0)
	})
}

// Story is Moved for people: that a thing is no longer as it should be is what they
// are told of anyway, and said only where nothing else is.
func Story(diffs []resource.Diff) string {
	if rest := spoken(diffs); len(rest) > 0 || len(diffs) == 0 {
		return Moved(rest)
	}
	return "not as it should be"
}

// spoken leaves verdicts out.
func spoken(diffs []resource.Diff) []resource.Diff {
	return slices.DeleteFunc(slices.Clone(diffs), verdict)
}

// Becomes says in one line what a change of the configuration makes of what.
func Becomes(diffs []resource.Diff) string {
	return inOneLine(spoken(diffs), "new", "no longer", func(d resource.Diff) string {
		switch {
		case d.Before == "":
			return label(d) + " " + short(d.After, 0)
		case d.After == "":
			return label(d) + " no longer " + short(d.Before, 0)
		default:
			return label(d) + " from " + short(d.Before, 0) + " to " + short(d.After, 0)
		}
	})
}

// inOneLine puts together what say says of each attribute, and of lists which
// items come and which go. Of secrets nobody is told more than that they are
// others.
func inOneLine(diffs []resource.Diff, comes, goes string, say func(resource.Diff) string) string {
	var words []string
	for _, d := range diffs {
		d = itemized(d)
		came, went := apart(d)
		switch {
		case d.Sensitive:
			words = append(words, label(d)+" "+resource.Masked)
		case len(came)+len(went) > 0:
			words = append(words, label(d)+": "+strings.Join(append(told(comes, came), told(goes, went)...), "; "))
		default:
			words = append(words, say(d))
		}
	}
	return strings.Join(words, ", ")
}

func told(word string, items []string) []string {
	if len(items) == 0 {
		return nil
	}
	for i, item := range items {
		items[i] = short(item, 0)
	}
	return []string{word + " " + strings.Join(items, ", ")}
}

// itemized gives a diff that was written down its items and lines back.
func itemized(d resource.Diff) resource.Diff {
	if d.Was != nil || d.Now != nil || d.Sensitive {
		return d
	}
	was, before := resource.Items(d.Before)
	now, after := resource.Items(d.After)
	if (before || d.Before == "") && (after || d.After == "") {
		d.Was, d.Now = was, now
	}
	d.Text = d.Text || strings.Contains(d.Before+d.After, "\n")
	return d
}

// apart returns which items of a list come and which go.
func apart(d resource.Diff) (came, went []string) {
	went = slices.Clone(d.Was)
	for _, item := range d.Now {
		if i := slices.Index(went, item); i >= 0 {
			went = slices.Delete(went, i, i+1)
		} else {
			came = append(came, item)
		}
	}
	return came, went
}

// Diffs writes attributes below a thing, from what to what, also of diffs that were
// written down. What vpnd computes is left out as in the short form of a plan.
func (t Text) Diffs(diffs []resource.Diff) {
	for _, d := range telling(diffs) {
		t.diff(itemized(d), false)
	}
}

// mostItems is how many items of a list a record keeps.
const mostItems = 20

// Narrowed leaves out of the diff of a list what is on both sides, unless only
// the order differs, and what is too much for a record. It says whether it was a
// list.
func Narrowed(d resource.Diff) (resource.Diff, bool) {
	came, went := apart(d)
	if d.Sensitive || len(came)+len(went) == 0 {
		return d, false
	}
	if _, ok := resource.Items(cmp.Or(d.Before, d.After)); !ok {
		return d, false
	}
	d.Was, d.Now = went[:min(len(went), mostItems)], came[:min(len(came), mostItems)]
	d.Before, d.After = listOf(d.Before, d.Was), listOf(d.After, d.Now)
	return d, true
}

// listOf writes a side of a diff; a side that is not there stays so.
func listOf(side string, items []string) string {
	if side == "" {
		return ""
	}
	return resource.List(items)
}

package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the name most like what was written, or "" where none comes
// near.
func nearest(given string, names []string) string {
	best, least := "", max(2, len(given)/3)+1
	for _, name := range names {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(name), nil); d < least {
			best, least = name, d
		}
	}
	return best
}

// suggest returns a sentence that helps somebody who wrote a name that does
// not exist: the nearest one, or all where they are few.
func suggest(given string, names []string) string {
	if name := nearest(given, names); name != "" {
		return fmt.Sprintf(" Did you mean %q?", name)
	}
	if len(names) == 0 || len(names) > 8 {
		return ""
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return " There is " + enumerate(names, "and") + "."
}

// suggest does the same, as long as anybody reads it.
func (l *loader) suggest(given string, names func() []string) string {
	if l.full() {
		return ""
	}
	return suggest(given, names())
}

// enumerate writes a list as a sentence does: a, b and c.
func enumerate(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

package diag

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the name most like what was written, or "" where none comes
// near.
func Nearest(given string, names []string) string {
	best, least := "", max(2, len(given)/3)+1
	for _, name := range names {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(name), nil); d < least {
			best, least = name, d
		}
	}
	return best
}

// Suggest returns a sentence that helps somebody who wrote a name that does
// not exist: the nearest one, or all where they are few.
func Suggest(given string, names []string) string {
	if name := Nearest(given, names); name != "" {
		return fmt.Sprintf(" Did you mean %q?", name)
	}
	if len(names) == 0 || len(names) > 8 {
		return ""
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return " There is " + Enumerate(names, "and") + "."
}

// Enumerate writes a list as a sentence does: a, b and c.
func Enumerate(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

// A begins a sentence with a noun and its article.
func A(noun string) string {
	word := Article(noun)
	return strings.ToUpper(word[:1]) + word[1:] + " " + noun
}

// Article returns the article of a noun: "a" or "an".
func Article(noun string) string {
	if strings.ContainsRune("aeio", rune(noun[0])) {
		return "an"
	}
	return "a"
}

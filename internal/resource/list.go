package resource

import (
	"sort"
	"strconv"
	"strings"
)

// Items returns the items of a list of strings as a [Diff] writes it, and false
// of anything else, a list that was shortened included.
func Items(text string) (items []string, ok bool) {
	rest, ok := strings.CutPrefix(text, "[")
	for ok && rest != "]" {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return nil, false
		}
		item, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, false
		}
		items = append(items, item)
		rest = rest[len(quoted):]
		if more, again := strings.CutPrefix(rest, ", "); again && more != "]" {
			rest = more
		} else if rest != "]" {
			return nil, false
		}
	}
	return items, ok
}

// List writes items as a [Diff] writes a list of strings.
func List(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = strconv.Quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// Sort is [slices.SortFunc] for lists of structs that are short: there is one of it for
// all types, where that makes some twenty kilobytes of code for each.
func Sort[T any](list []T, compare func(a, b T) int) {
	sort.Slice(list, func(i, j int) bool { return compare(list[i], list[j]) < 0 })
}

// SortStable is [Sort] that leaves alone what is alike.
func SortStable[T any](list []T, compare func(a, b T) int) {
	sort.SliceStable(list, func(i, j int) bool { return compare(list[i], list[j]) < 0 })
}

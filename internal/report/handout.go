package report

import (
	"fmt"
	"slices"
	"strings"

	"vpnd/internal/engine"
)

// mostNames is how many people are named where many are counted.
const mostNames = 5

// Names writes who they are and, where there are more, how many: alice, bob (12 in
// all).
func Names(all []string) string {
	names := slices.Compact(slices.Sorted(slices.Values(all)))
	if len(names) <= mostNames {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s (%d in all)", strings.Join(names[:mostNames], ", "), len(names))
}

// HandOut says who still needs a new profile, and how that is done; it is empty
// where nobody does.
func HandOut(holders []string) string {
	if len(holders) == 0 {
		return ""
	}
	return fmt.Sprintf("Needs a new profile: %s. vpnd client export hands it out and notes that.", Names(holders))
}

// Waiting returns who waits for a new profile since an earlier apply.
func Waiting(p *engine.Plan) []string {
	return holders(p, func(h engine.Handout) bool { return !h.Since.IsZero() })
}

func holders(p *engine.Plan, which func(engine.Handout) bool) []string {
	var names []string
	for _, h := range p.Handouts() {
		if which(h) {
			names = append(names, h.Holder)
		}
	}
	return names
}

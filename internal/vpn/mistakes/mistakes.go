// Package mistakes collects what is wrong with a block, in the words that all blocks
// use of the same thing.
package mistakes

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"vpnd/internal/resource"
)

// A Check collects what is found. The zero one has found nothing.
type Check struct {
	Block string // the nested block that all paths are below; "" for none
	Found []resource.Mistake
}

// Add notes a mistake at the attribute of a path, with the way out and what is wrong.
func (c *Check) Add(path, hint, format string, args ...any) {
	c.Found = append(c.Found, resource.Mistake{Path: c.below(path), Summary: fmt.Sprintf(format, args...), Hint: hint})
}

// Warn notes what is no mistake, and yet hardly meant.
func (c *Check) Warn(path, hint, format string, args ...any) {
	c.Add(path, hint, format, args...)
	c.Found[len(c.Found)-1].Warning = true
}

func (c *Check) below(path string) string {
	return strings.Trim(c.Block+"."+path, ".")
}

// Failed says whether there is more than warnings.
func (c *Check) Failed() bool {
	return slices.ContainsFunc(c.Found, func(m resource.Mistake) bool { return !m.Warning })
}

// OneOf wants one of some words.
func (c *Check) OneOf(path, got string, words ...string) {
	if !slices.Contains(words, got) {
		c.Add(path, "use one of "+strings.Join(words, ", "), "%q is none of its words", got)
	}
}

// Between wants a number within bounds, both included.
func (c *Check) Between(path string, got *int, low, high int) {
	if got != nil && (*got < low || *got > high) {
		c.Add(path, fmt.Sprintf("use a number from %d to %d", low, high), "%d is out of range", *got)
	}
}

// Masked wants networks, not addresses within them.
func (c *Check) Masked(path string, networks []netip.Prefix) {
	for _, p := range networks {
		if p != p.Masked() {
			c.Add(path, fmt.Sprintf("write %s", p.Masked()), "%s has bits set behind its prefix", p)
		}
	}
}

// Path wants the path of a file or directory.
func (c *Check) Path(path string, file *string) {
	if file == nil {
		return
	}
	if !strings.HasPrefix(*file, "/") || HasControl(*file) || strings.Contains(*file+"/", "/../") {
		c.Add(path, "write it from the root, without .. and without control characters", "%q is no absolute path", *file)
	}
}

// HasControl says whether a text has characters that are no text.
func HasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

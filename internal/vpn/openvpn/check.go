package openvpn

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"vpnd/internal/resource"
)

var (
	isName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
	isAccount = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
	isWord    = regexp.MustCompile(`^[A-Za-z0-9._@-]+$`)
)

// check collects mistakes.
type check struct{ found []resource.Mistake }

func (c *check) add(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: summary, Hint: hint})
}

func (c *check) warn(path, summary, hint string) {
	c.found = append(c.found, resource.Mistake{Path: path, Summary: summary, Hint: hint, Warning: true})
}

// failed says whether there is more than warnings.
func (c *check) failed() bool {
	return slices.ContainsFunc(c.found, func(m resource.Mistake) bool { return !m.Warning })
}

func (c *check) oneOf(path, got string, words ...string) {
	if !slices.Contains(words, got) {
		c.add(path, fmt.Sprintf("%q is none of its words", got), "use one of "+strings.Join(words, ", "))
	}
}

func (c *check) between(path string, got *int, low, high int) {
	if got != nil && (*got < low || *got > high) {
		c.add(path, fmt.Sprintf("%d is out of range", *got), fmt.Sprintf("use a number from %d to %d", low, high))
	}
}

// path checks the path of a file or directory.
func (c *check) path(attribute string, path *string) {
	if path == nil {
		return
	}
	if !strings.HasPrefix(*path, "/") || hasControl(*path) || strings.Contains(*path+"/", "/../") {
		c.add(attribute, fmt.Sprintf("%q is no absolute path", *path), "write it from the root, without .. and without control characters")
	}
}

func (c *check) masked(path string, networks []netip.Prefix) {
	for _, p := range networks {
		if p != p.Masked() {
			c.add(path, fmt.Sprintf("%s has bits set behind its prefix", p), fmt.Sprintf("write %s", p.Masked()))
		}
	}
}

// words checks names of ciphers and the like, which are joined by colons.
func (c *check) words(path string, words []string) {
	for _, w := range words {
		if !isWord.MatchString(w) {
			c.add(path, fmt.Sprintf("%q is no such name", w), "write one name an entry, of letters, digits and dashes")
		}
	}
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

package openvpn

import (
	"regexp"

	"vpnd/internal/vpn/mistakes"
)

var (
	isName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)
	isDevice  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,15}$`)
	isAccount = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
	isWord    = regexp.MustCompile(`^[A-Za-z0-9._@-]+$`)
)

// check collects mistakes.
type check struct{ mistakes.Check }

// words checks names of ciphers and the like, which are joined by colons.
func (c *check) words(path string, words []string) {
	for _, w := range words {
		if !isWord.MatchString(w) {
			c.Add(path, "write one name an entry, of letters, digits and dashes", "%q is no such name", w)
		}
	}
}

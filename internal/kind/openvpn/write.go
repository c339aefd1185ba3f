package openvpn

import (
	"regexp"
	"strings"
)

// plain are arguments that OpenVPN reads as they stand.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@+,=?%\[\]-]+$`)

// Quote is the one place where text becomes an argument of a directive, by the rules
// of openvpn(8): within double quotes only the backslash and the quote itself are
// special. Control characters have no way to be written; whoever calls refuses them.
func Quote(arg string) string {
	if plain.MatchString(arg) {
		return arg
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(arg) + `"`
}

// Line writes a directive; each argument stays one.
func Line(name string, args ...string) string {
	line := name
	for _, arg := range args {
		line += " " + Quote(arg)
	}
	return line
}

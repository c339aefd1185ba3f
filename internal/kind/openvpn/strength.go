package openvpn

import (
	"slices"
	"strings"
)

// weak are beginnings of ciphers that OpenSSL 3 refuses, most of them since
// their blocks of 64 bits give plain text away (Sweet32).
var weak = []string{"BF", "DES", "RC2", "RC4", "RC5", "CAST", "IDEA"}

// Weak says whether a cipher is one that OpenSSL 3 refuses.
func Weak(cipher string) bool {
	return slices.ContainsFunc(weak, func(w string) bool { return strings.HasPrefix(strings.ToUpper(cipher), w) })
}

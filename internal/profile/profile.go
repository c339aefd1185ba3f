// Package profile gives a profile, as a server's block makes it, the form in which a
// person takes it in: PKCS #12 for the key stores of phones and systems, and a QR code
// where it is small enough. It is pure.
package profile

import (
	"bytes"
	"fmt"
	"strings"
)

// open and closing are the tags around what a profile of OpenVPN holds of files.
func opening(tag string) []byte { return []byte("\n<" + tag + ">\n") }
func closing(tag string) []byte { return []byte("\n</" + tag + ">\n") }

// inline returns what stands between the tags of that name; nil where there are none.
func inline(profile []byte, tag string) []byte {
	_, rest, ok := bytes.Cut(profile, opening(tag))
	if !ok {
		return nil
	}
	text, _, ok := bytes.Cut(rest, closing(tag))
	if !ok {
		return nil
	}
	return append(text[:len(text):len(text)], '\n')
}

// Beside returns a profile of OpenVPN without the certificate and the key, which are in
// a file of PKCS #12 of that name.
func Beside(profile []byte, p12 string) []byte {
	for _, tag := range []string{"cert", "key"} {
		before, rest, ok := bytes.Cut(profile, opening(tag))
		if !ok {
			continue
		}
		if _, after, ok := bytes.Cut(rest, closing(tag)); ok {
			profile = append(append(before[:len(before):len(before)], '\n'), after...)
		}
	}
	word := strings.NewReplacer("\\", "\\\\", `"`, `\"`).Replace(p12)
	first, rest, _ := bytes.Cut(profile, []byte("\n"))
	return fmt.Appendf(nil, "%s\n# The certificate and the key are in the file %s, which is to be imported too.\n# Where they lie side by side, as for openvpn(8): pkcs12 \"%s\"\n%s", first, printable(p12), printable(word), rest)
}

// printable has no line end a name could go on after.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

package proposal

import (
	"slices"
	"strings"
)

// plainer returns what a word as people, standards or Amazon write it is called in
// strongSwan, empty where it is no such word.
func plainer(word string) string {
	for _, in := range []func(string) string{blockCipher, sha, curve, bareMod, numbered} {
		if name := in(word); name != "" {
			return name
		}
	}
	switch word {
	case "chacha20-poly1305":
		return "chacha20poly1305"
	case "3des-cbc":
		return "3des"
	}
	return ""
}

// blockCipher reads AES-256-GCM-16 and the like. CBC is what a cipher is without a
// mode, and a check value has 16 bytes unless it is told otherwise.
func blockCipher(word string) string {
	name, rest := begin(word, "aes", "camellia")
	key, rest := begin(dashed(rest), keys...)
	if name == "" || key == "" {
		return ""
	}
	if rest == "" {
		return name + key
	}
	mode, rest := begin(dashed(rest), "cbc", "ctr", "ccm", "gcm")
	size := ""
	if rest != "" {
		if size, rest = begin(dashed(rest), icvs...); size == "" {
			return ""
		}
	}
	switch {
	case mode == "" || rest != "":
		return ""
	case mode == "cbc":
		mode = ""
	case mode != "ctr" && size == "":
		size = "16"
	}
	return name + key + mode + size
}

// sha reads SHA-384, SHA2-384, HMAC-SHA-1-96 and the like.
func sha(word string) string {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(word, "hmac-"), "sha")
	rest = dashed(rest)
	switch size := strings.TrimPrefix(rest, "2-"); {
	case !ok:
		return ""
	case rest == "1" || rest == "1-96":
		return "sha1"
	case slices.Contains([]string{"256", "384", "512"}, size):
		return "sha" + size
	}
	return ""
}

// curve reads P-384, as NIST calls it.
func curve(word string) string {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(word, "nist"), "p")
	if size := dashed(rest); ok && slices.Contains([]string{"256", "384", "521"}, size) {
		return "ecp" + size
	}
	return ""
}

// bareMod reads MODP-2048.
func bareMod(word string) string {
	size, ok := strings.CutPrefix(word, "modp-")
	if ok && isNumber(size) && (len(size) == 3 || len(size) == 4) {
		return "modp" + size
	}
	return ""
}

// numbered reads group 20, dh20 and the like, of which strongSwan has the name.
func numbered(word string) string {
	number, _ := groupNumber(word)
	return groups[number]
}

func groupNumber(word string) (number string, ok bool) {
	name, rest := begin(word, "dhgroup", "group", "dh")
	if rest = dashed(rest); name == "" || !isNumber(rest) || len(rest) > 2 {
		return "", false
	}
	return rest, true
}

func isNumber(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// begin takes off the first of some words that a text begins with; none is empty.
func begin(text string, words ...string) (word, rest string) {
	for _, word := range words {
		if rest, ok := strings.CutPrefix(text, word); ok {
			return word, rest
		}
	}
	return "", text
}

// dashed takes off the dash that may stand between two parts of a word.
func dashed(text string) string { return strings.TrimPrefix(text, "-") }

package memory

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// seal puts the digest of a text before it, which tells later whether the text is
// as it was written.
func seal(text string) []byte { return []byte(digest(text) + "\n" + text) }

// unseal returns the text of what seal made; whole is false where it was cut short
// or written over.
func unseal(data []byte) (text string, whole bool) {
	head, text, _ := strings.Cut(string(data), "\n")
	return text, head == digest(text)
}

func digest(texts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(texts, "\n"))))
}

package lab

import (
	"bytes"
	"os"
	"strings"
)

// A tail is a writer that remembers the last lines it was given.
type tail struct{ text []byte }

// tailSize is some twenty lines: enough to see why a boot failed.
const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.text = cut(append(t.text, p...))
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.text)) }

// tailOf is the last lines of what a terminal was sent, from a file, or why
// that can't be read.
func tailOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(cut(bytes.ReplaceAll(text, []byte("\r"), nil))))
}

// cut shortens text to its last whole lines.
func cut(text []byte) []byte {
	if len(text) <= tailSize {
		return text
	}
	text = text[len(text)-tailSize:]
	return text[bytes.IndexByte(text, '\n')+1:]
}

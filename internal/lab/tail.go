package lab

import (
	"bytes"
	"os"
	"strings"
	"sync"
)

// A tail is a writer that remembers the last lines it was given.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailSize is some twenty lines: enough to see why a boot failed.
const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = cut(append(t.text, p...))
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// tailOf is the last lines of a file, or why it can't be read.
func tailOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(cut(text)))
}

// cut shortens text to its last whole lines.
func cut(text []byte) []byte {
	if len(text) <= tailSize {
		return text
	}
	text = text[len(text)-tailSize:]
	return text[bytes.IndexByte(text, '\n')+1:]
}

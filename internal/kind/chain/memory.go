package chain

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A memory holds the last rehearsal of a family and backend: one file, so that
// it never grows, made of a line with the digests of what was asked and of
// what was answered, and the answer.
type memory struct {
	file string
	key  string
}

// databases are where iptables looks up the names of users, groups, protocols
// and ports. A rehearsal is no proof any more when one of them has changed.
var databases = []string{"/etc/passwd", "/etc/group", "/etc/protocols", "/etc/services"}

func (v Verbs) memory(t *tool, sets []ipset, input string) memory {
	if v.Cache == "" {
		return memory{}
	}
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	h := sha256.New()
	fmt.Fprintln(h, t.family, t.backend, t.version, unix.ByteSliceToString(kernel.Release[:]), sets)
	for _, path := range databases {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
	}
	fmt.Fprint(h, input)
	return memory{file: filepath.Join(v.Cache, "rules-"+t.family+"-"+t.backend), key: fmt.Sprintf("%x", h.Sum(nil))}
}

// recall returns the answer where the same was asked last.
func (m memory) recall() (string, bool) {
	if m.file == "" {
		return "", false
	}
	// A file that can't be read is as good as none.
	data, err := os.ReadFile(m.file)
	if err != nil {
		return "", false
	}
	head, text, _ := strings.Cut(string(data), "\n")
	return text, head == m.head(text)
}

// keep remembers an answer. That it could not is no error: the next rehearsal
// takes a moment longer. Nothing waits for the disk, since the digest tells
// what was cut short.
func (m memory) keep(text string) {
	if m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(m.file), ".rules-*") // 0600
	if err != nil {
		return
	}
	_, err = f.WriteString(m.head(text) + "\n" + text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), m.file) != nil {
		_ = os.Remove(f.Name())
	}
}

func (m memory) head(text string) string {
	return fmt.Sprintf("%s %x", m.key, sha256.Sum256([]byte(text)))
}

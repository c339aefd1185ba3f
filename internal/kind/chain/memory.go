package chain

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A memory holds the last rehearsal of a family and backend: one file, so that
// it never grows, made of a line with the digests of what was asked, of the
// same in the words of the answer, and of the answer, and the answer. An apply
// asks in those words, and the next plan in the first ones again.
type memory struct {
	file string
	room string // digest of all that an answer depends on besides what is asked
}

// databases are where iptables looks up the names of users, groups, protocols
// and ports. A rehearsal is no proof any more when one of them has changed, or
// iptables itself.
var databases = []string{"/etc/passwd", "/etc/group", "/etc/protocols", "/etc/services"}

func (v Verbs) memory(t *tool, sets []ipset) memory {
	if v.Cache == "" {
		return memory{}
	}
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	h := sha256.New()
	fmt.Fprintln(h, t.family, t.backend, unix.ByteSliceToString(kernel.Release[:]), sets)
	for _, path := range append([]string{t.restore}, databases...) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
	}
	return memory{file: filepath.Join(v.Cache, "rules-"+t.family+"-"+t.backend), room: fmt.Sprintf("%x", h.Sum(nil))}
}

// recall returns the answer where the same was asked last.
func (m memory) recall(input string) (string, bool) {
	if m.file == "" {
		return "", false
	}
	// A file that can't be read is as good as none.
	data, err := os.ReadFile(m.file)
	if err != nil {
		return "", false
	}
	head, text, _ := strings.Cut(string(data), "\n")
	words := strings.Split(head, " ")
	return text, len(words) == 3 && words[2] == digest(text) && slices.Contains(words[:2], digest(m.room, input))
}

// keep remembers the answer to what was asked, and to the same in its own
// words. That it could not is no error: the next rehearsal takes a moment
// longer. Nothing waits for the disk, nor is there a temporary that could be
// left behind, since the digest tells what was cut short.
func (m memory) keep(input, again, text string) {
	if m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	known := fmt.Sprintf("%s %s %s\n%s", digest(m.room, input), digest(m.room, again), digest(text), text)
	_ = os.WriteFile(m.file, []byte(known), 0o600)
}

func digest(texts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(texts, "\n"))))
}

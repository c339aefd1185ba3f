package memo

import (
	"bytes"
	"encoding/binary"
	"os"
	"time"

	"vpnd/internal/atomic"
)

// Saw remembers the answer to a question about the content of a file that was read as
// it was at a time, by the clock of the host, and says whether it does: of some files
// nobody can tell whether they have changed ([atomic.Info.Still]). Of each path one
// answer to a question is remembered, the last.
func (m *Memo) Saw(question, path string, as atomic.Info, looked time.Time, text string) bool {
	if m == nil || !as.Still(as, looked) || m.boot == "" {
		return false
	}
	m.learn(m.sighting(question, path), string(Marks(nil, as))+text)
	return true
}

// Still returns what Saw was told, where nothing of the file has changed since.
func (m *Memo) Still(question, path string, now atomic.Info) (string, bool) {
	if m == nil || m.boot == "" {
		return "", false
	}
	text, known := m.recall(m.sighting(question, path))
	marks := Marks(make([]byte, 0, 64), now)
	if !known || len(text) < len(marks) || text[:len(marks)] != string(marks) {
		return "", false
	}
	return text[len(marks):], true
}

// sighting is the key of what was found in a file. It is of this boot: while the host
// was off, its disk may have been changed without a trace.
func (m *Memo) sighting(question, path string) sum {
	return sumOf(m.seasoned(), "seen: "+question, [][]byte{[]byte(m.boot), []byte(path)})
}

// Marks appends all by which a change of a file shows. Nothing that it writes begins as
// something else that it writes.
func Marks(to []byte, i atomic.Info) []byte {
	for _, n := range [...]uint64{
		uint64(i.Mode), uint64(i.UID), uint64(i.GID), uint64(i.Size),
		uint64(i.Changed.UnixNano()), uint64(i.Modified.UnixNano()), i.Device, i.Inode,
	} {
		to = binary.AppendUvarint(to, n)
	}
	return to
}

// thisBoot is the kernel's name for this one, random(4); empty where it does not tell.
func thisBoot() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(id))
}

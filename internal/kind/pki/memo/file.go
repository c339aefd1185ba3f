package memo

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The file begins with the salt. Then come parts, each behind the digest of the salt and
// of itself, so that one that was cut short counts for nothing, and what follows it
// neither: whoever writes it need not wait for the disk. A part is its length and the
// answers, each behind its question and its length; of two answers to a question the
// later one counts. What is learnt is one more part: of tens of thousands of answers a
// change of the host brings a few.
const (
	saltSize   = 16
	partHead   = sha256.Size + lengthSize
	lengthSize = 8
)

// usual is about how many bytes an answer takes in the file.
const usual = 160

// Open returns what is remembered in a directory; an empty one has no file.
func Open(directory string) *Memo {
	if directory == "" {
		return &Memo{boot: thisBoot()}
	}
	return &Memo{boot: thisBoot(), file: filepath.Join(directory, "keys-and-signatures")}
}

// load reads the file and returns its salt, nil where there is none to go by.
func (m *Memo) load() []byte {
	file := m.read()
	if len(file) < saltSize {
		return nil
	}
	salt, text := file[:saltSize], file[saltSize:]
	m.known = make(map[sum]answer, len(text)/usual)
	for text != "" {
		part, rest, whole := cutPart(salt, text)
		if !whole || !m.take(part) {
			break
		}
		text = rest
	}
	if len(text) == len(file)-saltSize {
		return nil
	}
	m.end = int64(len(file) - len(text))
	return []byte(salt)
}

// cutPart returns what the first part of a text holds, and the text behind that.
func cutPart(salt, text string) (part, rest string, whole bool) {
	if len(text) < partHead {
		return "", "", false
	}
	var head [lengthSize]byte
	copy(head[:], text[sha256.Size:partHead])
	n := binary.BigEndian.Uint64(head[:])
	if n > uint64(len(text)-partHead) {
		return "", "", false
	}
	end := partHead + int(n)
	digest := digestOf(salt, text[sha256.Size:end])
	return text[partHead:end], text[end:], string(digest) == text[:sha256.Size]
}

func digestOf(salt, text string) []byte {
	digest := sha256.New()
	_, _ = io.WriteString(digest, salt)
	_, _ = io.WriteString(digest, text)
	return digest.Sum(nil)
}

// take learns the answers of a part, and says whether that holds nothing else.
func (m *Memo) take(part string) bool {
	for part != "" {
		var key sum
		if len(part) <= len(key) {
			return false
		}
		n, used := uvarint(part[copy(key[:], part):])
		if used <= 0 || n > uint64(len(part)-len(key)-used) {
			return false
		}
		end := len(key) + used + int(n)
		m.known[key] = answer{text: part[len(key)+used : end]}
		m.written++
		part = part[end:]
	}
	return true
}

// read returns what the file holds; nothing where somebody else may have written it.
func (m *Memo) read() string {
	if m.file == "" || !mine(os.Lstat(filepath.Dir(m.file))) {
		return ""
	}
	f, err := os.OpenFile(m.file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if !mine(info, err) {
		return ""
	}
	var all strings.Builder
	all.Grow(int(info.Size()))
	if _, err := io.Copy(&all, f); err != nil {
		return ""
	}
	return all.String()
}

// mine says whether nobody but this user may write there.
func mine(info os.FileInfo, err error) bool {
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// save writes what was learnt, where nobody else could lead it elsewhere by a link:
// behind what the file holds, or all that is known anew, where something else follows
// that, or most of it is stale.
func (m *Memo) save() {
	if os.MkdirAll(filepath.Dir(m.file), 0o700) != nil || !mine(os.Lstat(filepath.Dir(m.file))) {
		return
	}
	stale := m.written+len(m.fresh) > 2*len(m.known)+spare
	if m.end > 0 && !stale && m.write(os.O_APPEND, m.part(slices.Values(m.fresh), len(m.fresh))) {
		m.written += len(m.fresh)
		return
	}
	m.end = 0
	if m.write(os.O_CREATE|os.O_TRUNC, slices.Concat(m.salt, m.part(maps.Keys(m.known), len(m.known)))) {
		m.written = len(m.known)
	}
}

// part returns a part with the answers to n questions.
func (m *Memo) part(keys iter.Seq[sum], n int) []byte {
	data := make([]byte, partHead, partHead+usual*n)
	for key := range keys {
		a, known := m.known[key]
		if !known {
			continue
		}
		data = append(data, key[:]...)
		data = binary.AppendUvarint(data, uint64(len(a.text)))
		data = append(data, a.text...)
	}
	binary.BigEndian.PutUint64(data[sha256.Size:], uint64(len(data)-partHead))
	digest := sha256.New()
	digest.Write(m.salt)
	digest.Write(data[sha256.Size:])
	copy(data, digest.Sum(nil))
	return data
}

// write writes data and says whether the file holds it. It appends only where nothing
// else was written since the file was read.
func (m *Memo) write(how int, data []byte) bool {
	f, err := os.OpenFile(m.file, os.O_WRONLY|how|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || how&os.O_APPEND != 0 && (info.Size() != m.end || !mine(info, err)) || f.Chmod(0o600) != nil {
		return false
	}
	if _, err := f.Write(data); err != nil {
		return false
	}
	m.end = info.Size() + int64(len(data))
	return true
}

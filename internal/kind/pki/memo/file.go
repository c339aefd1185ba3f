package memo

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The file begins with the digest of the rest, so that one that was cut short counts
// for nothing: whoever writes it need not wait for the disk. Then come the salt and
// the answers, each behind its question and its length.
const saltSize = 16

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
	file, digest := m.read()
	if len(file) < sha256.Size+saltSize || file[:sha256.Size] != string(digest) {
		return nil
	}
	salt, text := file[sha256.Size:sha256.Size+saltSize], file[sha256.Size+saltSize:]
	m.known = make(map[sum]answer, len(text)/usual)
	for len(text) > sha256.Size {
		var key sum
		n, used := uvarint(text[copy(key[:], text):])
		if used <= 0 || n > uint64(len(text)-sha256.Size-used) {
			return nil
		}
		end := sha256.Size + used + int(n)
		m.known[key] = answer{text: text[sha256.Size+used : end]}
		text = text[end:]
	}
	return []byte(salt)
}

// read returns what the file holds, and the digest of all behind its own; nothing where
// somebody else may have written it.
func (m *Memo) read() (string, []byte) {
	if m.file == "" || !mine(os.Lstat(filepath.Dir(m.file))) {
		return "", nil
	}
	f, err := os.OpenFile(m.file, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", nil
	}
	defer f.Close()
	info, err := f.Stat()
	if !mine(info, err) {
		return "", nil
	}
	var all strings.Builder
	all.Grow(int(info.Size()))
	digest := sha256.New()
	if _, err := io.CopyN(&all, f, sha256.Size); err != nil {
		return "", nil
	}
	if _, err := io.Copy(io.MultiWriter(&all, digest), f); err != nil {
		return "", nil
	}
	return all.String(), digest.Sum(nil)
}

// mine says whether nobody but this user may write there.
func mine(info os.FileInfo, err error) bool {
	if err != nil || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// save writes the file, where nobody else could lead it elsewhere by a link.
func (m *Memo) save() {
	if os.MkdirAll(filepath.Dir(m.file), 0o700) != nil || !mine(os.Lstat(filepath.Dir(m.file))) {
		return
	}
	data := append(make([]byte, sha256.Size, sha256.Size+saltSize+len(m.known)*96), m.salt...)
	for key, a := range m.known {
		data = append(data, key[:]...)
		data = binary.AppendUvarint(data, uint64(len(a.text)))
		data = append(data, a.text...)
	}
	digest := sha256.Sum256(data[sha256.Size:])
	copy(data, digest[:])
	f, err := os.OpenFile(m.file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if f.Chmod(0o600) == nil {
		_, _ = f.Write(data)
	}
}

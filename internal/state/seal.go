package state

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

const keySize = 32

// A Sealer makes digests. Its key never leaves the host, so that a digest of a
// guessable secret tells nothing to whoever sees the state.
type Sealer struct {
	key   []byte
	kept  bool   // on disk, and so the same the next time
	lines *lines // whose values are known
}

// lines are the values of long lines in digests, by where they stand in memory, so
// that each is told once, however many shapes share it.
type lines struct {
	sync.Mutex
	values map[place]json.RawMessage
}

// A place is where a list stands in memory.
type place struct {
	first *string
	n     int
}

// manyLines is how many are remembered at most.
const manyLines = 64

// line returns the value of a line in a digest.
func (s Sealer) line(names []string) (json.RawMessage, error) {
	s.lines.Lock()
	defer s.lines.Unlock()
	at := place{&names[0], len(names)}
	if value, known := s.lines.values[at]; known {
		return value, nil
	}
	value, err := json.Marshal(names)
	if err != nil {
		return nil, err
	}
	if s.lines.values == nil || len(s.lines.values) >= manyLines {
		s.lines.values = make(map[place]json.RawMessage)
	}
	s.lines.values[at] = s.short(value)
	return s.lines.values[at], nil
}

// short returns a value, or the digest of one that is long.
func (s Sealer) short(value json.RawMessage) json.RawMessage {
	if len(value) > inline {
		return json.RawMessage(`"` + s.Sum(value) + `"`)
	}
	return value
}

// Kept says whether digests made now can be compared with those of another run.
// Before the first apply they can't.
func (s Sealer) Kept() bool { return s.kept }

// loadSealer reads the key of the directory. Without one it makes one, and keeps
// it where create says so: a plan must not write.
func loadSealer(dir string, create bool) (Sealer, error) {
	path := filepath.Join(dir, "key")
	key, err := readOwn(path)
	switch {
	case err == nil && len(key) == keySize:
		return Sealer{key, true, new(lines)}, nil
	case err == nil:
		return Sealer{}, fmt.Errorf("%s is damaged: it has %d bytes instead of %d; remove it and every managed secret counts as changed", path, len(key), keySize)
	case !errors.Is(err, fs.ErrNotExist):
		return Sealer{}, fmt.Errorf("reading the key of the state: %w", err)
	}
	key = make([]byte, keySize)
	rand.Read(key)
	if create {
		if err := atomic.Write("/", atomic.File{Path: path, Data: key, Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}); err != nil {
			return Sealer{}, fmt.Errorf("keeping the key of the state: %w", err)
		}
	}
	return Sealer{key, create, new(lines)}, nil
}

// sealed begins every digest.
const sealed = "hmac-sha256:"

// Sum returns a keyed digest of data.
func (s Sealer) Sum(data []byte) string {
	return s.sum(func(w io.Writer) { _, _ = w.Write(data) })
}

// sum returns a keyed digest of what is written; writing it is no error.
func (s Sealer) sum(write func(io.Writer)) string {
	mac := hmac.New(sha256.New, s.key)
	write(mac)
	return sealed + base64.RawStdEncoding.EncodeToString(mac.Sum(nil))
}

// Digest returns the digest of a shape; that of nil is nil.
func (s Sealer) Digest(shape any) (Digest, error) {
	if shape == nil {
		return Digest{}, nil
	}
	shape, attr, names := resource.TakeLine(shape)
	if names != nil {
		return s.lined(shape, attr, names)
	}
	var room [1024]byte
	text := room[:0]
	err := resource.EncodeInOrder(shape, s.sealing, func(f resource.Field, value []byte) {
		text = append(text, "{,"[min(len(text), 1)])
		text = append(appendText(text, f.Name), ':')
		text = append(text, s.valueOf(f, value)...)
	})
	if err != nil || len(text) == 0 {
		return Digest{}, err
	}
	return Digest{string(append(text, '}'))}, nil
}

// lined returns the digest of a shape that stands in a line.
func (s Sealer) lined(shape any, attr string, names []string) (Digest, error) {
	line, err := s.line(names)
	if err != nil {
		return Digest{}, err
	}
	values := map[string]json.RawMessage{attr: s.short(line)}
	err = resource.EncodeInOrder(shape, s.sealing, func(f resource.Field, value []byte) {
		values[f.Name] = bytes.Clone(s.valueOf(f, value))
	})
	return newDigest(values), err
}

func (s Sealer) sealing(secret resource.Secret) any { return s.Sum([]byte(secret.Reveal())) }

// valueOf is how the value of an attribute stands in a digest.
func (s Sealer) valueOf(f resource.Field, value []byte) []byte {
	if f.Memory {
		return value
	}
	return s.short(value)
}

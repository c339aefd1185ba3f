// Package memo remembers what was worked out of the content of files: which key a
// file holds, that a CA signed a certificate. The content itself is the question, so
// nothing that changes on the host is ever overlooked, and what is lost is worked out
// again. Of a file that has not changed since, which the kernel tells, the content need
// not even be read. Of a key it keeps a salted digest and its public half.
package memo

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// sum is a question in short.
type sum [sha256.Size]byte

// answer is what was worked out.
type answer struct {
	text string
	used bool // by this process
}

// A Memo remembers for one process, and for the next ones where it has a file. It is
// good for many hands at once; a nil one remembers nothing.
type Memo struct {
	file string
	boot string // the kernel's name for this one

	mu      sync.Mutex
	opened  bool
	salt    []byte
	known   map[sum]answer
	fresh   []sum // to what the file does not hold the answer
	written int   // answers in the file, stale ones too
	end     int64 // how much of the file is whole, in bytes; 0 where it has to be written anew
}

// spare is how many answers are kept that nobody has asked for lately.
const spare = 4096

// Of returns the answer to a question about some content. It is worked out where it
// is not known; what can't be worked out is not remembered.
func (m *Memo) Of(question string, work func() (text string, ok bool), about ...[]byte) (string, bool) {
	if m == nil {
		return work()
	}
	key := sumOf(m.seasoned(), question, about)
	if text, known := m.recall(key); known {
		return text, true
	}
	text, ok := work()
	if ok {
		m.learn(key, text)
	}
	return text, ok
}

// Forget forgets the answer to a question: it is remembered elsewhere.
func (m *Memo) Forget(question string, about ...[]byte) {
	if m == nil {
		return
	}
	key := sumOf(m.seasoned(), question, about)
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}

func (m *Memo) learn(key sum, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key] = answer{text, true}
	m.fresh = append(m.fresh, key)
}

func (m *Memo) recall(key sum) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, known := m.known[key]
	if known && !a.used {
		m.known[key] = answer{a.text, true}
	}
	return a.text, known
}

// seasoned reads the file the first time, and returns the salt.
func (m *Memo) seasoned() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.opened {
		m.opened = true
		m.known = make(map[sum]answer)
		if m.salt = m.load(); m.salt == nil {
			m.salt = make([]byte, 16)
			_, _ = rand.Read(m.salt) // it never fails
		}
	}
	return m.salt
}

// sumOf keeps the parts apart by their lengths.
func sumOf(salt []byte, question string, about [][]byte) sum {
	buf := append(make([]byte, 0, 4096), salt...)
	for _, part := range append([][]byte{[]byte(question)}, about...) {
		buf = binary.AppendUvarint(buf, uint64(len(part)))
		buf = append(buf, part...)
	}
	return sha256.Sum256(buf)
}

// Keep writes down what was learnt. That it could not is no error: the next process
// takes a moment longer.
func (m *Memo) Keep() {
	if m == nil || m.file == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fresh) == 0 {
		return
	}
	m.forget()
	m.save()
	m.fresh = nil
}

// forget drops what nobody asks for any more once that is the greater part.
func (m *Memo) forget() {
	used := 0
	for _, a := range m.known {
		if a.used {
			used++
		}
	}
	if len(m.known) <= 2*used+spare {
		return
	}
	for key, a := range m.known {
		if !a.used {
			delete(m.known, key)
		}
	}
}

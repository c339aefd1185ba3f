package chain

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A memory holds the proofs of the last rehearsal of a family and backend: one
// file, so that it never grows. A proof counts as long as the chains, their jumps
// and the rules that others lean on are the same, so that of ten thousand rules
// only what changed is proved again. An apply asks in the words of the answer,
// and the next plan in the first ones again: both are known.
type memory struct {
	file   string
	room   string // digest of the host as far as a proof depends on it
	proofs map[spot]map[string]proof
	valid  bool // the file holds proofs, perhaps none, that count
}

// databases are where iptables looks up the names of users, groups, protocols
// and ports. A rehearsal is no proof any more when one of them has changed, or
// iptables itself.
var databases = []string{"/etc/passwd", "/etc/group", "/etc/protocols", "/etc/services"}

// memory reads the proofs that count for a frame, the script of all that they
// depend on.
func (v Verbs) memory(t *tool, objects []object, frame string) *memory {
	m := &memory{proofs: make(map[spot]map[string]proof)}
	if v.Cache == "" {
		return m
	}
	var kernel unix.Utsname
	_ = unix.Uname(&kernel)
	h := sha256.New()
	fmt.Fprintln(h, t.family, t.backend, unix.ByteSliceToString(kernel.Release[:]), objects)
	for _, path := range append([]string{t.restore}, databases...) {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, info.Size(), info.ModTime().UnixNano())
		}
	}
	room := fmt.Sprintf("%x", h.Sum(nil))
	m.file = filepath.Join(v.Cache, "rules-"+t.family+"-"+t.backend)
	m.room = room
	m.recall(digest(room, frame))
	return m
}

// recall reads the file. One that can't be read, or was cut short, is as good as
// none.
func (m *memory) recall(frame string) {
	data, err := os.ReadFile(m.file)
	if err != nil {
		return
	}
	head, text, _ := strings.Cut(string(data), "\n")
	frames, rest, _ := strings.Cut(text, "\n")
	if head != digest(text) || !slices.Contains(strings.Split(frames, " "), frame) {
		return
	}
	m.valid = true
	m.parse(rest)
}

// parse reads what keep wrote: a chain behind :, and of each rule its words
// behind >, how it is printed behind <, and its imprint behind ! where that
// makes another. What is printed as it was written stands behind =.
func (m *memory) parse(text string) {
	var of spot
	var words string
	for entry := range strings.Lines(text) {
		value := strings.TrimSuffix(entry[1:], "\n")
		switch entry[0] {
		case ':':
			of, _ = parse(value)
			m.proofs[of] = make(map[string]proof)
		case '=':
			m.proofs[of][value] = proof{texts: []string{value}}
		case '>':
			words = value
			m.proofs[of][words] = proof{} // once, where a chain has the rule twice
		case '<':
			p := m.proofs[of][words]
			p.texts = append(p.texts, value)
			m.proofs[of][words] = p
		case '!':
			p := m.proofs[of][words]
			p.print = imprint(value)
			m.proofs[of][words] = p
		}
	}
	for _, proofs := range m.proofs {
		for _, p := range slices.Collect(maps.Values(proofs)) {
			if p.print == "" {
				for _, printed := range p.texts {
					proofs[printed] = proof{texts: []string{printed}}
				}
			}
		}
	}
}

// proof returns that of a rule where it stands, if there is one.
func (m *memory) proof(l line) (proof, bool) {
	p, ok := m.proofs[l.of.spot][l.words()]
	return p, ok
}

// keep remembers the proofs. That it could not is no error: the next rehearsal
// takes a moment longer. Nothing waits for the disk, nor is there a temporary
// that could be left behind, since the digest tells what was cut short.
func (m *memory) keep(frames [2]string, wishes []*wish, proofs map[line]proof) {
	if m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	var b strings.Builder
	b.WriteString(digest(m.room, frames[0]) + " " + digest(m.room, frames[1]) + "\n")
	for _, w := range wishes {
		b.WriteString(":" + w.name + "\n")
		for i, words := range w.rules {
			p := proofs[line{of: w, index: i}]
			if p.faithful(words) && p.print == "" {
				b.WriteString("=" + words + "\n")
				continue
			}
			b.WriteString(">" + words + "\n")
			for _, printed := range p.texts {
				b.WriteString("<" + printed + "\n")
			}
			if p.print != "" {
				b.WriteString("!" + string(p.print) + "\n")
			}
		}
	}
	_ = os.WriteFile(m.file, []byte(digest(b.String())+"\n"+b.String()), 0o600)
}

func digest(texts ...string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(texts, "\n"))))
}

// Package memory is what vpnd remembers of rules in its cache directory, in two files
// for each family and backend:
//
//   - rules-FAMILY-BACKEND, see [Proofs]: how each rule is printed once it stands, as
//     the last rehearsal found out. If it is lost, all is rehearsed again.
//   - words-FAMILY-BACKEND, see [Wordings]: of rules that iptables-save prints as other
//     ones, the words that made them. If it is lost, such a rule is seen as changed
//     and written once more.
//
// Each begins with the digest of the rest; what was cut short counts for nothing.
package memory

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// A Proof is what became of one rule in the rehearsal.
type Proof struct {
	Texts []string       // how iptables-save prints it: several rules where it names several addresses
	Print kernel.Imprint // of the rule, where those texts are misleading; empty else
}

// Faithful says whether the proof holds without more looking: what is printed
// is what was written.
func (p Proof) Faithful(words string) bool { return len(p.Texts) == 1 && p.Texts[0] == words }

// Proofs are those of the last rehearsal of a family and backend: one file, so
// that it never grows. A proof counts as long as the chains, their jumps and the
// rules that others lean on are the same, so that of ten thousand rules only what
// changed is proved again. An apply asks in the words of the answer, and the next
// plan in the first ones again: both are known.
type Proofs struct {
	file    string
	setting string // what a proof depends on besides the rules
	known   map[syntax.Spot]map[string]Proof
	Valid   bool // the file holds proofs, perhaps none, that count
}

// OpenProofs reads the proofs that count in a setting and for a frame, the script of
// all that they depend on; an empty directory remembers nothing.
func OpenProofs(directory, family, backend, setting, frame string) *Proofs {
	m := &Proofs{setting: setting, known: make(map[syntax.Spot]map[string]Proof)}
	if directory == "" {
		return m
	}
	m.file = filepath.Join(directory, "rules-"+family+"-"+backend)
	m.recall(digest(setting, frame))
	return m
}

// recall reads the file. One that can't be read, or was cut short, is as good as
// none.
func (m *Proofs) recall(frame string) {
	data, err := os.ReadFile(m.file)
	if err != nil {
		return
	}
	text, whole := unseal(data)
	frames, rest, _ := strings.Cut(text, "\n")
	if !whole || !slices.Contains(strings.Split(frames, " "), frame) {
		return
	}
	m.Valid = true
	m.parse(rest)
}

// parse reads what keep wrote: a chain behind :, and of each rule its words
// behind >, how it is printed behind <, and its imprint behind ! where that
// makes another. What is printed as it was written stands behind =.
func (m *Proofs) parse(text string) {
	var of syntax.Spot
	var words string
	for entry := range strings.Lines(text) {
		value := strings.TrimSuffix(entry[1:], "\n")
		switch entry[0] {
		case ':':
			of, _ = syntax.Parse(value)
			m.known[of] = make(map[string]Proof)
		case '=':
			m.known[of][value] = Proof{Texts: []string{value}}
		case '>':
			words = value
			m.known[of][words] = Proof{} // once, where a chain has the rule twice
		case '<':
			p := m.known[of][words]
			p.Texts = append(p.Texts, value)
			m.known[of][words] = p
		case '!':
			p := m.known[of][words]
			p.Print = kernel.Imprint(value)
			m.known[of][words] = p
		}
	}
	for _, proofs := range m.known {
		for _, p := range slices.Collect(maps.Values(proofs)) {
			if p.Print == "" {
				for _, printed := range p.Texts {
					proofs[printed] = Proof{Texts: []string{printed}}
				}
			}
		}
	}
}

// Of returns the proof of a rule where it stands, if there is one.
func (m *Proofs) Of(s syntax.Spot, words string) (Proof, bool) {
	p, ok := m.known[s][words]
	return p, ok
}

// A Proved chain has a proof for each of its rules.
type Proved struct {
	Spot   syntax.Spot // where it stands
	Rules  []string
	Proofs []Proof
}

// Keep remembers the proofs, for a frame and for that which asks in the words of
// the answer. That it could not is no error: the next rehearsal takes a moment
// longer. Nothing waits for the disk, nor is there a temporary that could be left
// behind, since the seal tells what was cut short.
func (m *Proofs) Keep(frames [2]string, chains []Proved) {
	if m.file == "" || os.MkdirAll(filepath.Dir(m.file), 0o700) != nil {
		return
	}
	var b strings.Builder
	b.WriteString(digest(m.setting, frames[0]) + " " + digest(m.setting, frames[1]) + "\n")
	for _, c := range chains {
		b.WriteString(":" + c.Spot.String() + "\n")
		for i, words := range c.Rules {
			p := c.Proofs[i]
			if p.Faithful(words) && p.Print == "" {
				b.WriteString("=" + words + "\n")
				continue
			}
			b.WriteString(">" + words + "\n")
			for _, printed := range p.Texts {
				b.WriteString("<" + printed + "\n")
			}
			if p.Print != "" {
				b.WriteString("!" + string(p.Print) + "\n")
			}
		}
	}
	_ = os.WriteFile(m.file, seal(b.String()), 0o600)
}

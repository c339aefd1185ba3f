package memory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/atomic"
	"vpnd/internal/kind/chain/kernel"
	"vpnd/internal/kind/chain/syntax"
)

// Wordings are the rules of which iptables-save says less than they hold, as a
// user has written them. Where such a rule is read it is told in these words:
// it is what they make of it, and what iptables-save prints would be another.
// They are kept beside the memory of proofs, since also a rule that is asked
// for no longer has to be known where it still stands.
type Wordings struct {
	family, backend string

	file  string
	order []reading
	words map[reading]string
}

// A reading is what is read of a rule: the text of iptables-save, and the
// imprint that tells it from others of the same text.
type reading struct {
	text  string
	print kernel.Imprint
}

// most is how many wordings are kept; the oldest go first.
const most = 1000

// OpenWordings reads those of a family and backend from a directory; an empty one
// remembers nothing.
func OpenWordings(directory, family, backend string) *Wordings {
	w := &Wordings{family: family, backend: backend, words: make(map[reading]string)}
	if directory == "" {
		return w
	}
	w.file = filepath.Join(directory, "words-"+family+"-"+backend)
	data, err := atomic.ReadFile("/", w.file, 1<<24)
	text, whole := unseal(data)
	if err != nil || !whole {
		return w // as good as none: they are found out again
	}
	lines := strings.Split(text, "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		w.add(reading{text: lines[i+1], print: kernel.Imprint(lines[i])}, lines[i+2])
	}
	return w
}

func (w *Wordings) add(r reading, words string) {
	if _, ok := w.words[r]; !ok {
		w.order = append(w.order, r)
	}
	w.words[r] = words
}

// Learn remembers the words of what was read, and returns those that were
// known of it before, if there were any: two wordings of one rule are one.
func (w *Wordings) Learn(text string, print kernel.Imprint, words string) (string, error) {
	r := reading{text: text, print: print}
	if known, ok := w.words[r]; ok {
		return known, nil
	}
	if w.file == "" {
		return "", errors.New("iptables-save tells it only in part, and there is no directory to remember it in")
	}
	w.add(r, words)
	w.order = w.order[max(0, len(w.order)-most):]
	var b strings.Builder
	for _, r := range w.order {
		fmt.Fprintf(&b, "%s\n%s\n%s\n", r.print, r.text, w.words[r])
	}
	err := os.MkdirAll(filepath.Dir(w.file), 0o700)
	if err == nil {
		err = atomic.Write("/", atomic.File{Path: w.file, Data: seal(b.String()), Mode: 0o600, UID: -1, GID: -1})
	}
	if err != nil {
		return "", fmt.Errorf("iptables-save tells it only in part, so that it must be remembered: %w", err)
	}
	return words, nil
}

// Translate tells the rules of chains of vpnd's own, those of a table by their
// names, in the words that made them. The kernel is asked only where there may be
// one.
func (w *Wordings) Translate(table string, chains map[string][]string) error {
	texts := make(map[string]bool)
	for _, r := range w.order {
		texts[r.text] = true
	}
	told := func(rule string) bool { return texts[rule] }
	var prints map[string][]kernel.Imprint
	for chain, rules := range chains {
		if !syntax.Own(chain) || !slices.ContainsFunc(rules, told) {
			continue
		}
		if prints == nil {
			var err error
			if prints, err = kernel.Imprints(w.backend, w.family, table); err != nil {
				return err
			}
		}
		if len(prints[chain]) != len(rules) {
			continue // somebody writes; the next look sees more
		}
		for i, rule := range rules {
			if words, ok := w.words[reading{text: rule, print: prints[chain][i]}]; ok {
				rules[i] = words
			}
		}
	}
	return nil
}

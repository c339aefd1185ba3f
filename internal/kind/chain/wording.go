package chain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"vpnd/internal/atomic"
)

// Wordings are the rules of which iptables-save says less than they hold, as a
// user has written them. Where such a rule is read it is told in these words:
// it is what they make of it, and what iptables-save prints would be another.
// They are kept beside the memory of proofs, since also a rule that is asked
// for no longer has to be known where it still stands.
type wordings struct {
	file  string
	order []reading
	words map[reading]string
}

// A reading is what is read of a rule: the text of iptables-save, and the
// imprint that tells it from others of the same text.
type reading struct {
	text  string
	print imprint
}

// most is how many wordings are kept; the oldest go first.
const most = 1000

func (v Verbs) wordings(t *tool) *wordings {
	w := &wordings{words: make(map[reading]string)}
	if v.Cache == "" {
		return w
	}
	w.file = filepath.Join(v.Cache, "words-"+t.family+"-"+t.backend)
	data, err := atomic.ReadFile("/", w.file, 1<<24)
	head, text, _ := strings.Cut(string(data), "\n")
	if err != nil || head != digest(text) {
		return w // as good as none: they are found out again
	}
	lines := strings.Split(text, "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		w.add(reading{text: lines[i+1], print: imprint(lines[i])}, lines[i+2])
	}
	return w
}

func (w *wordings) add(r reading, words string) {
	if _, ok := w.words[r]; !ok {
		w.order = append(w.order, r)
	}
	w.words[r] = words
}

// learn remembers the words of what was read, and returns those that were
// known of it before, if there were any: two wordings of one rule are one.
func (w *wordings) learn(r reading, words string) (string, error) {
	if known, ok := w.words[r]; ok {
		return known, nil
	}
	if w.file == "" {
		return "", errors.New("iptables-save tells it only in part, and there is no folder to remember it in")
	}
	w.add(r, words)
	w.order = w.order[max(0, len(w.order)-most):]
	var b strings.Builder
	for _, r := range w.order {
		fmt.Fprintf(&b, "%s\n%s\n%s\n", r.print, r.text, w.words[r])
	}
	err := os.MkdirAll(filepath.Dir(w.file), 0o700)
	if err == nil {
		err = atomic.Write("/", atomic.File{Path: w.file, Data: []byte(digest(b.String()) + "\n" + b.String()), Mode: 0o600, UID: -1, GID: -1})
	}
	if err != nil {
		return "", fmt.Errorf("iptables-save tells it only in part, so that it must be remembered: %w", err)
	}
	return words, nil
}

// translate tells rules of vpnd's own chains in the words that made them. The
// kernel is asked only where there may be one.
func (w *wordings) translate(t *tool, name string, now *table) error {
	texts := make(map[string]bool)
	for _, r := range w.order {
		texts[r.text] = true
	}
	told := func(rule string) bool { return texts[rule] }
	chains := filter(now.order, func(chain string) bool { return own(chain) && slices.ContainsFunc(now.chains[chain], told) })
	if len(chains) == 0 {
		return nil
	}
	prints, err := t.imprints(name)
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if len(prints[chain]) != len(now.chains[chain]) {
			continue // somebody writes; the next look sees more
		}
		for i, rule := range now.chains[chain] {
			if words, ok := w.words[reading{text: rule, print: prints[chain][i]}]; ok {
				now.chains[chain][i] = words
			}
		}
	}
	return nil
}

package report

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"vpnd/internal/engine"
	"vpnd/internal/resource"
)

// An entry is a change in the short form: a line, perhaps with what differs
// below it. Things of one kind that have nothing to say of themselves share a
// line.
type entry struct {
	sign  sign
	ids   []resource.ID
	facts string // on the line, after the name
	diffs []resource.Diff
	words string // why, where it does not go without saying
	frame bool   // holds others and has nothing of its own: a directory
}

// hidden is what the short form leaves out.
type hidden struct {
	more   bool          // there is more to tell of what is shown
	frames []resource.ID // not shown at all
	hint   string        // what else is to be said
}

// at most that many things of one kind that become alike are told one by one,
// and that many lines of a text that changes.
const (
	mostAlike = 5
	mostLines = 12
)

// columns is the width that lines are kept to where that can be done.
const columns = 80

// brief writes the short form: a line a thing below the block that asks for it,
// blocks in the order of their first change. Directories are left out where a
// block asks for more than those.
func (t Text) brief(changes []engine.Change, entryOf func(engine.Change) entry) (left hidden) {
	var order []string
	blocks := make(map[string][]entry)
	for _, c := range changes {
		head := heading(c)
		if _, ok := blocks[head]; !ok {
			order = append(order, head)
		}
		blocks[head] = append(blocks[head], entryOf(c))
	}
	for _, head := range order {
		t.printf("%s\n", t.paint(bold, head))
		entries := blocks[head]
		if slices.ContainsFunc(entries, func(e entry) bool { return !e.frame }) {
			entries = slices.DeleteFunc(entries, func(e entry) bool {
				if e.frame {
					left.frames = append(left.frames, e.ids...)
				}
				return e.frame
			})
		}
		for _, e := range fold(entries) {
			left.more = t.entry(e) || left.more
		}
	}
	return left
}

// lines say what was left out and how to see it.
func (h hidden) lines() []string {
	const way = "--verbose shows each thing, with every attribute."
	var all []string
	switch {
	case len(h.frames) > 0:
		all = append(all, "Not shown: "+h.counted()+". "+way)
	case h.more:
		all = append(all, way)
	}
	if h.hint != "" {
		all = append(all, h.hint)
	}
	return all
}

// counted counts what is not shown, by kinds.
func (h hidden) counted() string {
	var kinds []string
	count := make(map[string]int)
	for _, id := range h.frames {
		if count[id.Kind]++; count[id.Kind] == 1 {
			kinds = append(kinds, id.Kind)
		}
	}
	for i, kind := range kinds {
		kinds[i] = Count(count[kind], kind)
	}
	return strings.Join(kinds, ", ")
}

// fold puts things of one kind that become alike on one line: those with nothing
// to say of themselves, and others beyond the first few.
func fold(entries []entry) []entry {
	var folded []entry
	at := make(map[string]int)    // where those without details are
	count := make(map[string]int) // of those with details
	for _, e := range entries {
		key := e.sign.text + e.ids[0].Kind + "\x00" + e.words
		if e.facts != "" || len(e.diffs) > 0 {
			if count[key]++; count[key] <= mostAlike {
				folded = append(folded, e)
				continue
			}
			e.facts, e.diffs = "", nil
		}
		if i, ok := at[key]; ok {
			folded[i].ids = append(folded[i].ids, e.ids...)
			continue
		}
		at[key] = len(folded)
		e.ids = slices.Clone(e.ids)
		folded = append(folded, e)
	}
	return folded
}

// entry writes an entry and says whether there is more to tell of it.
func (t Text) entry(e entry) (hidden bool) {
	line := "  " + t.paint(e.sign.color, e.sign.text) + " "
	words := ""
	if e.words != "" {
		words = "  " + t.paint(faint, "("+e.words+")")
	}
	if len(e.ids) > 1 {
		t.printf("%s%s%s\n", line, several(e.ids), words)
		return true
	}
	if e.facts != "" {
		e.facts = "  " + e.facts
	}
	t.printf("%s%s%s%s\n", line, e.ids[0], e.facts, words)
	for _, d := range e.diffs {
		hidden = t.limited(d) || hidden
	}
	return hidden
}

// limited writes a diff, no more than some lines of it.
func (t Text) limited(d resource.Diff) (hidden bool) {
	var b strings.Builder
	all := t
	all.W = &b
	all.diff(d, false)
	lines := slices.Collect(strings.Lines(b.String()))
	if len(lines) <= mostLines+2 {
		t.printf("%s", b.String())
		return false
	}
	t.printf("%s", strings.Join(lines[:mostLines], ""))
	t.printf("        %s\n", t.paint(faint, fmt.Sprintf("… %d more lines", len(lines)-mostLines)))
	return true
}

// several names things of one kind by number, where they are and, where that is
// one place, as many names as a line holds; of paths the last part, as people
// know them.
func several(ids []resource.ID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id.Name
	}
	head := Count(len(ids), strings.ReplaceAll(ids[0].Kind, "_", " "))
	if strings.HasPrefix(names[0], "/") {
		dirs := places(names)
		if head += " below " + strings.Join(dirs, ", "); len(dirs) > 1 {
			return head
		}
		names = slices.DeleteFunc(names, func(name string) bool { return name == dirs[0] })
		for i, name := range names {
			names[i] = path.Base(name)
		}
	}
	width := columns - len("  +   ") - utf8.RuneCountInString(head)
	if width < len(names[0])+len(", 1000 more") {
		return head
	}
	return head + ": " + listed(names, width)
}

// listed joins names as far as they fit, at least one, and counts the others.
func listed(names []string, width int) string {
	const room = len(", 10000 more")
	line := names[0]
	for i, name := range names[1:] {
		longer := line + ", " + name
		last := i+2 == len(names)
		if n := utf8.RuneCountInString(longer); n > width || !last && n+room > width {
			return fmt.Sprintf("%s, %d more", line, len(names)-i-1)
		}
		line = longer
	}
	return line
}

// places names the directories that paths are below, each as deep as can be, for
// every part of the file system that a person thinks of: /etc/openvpn, /var/lib.
func places(names []string) []string {
	var parts []string
	in := make(map[string][]string)
	for _, name := range names {
		words := strings.SplitAfterN(path.Dir(name)+"/", "/", 4)
		part := strings.Join(words[:min(len(words), 3)], "")
		if in[part] == nil {
			parts = append(parts, part)
		}
		in[part] = append(in[part], name)
	}
	for i, part := range parts {
		parts[i] = common(in[part])
	}
	return parts
}

// common is the deepest directory that all of these paths are in or are.
func common(names []string) string {
	dir := names[0]
	for _, name := range names[1:] {
		for dir != "/" && name != dir && !strings.HasPrefix(name, dir+"/") {
			dir = path.Dir(dir)
		}
	}
	return dir
}

// plural is a noun for many.
func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ey"):
		return strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "s"):
		return noun
	}
	return noun + "s"
}

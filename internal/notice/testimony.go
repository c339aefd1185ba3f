package notice

import (
	"path"
	"slices"
	"time"
)

// A testimony is what a witness heard of the files of one listener, by the path
// that the listener reports, until it asks.
type testimony map[string]statement

// A statement names who changed a file: nobody, where it was vpnd or the
// program has ended.
type statement struct {
	by []string
	at time.Time
}

const (
	mostNamed = 8               // programs that change one file at once
	stale     = 5 * time.Second // what nobody has asked for is about something else by then
)

// with returns what is said once it is known that the program was there too.
func (s statement) with(by string, now time.Time) statement {
	if now.Sub(s.at) > stale {
		s.by = nil
	}
	if s.at = now; by != "" && len(s.by) < mostNamed && !slices.Contains(s.by, by) {
		s.by = append(slices.Clip(s.by), by)
	}
	return s
}

// take returns who changed the file, and forgets it.
func (t testimony) take(file string, now time.Time) []string {
	s := t[file]
	delete(t, file)
	if now.Sub(s.at) > stale {
		return nil
	}
	return s.by
}

// The kernel tells inotify and fanotify one after the other, in any order, and
// whoever is woken by the first may be quicker than the second.
const (
	oftenAsked = 5
	askedAgain = time.Millisecond
)

// ask returns who changed each of the files, by the order of them.
func (w *Witness) ask(t *tree, files []string) [][]string {
	by := make([][]string, len(files))
	if w == nil {
		return by
	}
	for range oftenAsked {
		if w.listen(t, files) {
			break
		}
		time.Sleep(askedAgain)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for i, file := range files {
		by[i] = t.said.take(file, now)
	}
	return by
}

// listen hears what there is and says whether that is all: something of each
// file, or nothing to be expected.
func (w *Witness) listen(t *tree, files []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf == nil {
		return true
	}
	w.hear()
	all := true
	for _, file := range files {
		if _, ok := t.said[file]; !ok && !w.self(t, file) {
			all = false
		}
	}
	return all || t.unseen
}

// self says whether something was done to a file that is a folder, and notes
// what.
func (w *Witness) self(t *tree, file string) bool {
	if len(w.selves) == 0 {
		return false
	}
	where, err := locate(path.Join(t.Root, file))
	if err != nil {
		return false
	}
	s, ok := w.selves[where]
	if ok = ok && time.Since(s.at) < remembered; ok {
		t.said[file] = s
	}
	return ok
}

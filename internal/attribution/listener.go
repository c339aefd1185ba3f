package attribution

import (
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// A Listener is one who hears of changes of files and asks who made them. What is
// in it is guarded by its group.
type Listener struct {
	group *Fanotify
	root  string // of the paths of its files
	heard records
	blind bool // it can't see all of its directories
}

// A Directory is one that a listener watches.
type Directory interface {
	// Concerned visits the files, as their listener calls them, that an event of a
	// name in the directory is about.
	Concerned(name string, mask uint32, visit func(file string))
}

// Listener returns one that watches no directory yet. Close it.
func (f *Fanotify) Listener(root string) *Listener {
	return &Listener{group: f, root: root, heard: make(records)}
}

// Watch begins to hear what happens in a directory below the root: of the events
// of fanotify(7) those that the listener is told of.
func (l *Listener) Watch(dir string, d Directory, events uint32) {
	f := l.group
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	dir = path.Join(l.root, dir)
	where, err := locate(dir)
	if err != nil || !f.open() || mark(f.group, unix.FAN_MARK_ADD, dir, events&told) != nil {
		l.blind = true
		return
	}
	f.seats[where] = append(f.seats[where], seat{l, d, dir})
}

// Forget ends Watch of a directory.
func (l *Listener) Forget(d Directory) {
	l.leave(func(s seat) bool { return s.Listener == l && s.directory == d })
}

// Close ends Watch of all directories.
func (l *Listener) Close() { l.leave(func(s seat) bool { return s.Listener == l }) }

func (l *Listener) leave(gone func(seat) bool) {
	if f := l.group; f != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.leave(gone)
	}
}

// The kernel tells inotify and fanotify one after the other, in any order, and
// whoever is woken by the first may be quicker than the second.
const (
	oftenAsked = 5
	askedAgain = time.Millisecond
)

// Ask returns who changed each of the files, by the order of them.
func (l *Listener) Ask(files []string) [][]string {
	by := make([][]string, len(files))
	f := l.group
	if f == nil {
		return by
	}
	for range oftenAsked {
		if l.hear(files) {
			break
		}
		time.Sleep(askedAgain)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	for i, file := range files {
		by[i] = l.heard.take(file, now)
	}
	return by
}

// hear takes in what there is and says whether that is all: something of each
// file, or nothing to be expected.
func (l *Listener) hear(files []string) bool {
	f := l.group
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.buf == nil {
		return true
	}
	f.hear()
	all := true
	for _, file := range files {
		if _, ok := l.heard[file]; !ok && !l.self(file) {
			all = false
		}
	}
	return all || l.blind
}

// self says whether something was done to a file that is a directory, and notes
// what.
func (l *Listener) self(file string) bool {
	if len(l.group.selves) == 0 {
		return false
	}
	where, err := locate(path.Join(l.root, file))
	if err != nil {
		return false
	}
	r, ok := l.group.selves[where]
	if ok = ok && time.Since(r.at) < remembered; ok {
		l.heard[file] = r
	}
	return ok
}

package notice

import (
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Witness says who changed files, as far as fanotify(7) tells, of which one
// group serves all listeners of a process. It is testimony and nothing more:
// inotify says that something happened, and who hears it asks. So a witness
// wakes nobody, and where there is none (an old kernel, no CAP_SYS_ADMIN, no
// descriptor left, a file system that fanotify doesn't know) only names are
// missing. Its zero value is ready, and nil says nothing.
type Witness struct {
	mu     sync.Mutex
	group  int    // a descriptor
	buf    []byte // nil while there is no group
	seats  map[place][]seat
	selves map[place]statement // what was done to folders themselves, of which the kernel doesn't say what they are called
	recent map[int]sighting    // by number of the process

	ear Ear // of all who listen with this witness
}

// Ear returns what all listen with that have this witness, for others to share.
func (w *Witness) Ear() *Ear { return &w.ear }

// A seat is a folder in which a listener wants to know of names.
type seat struct {
	tree   *tree
	folder *folder
}

// A sighting is a process that was seen while it ran.
type sighting struct {
	name string // empty for vpnd's own
	at   time.Time
}

// Bounds of what is remembered. Processes often end before the last of their
// deeds is heard of, and numbers may be somebody else's after a while.
const (
	mostSightings = 256
	mostSelves    = 64
	mostReads     = 64          // at once, so that who writes without end does not keep a listener
	remembered    = time.Second // a process
	readAtOnce    = 16 << 10    // bytes
)

// watch begins to witness what happens in a folder: the events that its
// listener is told of.
func (w *Witness) watch(t *tree, f *folder, events uint32) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	dir := path.Join(t.Root, f.path)
	where, err := locate(dir)
	if err != nil || !w.open() || mark(w.group, unix.FAN_MARK_ADD, dir, events&deeds) != nil {
		t.unseen = true
		return
	}
	w.seats[where] = append(w.seats[where], seat{t, f})
}

// open opens the group where that was not done yet.
func (w *Witness) open() bool {
	if w.buf != nil {
		return true
	}
	group, err := openGroup()
	if err != nil {
		return false
	}
	w.group, w.buf = group, make([]byte, readAtOnce)
	w.seats, w.selves, w.recent = make(map[place][]seat), make(map[place]statement), make(map[int]sighting)
	return true
}

// leave ends what watch began, for one folder of the listener, or with nil for
// all. The group goes with the last of them.
func (w *Witness) leave(t *tree, f *folder) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf == nil {
		return
	}
	for where, seats := range w.seats {
		left := slices.DeleteFunc(slices.Clone(seats), func(s seat) bool { return s.tree == t && (f == nil || s.folder == f) })
		if w.seats[where] = left; len(left) == 0 {
			delete(w.seats, where)
			w.unmark(where, path.Join(t.Root, seats[0].folder.path))
		}
	}
	if len(w.seats) == 0 {
		_ = unix.Close(w.group)
		w.buf, w.seats, w.selves, w.recent = nil, nil, nil, nil
	}
}

// unmark ends the mark on a folder, where it is still in its place. One that
// was moved away keeps it until the group goes: its events are dropped.
func (w *Witness) unmark(where place, dir string) {
	if now, err := locate(dir); err == nil && now == where {
		_ = mark(w.group, unix.FAN_MARK_REMOVE, dir, deeds)
	}
}

// hear takes in what happened since the last time, for all listeners.
func (w *Witness) hear() {
	for range mostReads {
		size, err := unix.Read(w.group, w.buf)
		if err != nil || size <= 0 {
			return
		}
		now := time.Now()
		for _, d := range parseDeeds(w.buf[:size]) {
			w.note(d, now)
		}
	}
}

// note takes in one thing that happened.
func (w *Witness) note(d deed, now time.Time) {
	if d.name == itself {
		if len(w.selves) >= mostSelves {
			clear(w.selves)
		}
		w.selves[d.where] = w.selves[d.where].with(w.name(d.pid, now), now)
	}
	for _, s := range w.seats[d.where] {
		s.take(d, w.name(d.pid, now), now)
	}
}

// take notes who did something in the folder, as tree.happened would report it.
func (s seat) take(d deed, by string, now time.Time) {
	add := func(file string) { s.tree.said[file] = s.tree.said[file].with(by, now) }
	s.folder.named(d.name, add)
	if below := s.folder.below[d.name]; below != nil && d.mask&names != 0 {
		below.all(add)
	}
}

// name names a process; empty for vpnd itself and another vpnd, for what they
// started, and for one that ended unseen.
func (w *Witness) name(pid int, now time.Time) string {
	self := os.Getpid()
	if pid == self {
		return ""
	}
	if seen, ok := w.recent[pid]; ok && now.Sub(seen.at) < remembered {
		return seen.name
	}
	name, parent := program(pid)
	if name == "" {
		return ""
	}
	if parent == self || OfVpnd(pid) {
		name = ""
	}
	if len(w.recent) >= mostSightings {
		clear(w.recent)
	}
	w.recent[pid] = sighting{name, now}
	return name
}

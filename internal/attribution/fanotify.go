package attribution

import (
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Fanotify attributes changes of files to programs, as far as fanotify(7) tells.
// One group serves all listeners of a process. It adds names and nothing more: by
// inotify a listener hears that something happened, and then it asks. So a group
// wakes nobody, and where there is none (an old kernel, no CAP_SYS_ADMIN, no
// descriptor left, a file system that fanotify doesn't know) only names are
// missing. Its zero value is ready, and nil names nobody.
type Fanotify struct {
	mu     sync.Mutex
	group  int    // a descriptor
	buf    []byte // nil while there is no group
	seats  map[handle][]seat
	selves map[handle]record // what was done to directories themselves, of which the kernel doesn't say what they are called
	recent map[int]process   // by number
}

// A seat is a directory of which a listener wants to know.
type seat struct {
	*Listener
	directory Directory
	path      string
}

// A process is one that was seen while it ran.
type process struct {
	name string // empty for vpnd's own
	at   time.Time
}

// Bounds of what is remembered. Processes often end before the last of their
// events is heard of, and numbers may be somebody else's after a while.
const (
	mostProcesses = 256
	mostSelves    = 64
	mostReads     = 64          // at once, so that who writes without end does not keep a listener
	remembered    = time.Second // a process
	readAtOnce    = 16 << 10    // bytes
)

// open opens the group where that was not done yet.
func (f *Fanotify) open() bool {
	if f.buf != nil {
		return true
	}
	group, err := openGroup()
	if err != nil {
		return false
	}
	f.group, f.buf = group, make([]byte, readAtOnce)
	f.seats, f.selves, f.recent = make(map[handle][]seat), make(map[handle]record), make(map[int]process)
	return true
}

// leave takes seats back. The group goes with the last of them.
func (f *Fanotify) leave(gone func(seat) bool) {
	if f.buf == nil {
		return
	}
	for where, seats := range f.seats {
		left := slices.DeleteFunc(slices.Clone(seats), gone)
		if f.seats[where] = left; len(left) == 0 {
			delete(f.seats, where)
			f.unmark(where, seats[0].path)
		}
	}
	if len(f.seats) == 0 {
		_ = unix.Close(f.group)
		f.buf, f.seats, f.selves, f.recent = nil, nil, nil, nil
	}
}

// unmark ends the mark on a directory, where it is still in its place. One that
// was moved away keeps it until the group goes: its events are dropped.
func (f *Fanotify) unmark(where handle, dir string) {
	if now, err := locate(dir); err == nil && now == where {
		_ = mark(f.group, unix.FAN_MARK_REMOVE, dir, told)
	}
}

// hear takes in what happened since the last time, for all listeners.
func (f *Fanotify) hear() {
	for range mostReads {
		size, err := unix.Read(f.group, f.buf)
		if err != nil || size <= 0 {
			return
		}
		now := time.Now()
		for _, e := range parseEvents(f.buf[:size]) {
			f.note(e, now)
		}
	}
}

// note takes in one thing that happened.
func (f *Fanotify) note(e event, now time.Time) {
	if e.name == itself {
		if len(f.selves) >= mostSelves {
			clear(f.selves)
		}
		f.selves[e.where] = f.selves[e.where].with(f.name(e.pid, now), now)
	}
	for _, s := range f.seats[e.where] {
		by := f.name(e.pid, now)
		s.directory.Concerned(e.name, e.mask, func(file string) { s.heard[file] = s.heard[file].with(by, now) })
	}
}

// name names a process; empty for vpnd itself and another vpnd, for what they
// started, and for one that ended unseen.
func (f *Fanotify) name(pid int, now time.Time) string {
	self := os.Getpid()
	if pid == self {
		return ""
	}
	if seen, ok := f.recent[pid]; ok && now.Sub(seen.at) < remembered {
		return seen.name
	}
	name, parent := program(pid)
	if name == "" {
		return ""
	}
	if parent == self || OfVpnd(pid) {
		name = ""
	}
	if len(f.recent) >= mostProcesses {
		clear(f.recent)
	}
	f.recent[pid] = process{name, now}
	return name
}

package notice

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"vpnd/internal/attribution"

	"golang.org/x/sys/unix"
)

// Files listens for changes of files, by inotify(7) on the directories that they
// are in: a watch on a file itself ends when it is replaced. The directories above
// are watched too, so that one that is moved away, or made later, is no blind
// spot; what a symbolic link on the way leads to isn't watched above its end.
type Files struct {
	Root    string                // "/" for the host itself
	Paths   []string              // absolute below Root; one that ends in / stands for all in that directory, but for hidden files
	Begin   func()                // called once it listens, and when events were lost: anything may have changed
	Changed func(path, by string) // called with the path, as in Paths, of what was changed in any way, was made or went, and by which program; where several did, once for each
	Shared  *Shared               // with other listeners of this process, and says by which program; nil is nothing, and nobody
}

// Shared is what the listeners of a process share: an instance of inotify, of which
// a user has few, and what tells by which program. Its zero value is ready.
type Shared struct {
	Inotify     Inotify
	Attribution attribution.Fanotify
}

// Listen listens until ctx ends; then it returns nil.
func (f Files) Listen(ctx context.Context) error {
	if f.Shared == nil {
		return f.listen(ctx, new(Inotify), nil)
	}
	return f.listen(ctx, &f.Shared.Inotify, &f.Shared.Attribution)
}

func (f Files) listen(ctx context.Context, in *Inotify, by *attribution.Fanotify) error {
	q, err := in.join()
	if err != nil {
		return err
	}
	defer q.leave()
	t := newTree(q, f, by.Listener(f.Root))
	defer t.by.Close()
	if err := t.watch(t.directories["/"]); err != nil {
		return ended(ctx, err)
	}
	f.Begin()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.wake:
		}
		if err := t.hear(q.take()); err != nil {
			return ended(ctx, err)
		}
		t.report()
	}
}

// Watch hears of changes of these files of the host, whoever made them, until ctx
// ends; then it returns nil.
func (i *Inotify) Watch(ctx context.Context, paths []string, kick func()) error {
	return Files{Root: "/", Paths: paths, Begin: kick, Changed: func(string, string) { kick() }}.listen(ctx, i, nil)
}

// A directory is one that is watched.
type directory struct {
	path  string
	files map[string]string // what to report, by the name of the file
	any   string            // what to report for whatever else is in it
	below map[string]*directory
	wd    int // 0 while it isn't there
}

// named visits what to report of a name in the directory.
func (d *directory) named(name string, visit func(string)) {
	if file, ok := d.files[name]; ok {
		visit(file)
	}
	if d.any != "" && name != "" && name[0] != '.' {
		visit(d.any)
	}
}

// Concerned visits what to report of an event of a name in the directory.
func (d *directory) Concerned(name string, mask uint32, visit func(string)) {
	d.named(name, visit)
	if below := d.below[name]; below != nil && mask&names != 0 {
		below.all(visit)
	}
}

// all visits what to report where the directory itself is another.
func (d *directory) all(visit func(string)) {
	for _, file := range d.files {
		visit(file)
	}
	if d.any != "" {
		visit(d.any)
	}
	for _, below := range d.below {
		below.all(visit)
	}
}

// A tree is all directories that lead to the files.
type tree struct {
	Files
	queue       *queue
	directories map[string]*directory
	wds         map[int][]*directory // several, where a symbolic link leads to another one
	changed     []string             // still to be reported, in order
	pending     map[string]bool      // the same as a set
	lost        bool

	by *attribution.Listener
}

func newTree(q *queue, f Files, by *attribution.Listener) *tree {
	t := &tree{Files: f, queue: q, directories: make(map[string]*directory), wds: make(map[int][]*directory), pending: make(map[string]bool), by: by}
	t.directory("/")
	for _, p := range f.Paths {
		if strings.HasSuffix(p, "/") {
			t.directory(path.Clean(p)).any = p
			continue
		}
		dir, base := path.Split(p)
		t.directory(path.Clean(dir)).files[base] = p
	}
	return t
}

// directory returns the one of that name, after those that lead to it.
func (t *tree) directory(name string) *directory {
	if d, ok := t.directories[name]; ok {
		return d
	}
	d := &directory{path: name, files: make(map[string]string), below: make(map[string]*directory)}
	t.directories[name] = d
	if name != "/" {
		t.directory(path.Dir(name)).below[path.Base(name)] = d
	}
	return d
}

// names are events that say which names a directory has, contents those that tell
// of what is in them.
const (
	names    = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO
	contents = unix.IN_MODIFY | unix.IN_ATTRIB
)

// watch watches the directory, and those below, where they are now. It comes from
// above, so that one that is made meanwhile is heard of.
func (t *tree) watch(d *directory) error {
	mask := uint32(names | unix.IN_ONLYDIR | unix.IN_MASK_ADD)
	if len(d.files) > 0 || d.any != "" {
		mask |= contents
	}
	wd, err := t.queue.watch(path.Join(t.Root, d.path), mask)
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("watching the directory %s: all inotify watches are in use; raise the sysctl fs.inotify.max_user_watches", d.path)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EACCES):
		wd = 0
	case err != nil:
		return fmt.Errorf("watching the directory %s: %w", d.path, err)
	}
	switch {
	case wd == d.wd && wd != 0:
		t.queue.unwatch(wd) // it was watched before
	case wd != d.wd:
		t.forget(d)
		if d.wd = wd; wd != 0 {
			t.wds[wd] = append(t.wds[wd], d)
			t.by.Watch(d.path, d, mask)
		}
	}
	for _, below := range d.below {
		if err := t.watch(below); err != nil {
			return err
		}
	}
	return nil
}

// forget ends the watch on what the directory was.
func (t *tree) forget(d *directory) {
	if d.wd == 0 {
		return
	}
	t.by.Forget(d)
	rest := slices.DeleteFunc(t.wds[d.wd], func(other *directory) bool { return other == d })
	if t.wds[d.wd] = rest; len(rest) == 0 {
		delete(t.wds, d.wd)
	}
	t.queue.unwatch(d.wd)
	d.wd = 0
}

// hear takes in what happened since the last time.
func (t *tree) hear(events []event, lost bool, err error) error {
	if err != nil {
		return err
	}
	for _, e := range events {
		for _, f := range slices.Clone(t.wds[e.wd]) {
			if err := t.happened(f, e); err != nil {
				return err
			}
		}
	}
	if t.lost = lost; lost {
		return t.watch(t.directories["/"])
	}
	return nil
}

// happened takes in one event in a directory.
func (t *tree) happened(d *directory, e event) error {
	if e.mask&unix.IN_IGNORED != 0 { // it was removed or unmounted
		t.forget(d)
		return t.moved(d)
	}
	d.named(e.name, t.note)
	if below := d.below[e.name]; below != nil && e.mask&names != 0 {
		return t.moved(below)
	}
	return nil
}

// moved says that another directory, or none, is now where this one was.
func (t *tree) moved(d *directory) error {
	if err := t.watch(d); err != nil {
		return err
	}
	d.all(t.note)
	return nil
}

func (t *tree) note(file string) {
	if !t.pending[file] {
		t.pending[file] = true
		t.changed = append(t.changed, file)
	}
}

// report passes on what was noted, each path once.
func (t *tree) report() {
	if t.lost {
		t.Begin()
	} else {
		t.tell(t.by.Ask(t.changed))
	}
	t.lost, t.changed = false, t.changed[:0]
	clear(t.pending)
}

// tell passes on the changed files with who changed each.
func (t *tree) tell(by [][]string) {
	for i, file := range t.changed {
		if len(by[i]) == 0 {
			t.Changed(file, "")
		}
		for _, program := range by[i] {
			t.Changed(file, program)
		}
	}
}

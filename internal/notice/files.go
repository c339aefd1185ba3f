package notice

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Files listens for changes of files, by inotify(7) on the folders that they
// are in: a watch on a file itself ends when it is replaced. The folders above
// are watched too, so that one that is moved away, or made later, is no blind
// spot; what a symbolic link on the way leads to isn't watched above its end.
type Files struct {
	Root    string                // "/" for the host itself
	Paths   []string              // absolute below Root; one that ends in / stands for all in that folder, but for hidden files
	Begin   func()                // called once it listens, and when events were lost: anything may have changed
	Changed func(path, by string) // called with the path, as in Paths, of what was changed in any way, was made or went, and by which program; where several did, once for each
	Witness *Witness              // says by which program; nil is for nobody
	Ear     *Ear                  // what it listens with; nil is that of the witness, or one of its own
}

// Listen listens until ctx ends; then it returns nil.
func (f Files) Listen(ctx context.Context) error {
	q, err := f.ear().join()
	if err != nil {
		return err
	}
	defer q.leave()
	t := newTree(q, f)
	defer f.Witness.leave(t, nil)
	if err := t.watch(t.folders["/"]); err != nil {
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
func (e *Ear) Watch(ctx context.Context, paths []string, kick func()) error {
	return Files{Root: "/", Paths: paths, Begin: kick, Changed: func(string, string) { kick() }, Ear: e}.Listen(ctx)
}

// ear returns the instance that is shared, or one for this listener alone.
func (f Files) ear() *Ear {
	switch {
	case f.Ear != nil:
		return f.Ear
	case f.Witness != nil:
		return f.Witness.Ear()
	}
	return new(Ear)
}

// A folder is one that is watched.
type folder struct {
	path  string
	files map[string]string // what to report, by the name of the file
	any   string            // what to report for whatever else is in it
	below map[string]*folder
	wd    int // 0 while it isn't there
}

// named visits what to report of a name in the folder.
func (f *folder) named(name string, visit func(string)) {
	if file, ok := f.files[name]; ok {
		visit(file)
	}
	if f.any != "" && name != "" && name[0] != '.' {
		visit(f.any)
	}
}

// all visits what to report where the folder itself is another.
func (f *folder) all(visit func(string)) {
	for _, file := range f.files {
		visit(file)
	}
	if f.any != "" {
		visit(f.any)
	}
	for _, below := range f.below {
		below.all(visit)
	}
}

// A tree is all folders that lead to the files.
type tree struct {
	Files
	queue   *queue
	folders map[string]*folder
	wds     map[int][]*folder // several, where a symbolic link leads to another one
	changed []string          // still to be reported, in order
	pending map[string]bool   // the same as a set
	lost    bool

	said   testimony // guarded by the witness
	unseen bool      // whether it can't see all of the folders; guarded by it too
}

func newTree(q *queue, f Files) *tree {
	t := &tree{Files: f, queue: q, folders: make(map[string]*folder), wds: make(map[int][]*folder), pending: make(map[string]bool), said: make(testimony)}
	t.folder("/")
	for _, p := range f.Paths {
		if strings.HasSuffix(p, "/") {
			t.folder(path.Clean(p)).any = p
			continue
		}
		dir, base := path.Split(p)
		t.folder(path.Clean(dir)).files[base] = p
	}
	return t
}

// folder returns the one of that name, after those that lead to it.
func (t *tree) folder(name string) *folder {
	if f, ok := t.folders[name]; ok {
		return f
	}
	f := &folder{path: name, files: make(map[string]string), below: make(map[string]*folder)}
	t.folders[name] = f
	if name != "/" {
		t.folder(path.Dir(name)).below[path.Base(name)] = f
	}
	return f
}

// names are events that say which names a folder has, contents those that tell
// of what is in them.
const (
	names    = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO
	contents = unix.IN_MODIFY | unix.IN_ATTRIB
)

// watch watches the folder, and those below, where they are now. It comes from
// above, so that one that is made meanwhile is heard of.
func (t *tree) watch(f *folder) error {
	mask := uint32(names | unix.IN_ONLYDIR | unix.IN_MASK_ADD)
	if len(f.files) > 0 || f.any != "" {
		mask |= contents
	}
	wd, err := t.queue.watch(path.Join(t.Root, f.path), mask)
	switch {
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("watching the folder %s: all inotify watches are in use; raise the sysctl fs.inotify.max_user_watches", f.path)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.EACCES):
		wd = 0
	case err != nil:
		return fmt.Errorf("watching the folder %s: %w", f.path, err)
	}
	switch {
	case wd == f.wd && wd != 0:
		t.queue.unwatch(wd) // it was watched before
	case wd != f.wd:
		t.forget(f)
		if f.wd = wd; wd != 0 {
			t.wds[wd] = append(t.wds[wd], f)
			t.Witness.watch(t, f, mask)
		}
	}
	for _, below := range f.below {
		if err := t.watch(below); err != nil {
			return err
		}
	}
	return nil
}

// forget ends the watch on what the folder was.
func (t *tree) forget(f *folder) {
	if f.wd == 0 {
		return
	}
	t.Witness.leave(t, f)
	rest := slices.DeleteFunc(t.wds[f.wd], func(other *folder) bool { return other == f })
	if t.wds[f.wd] = rest; len(rest) == 0 {
		delete(t.wds, f.wd)
	}
	t.queue.unwatch(f.wd)
	f.wd = 0
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
		return t.watch(t.folders["/"])
	}
	return nil
}

// happened takes in one event in a folder.
func (t *tree) happened(f *folder, e event) error {
	if e.mask&unix.IN_IGNORED != 0 { // it was removed or unmounted
		t.forget(f)
		return t.moved(f)
	}
	f.named(e.name, t.note)
	if below := f.below[e.name]; below != nil && e.mask&names != 0 {
		return t.moved(below)
	}
	return nil
}

// moved says that another folder, or none, is now where this one was.
func (t *tree) moved(f *folder) error {
	if err := t.watch(f); err != nil {
		return err
	}
	f.all(t.note)
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
		t.tell(t.Witness.ask(t, t.changed))
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

package unit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vpnd/internal/atomic"
	"vpnd/internal/resource"
)

const (
	// mark begins every file that vpnd writes.
	mark = "# Made by vpnd "
	// etc is where an operator's unit files are.
	etc = "/etc/systemd/system"
	// saved ends the name of a file of somebody else that had to make room.
	// systemd reads only what ends in .conf.
	saved = ".vpnd-saved"
	// owed is a file beside the drop-ins while they don't count yet: from
	// before the first is changed until the unit was restarted.
	owed = "vpnd-owed"
	// maxFile is how large a unit file or drop-in may be, in bytes.
	maxFile = 1 << 20
)

func directory(unit string) string { return path.Join(etc, unit+".d") }

func file(unit, dropin string) string { return path.Join(directory(unit), dropin+".conf") }

// withMark returns the content with the line that says whose it is.
func withMark(unit, content string) string {
	if !strings.HasPrefix(content, mark) {
		content = fmt.Sprintf("%sfor the unit %s; edits are undone. Change /etc/vpnd instead.\n%s", mark, unit, content)
	}
	if !strings.HasSuffix(content, "\n") {
		content += "\n"
	}
	return content
}

// dropins returns the drop-ins of vpnd, by name. While a restart is owed them
// there is one that nobody wishes, not even who wishes none, so that a run that
// was killed before it is made good by the next.
func (v Verbs) dropins(unit string) ([]Dropin, error) {
	if pending, err := v.pending(unit); pending || err != nil {
		return []Dropin{{Name: owed, Content: resource.Ptr(mark + "until the unit was restarted.\n")}}, err
	}
	return v.written(unit)
}

// wished returns drop-ins without the one that stands for a restart, which is in
// a wish where a snapshot was taken before that was made.
func wished(dropins []Dropin) []Dropin {
	return slices.DeleteFunc(slices.Clone(dropins), func(d Dropin) bool { return d.Name == owed })
}

// written returns the drop-ins of vpnd that stand on the host.
func (v Verbs) written(unit string) ([]Dropin, error) {
	found := []Dropin{}
	names, err := v.list(directory(unit))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		_, data, err := atomic.Look(v.Root, path.Join(directory(unit), name), maxFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		dropin, content := strings.TrimSuffix(name, ".conf"), string(data)
		if strings.HasPrefix(content, mark) {
			found = append(found, Dropin{Name: dropin, Content: &content})
		}
	}
	resource.Sort(found, func(a, b Dropin) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// list returns the names of the drop-ins in a directory, whatever they are. One that
// isn't there, or is no directory, has none, as for systemd.
func (v Verbs) list(dir string) ([]string, error) {
	names, err := atomic.List(v.Root, dir)
	if err != nil {
		return nil, fmt.Errorf("listing the drop-ins: %w", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return path.Ext(name) != ".conf" })
	slices.Sort(names)
	return names, nil
}

// read returns the content of a file, and nothing where it isn't there.
func (v Verbs) read(name string) (string, error) {
	data, err := atomic.ReadFile(v.Root, name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// setDropins makes the drop-ins of vpnd these and no others, and says whether
// a restart of the unit is pending for that; if so, refreshed is to be called after it.
func (v Verbs) setDropins(unit string, want []Dropin) (changed bool, err error) {
	got, err := v.written(unit)
	if err != nil {
		return false, err
	}
	if changed, err = v.pending(unit); err != nil {
		return false, err
	}
	var steps []func() error
	for _, d := range got {
		if !slices.ContainsFunc(want, func(w Dropin) bool { return w.Name == d.Name }) {
			steps = append(steps, func() error { return v.takeAway(file(unit, d.Name)) })
		}
	}
	for _, w := range want {
		content := withMark(unit, *w.Content)
		if !slices.ContainsFunc(got, func(d Dropin) bool { return d.Name == w.Name && *d.Content == content }) {
			steps = append(steps, func() error { return v.put(file(unit, w.Name), content) })
		}
	}
	if steps == nil {
		return changed, nil
	}
	return v.change(unit, steps)
}

// change takes steps that change what systemd reads of a unit. What is owed for
// them is on disk before the first, so that a kill forgets nothing.
func (v Verbs) change(unit string, steps []func() error) (changed bool, err error) {
	if err := v.setPending(unit); err != nil {
		return false, err
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return true, err
		}
	}
	return true, nil
}

func (v Verbs) pending(unit string) (bool, error) {
	_, err := atomic.Stat(v.Root, path.Join(directory(unit), owed))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (v Verbs) setPending(unit string) error {
	if err := atomic.Mkdir(v.Root, directory(unit), 0o755, 0, 0); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return atomic.Write(v.Root, atomic.File{Path: path.Join(directory(unit), owed), Mode: 0o644})
}

// refreshed says that the drop-ins count now. A directory that is left empty goes.
func (v Verbs) refreshed(unit string) error {
	if err := atomic.Remove(v.Root, path.Join(directory(unit), owed)); err != nil {
		return err
	}
	return v.leave(directory(unit))
}

// put writes a drop-in and saves what somebody else has there.
func (v Verbs) put(name, content string) error {
	other, err := v.read(name)
	if err != nil {
		return err
	}
	if other != "" && !strings.HasPrefix(other, mark) {
		if err := v.copyTo(name, name+saved); err != nil {
			return err
		}
	}
	return atomic.Write(v.Root, atomic.File{Path: name, Data: []byte(content), Mode: 0o644})
}

// takeAway removes a drop-in and brings back what was saved for it.
func (v Verbs) takeAway(name string) error {
	if _, err := atomic.Stat(v.Root, name+saved); err == nil {
		if err := v.copyTo(name+saved, name); err != nil {
			return err
		}
		return atomic.Remove(v.Root, name+saved)
	}
	return atomic.Remove(v.Root, name)
}

// copyTo copies a file with its owner and mode; the caller replaces or removes
// the old one, so that a kill between loses nothing.
func (v Verbs) copyTo(from, to string) error {
	info, err := atomic.Stat(v.Root, from)
	if err != nil {
		return err
	}
	data, err := atomic.ReadFile(v.Root, from, maxFile)
	if err != nil {
		return err
	}
	return atomic.Write(v.Root, atomic.File{Path: to, Data: data, Mode: info.Mode, UID: info.UID, GID: info.GID})
}

// Tidy removes what a killed writer left beside the drop-ins, and the directory of
// vpnd's own where they did not come to be.
func (v Verbs) Tidy(name string, _ Unit) error {
	var errs []error
	for _, dir := range dropinDirs {
		dir = path.Join(dir, name+".d")
		errs = append(errs, atomic.Tidy(v.Root, path.Dir(dir), dir), atomic.TidyDirectory(v.Root, dir))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return v.leave(directory(name))
}

// leave removes a directory of drop-ins where it is empty. Where something else
// stands, that is not ours to remove.
func (v Verbs) leave(dir string) error {
	err := atomic.RemoveDirectory(v.Root, dir)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	return err
}
